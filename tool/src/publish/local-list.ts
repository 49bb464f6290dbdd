import path from 'node:path';
import type { ImageList } from '../config/destinations.ts';
import { withFileLock } from '../system/with-file-lock.ts';
import type { Workspace } from '../system/workspace.ts';
import { entriesOf } from './image-list.ts';
import type { Asking } from './publisher.ts';

/** The name that keeps the image of one architecture in storage: a list alone would not keep `podman image prune` from it. */
export function partName(reference: string, architecture: string): string {
  return `${reference}-${architecture}`;
}

/**
 * Makes a name of local storage a list of what is there under the names of its parts, in place of the list or the image that had the name.
 * One at a time, as a name that is taken is let go first.
 */
export async function writeLocalList(reference: string, list: ImageList, workspace: Workspace): Promise<void> {
  const { buildah, exec } = workspace;
  const { graphRoot } = await buildah.store();
  await withFileLock(path.join(graphRoot, 'layers-builds', '.lists.lock'), workspace, async () => {
    const names = list.architectures.map((one) => partName(reference, one));
    const there = await Promise.all(names.map(async (name) => ((await buildah.inspect(name)) ? [name] : [])));
    const removed = await exec('buildah', [...buildah.globalArgs, 'manifest', 'rm', reference], {
      quiet: true,
      accept: [0, 125],
    });
    // It may have been a single image before; that has other names of ours.
    if (removed.exitCode !== 0) await buildah.removeImage(reference);
    await exec('buildah', [...buildah.globalArgs, 'manifest', 'create', reference, ...there.flat()], { quiet: true });
  });
}

/** Whether a list of local storage has the image of a digest. */
export async function holdsDigest(reference: string, digest: string, { exec, buildah }: Asking): Promise<boolean> {
  const args = [...buildah.globalArgs, 'manifest', 'inspect', reference];
  const { exitCode, stdout } = await exec('buildah', args, { quiet: true, accept: [0, 125] });
  return exitCode === 0 && entriesOf(Buffer.from(stdout))?.some((one) => one.digest === digest) === true;
}
