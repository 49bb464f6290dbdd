import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Workspace } from '../system/workspace.ts';
import {
  blobPath,
  linkBlob,
  onlyManifest,
  removeUnreachable,
  tagManifest,
  tagsOf,
  truthfulMediaTypes,
} from './oci-layout.ts';
import { linkIfThere } from './oci-seed.ts';
import { type Publisher, PublishFailure } from './publisher.ts';
import { withFileLock } from './with-file-lock.ts';

/** Where a push lies until it is whole, inside the layout; what a killed run left is removed by the next one. */
const PUSHING = '.push-';

/**
 * An OCI image layout on this disk, `oci:DIR`. One push a layout at a time: four at once leave one tag, all of them saying
 * success. The image is written beside, then its blobs are linked in, then `index.json` is replaced: readers and a kill at any time
 * find the old image or the new one.
 */
export const ociPublisher: Publisher<'oci'> = {
  kind: 'oci',

  async publish(image, { directory, tags }, workspace) {
    const layout = layoutOf(directory, workspace.root);
    const lock = path.join(path.dirname(layout), `.${path.basename(layout)}.lock`);
    return withFileLock(lock, workspace, async () => {
      await setDamagedAside(layout, workspace);
      await removeLeftovers(layout);
      const pushed = path.join(layout, PUSHING + randomBytes(6).toString('hex'));
      try {
        await write(image.imageId, pushed, layout, workspace);
        const { digest, bytes } = await takeOver(pushed, layout, tags);
        const held = await tagsOf(layout);
        const lost = tags.filter((tag) => held.get(tag) !== digest);
        if (lost.length > 0)
          throw new PublishFailure(`${layout}: tags ${lost.join(', ')} are not what was just written`);
        const freed = await removeUnreachable(layout);
        if (freed > 0) workspace.say(`${layout}: removed ${freed} bytes that no tag reaches`);
        const references = tags.map((tag) => ({ kind: 'image' as const, reference: `oci:${layout}:${tag}`, digest }));
        return { references, bytes };
      } finally {
        await rm(pushed, { recursive: true, force: true });
      }
    });
  },

  async verify(publication, { directory }, _layer, { root }) {
    const layout = layoutOf(directory, root);
    const held = await tagsOf(layout).catch(() => new Map<string, string>());
    return (
      publication.references.length > 0 &&
      publication.references.every(
        (published) =>
          published.kind === 'image' &&
          held.get(published.reference.slice(`oci:${layout}:`.length)) === published.digest,
      )
    );
  },
};

function layoutOf(directory: string, root: string): string {
  const layout = path.resolve(root, directory);
  if (layout.includes(':')) {
    throw new PublishFailure(`an oci: folder cannot have a colon in its path: ${layout}`, {
      hint: 'In oci:DIR:TAG the first colon ends the folder, and nothing escapes it; choose another folder.',
    });
  }
  return layout;
}

/**
 * Layers are stored as plain tar: their digests are then known without compressing anything, so that a layer that this or a sibling
 * layout already holds is linked instead of written (each image of a chain holds all its parents' layers).
 */
async function write(imageId: string, target: string, layout: string, workspace: Workspace): Promise<void> {
  await mkdir(path.join(target, 'blobs', 'sha256'), { recursive: true });
  const info = await workspace.buildah.inspect(imageId);
  for (const digest of info?.diffIds ?? []) await linkIfThere(digest, layout, target);
  await workspace.exec('skopeo', [
    'copy',
    '--quiet',
    '--format=oci',
    '--dest-oci-accept-uncompressed-layers',
    await inStorage(imageId, workspace),
    `oci:${target}:pushed`,
  ]);
}

/** The image as skopeo finds it: buildah's own `--root` and `--runroot` have to be said in the reference. */
async function inStorage(imageId: string, { buildah }: Workspace): Promise<string> {
  const roots = new Map<string, string>();
  for (const [i, word] of buildah.globalArgs.entries()) {
    const match = /^--(root|runroot)(?:=(.*))?$/s.exec(word);
    if (match) roots.set(match[1] as string, match[2] ?? buildah.globalArgs[i + 1] ?? '');
  }
  if (roots.size === 0) return `containers-storage:${imageId}`;
  const { graphRoot, driver } = await buildah.store();
  const runRoot = roots.get('runroot');
  return `containers-storage:[${driver}@${graphRoot}${runRoot === undefined ? '' : `+${runRoot}`}]${imageId}`;
}

async function takeOver(
  pushed: string,
  layout: string,
  tags: readonly string[],
): Promise<{ digest: string; bytes: number }> {
  const manifest = await truthfulMediaTypes(pushed, await onlyManifest(pushed));
  await mkdir(path.dirname(blobPath(layout, manifest.config.digest)), { recursive: true });
  let bytes = 0;
  for (const blob of [...manifest.layers, manifest.config]) bytes += await linkBlob(pushed, layout, blob);
  return { digest: await tagManifest(layout, manifest, tags), bytes };
}

/** An index that is no JSON can only be left by a crash of another tool: ours replaces it whole. */
async function setDamagedAside(layout: string, workspace: Workspace): Promise<void> {
  await mkdir(layout, { recursive: true });
  try {
    await tagsOf(layout);
  } catch {
    const aside = path.join(layout, `index.json.damaged-${workspace.runId}`);
    await rename(path.join(layout, 'index.json'), aside);
    workspace.warn(`${layout}/index.json was damaged and is now ${path.basename(aside)}; its other tags are lost`);
  }
}

async function removeLeftovers(layout: string): Promise<void> {
  const left = (await readdir(layout)).filter((name) => name.startsWith(PUSHING));
  for (const name of left) await rm(path.join(layout, name), { recursive: true, force: true });
}
