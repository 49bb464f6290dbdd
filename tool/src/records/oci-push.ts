import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { storageReference } from '../system/image-reference.ts';
import { type LockUser, withFileLock } from '../system/with-file-lock.ts';
import type { Workspace } from '../system/workspace.ts';
import { DamagedIndex, tagsOf } from './oci-index.ts';
import { blobPath, linkBlob, type OciManifest, parsed, truthfulMediaTypes } from './oci-layout.ts';
import { linkIfThere } from './oci-seed.ts';

/** Where a push lies until it is whole, inside the layout; what a killed run left is removed by the next one. */
const PUSHING = '.push-';

/**
 * Runs `work` while nobody else writes to the layout, which is there and sound then. One at a time, in this process or another,
 * on machines that share the folder too: four pushes at once leave one tag, all of them saying success.
 */
export async function withLayout<T>(
  layout: string,
  workspace: LockUser & Pick<Workspace, 'warn'>,
  work: () => Promise<T>,
): Promise<T> {
  const lock = path.join(path.dirname(layout), `.${path.basename(layout)}.lock`);
  return withFileLock(lock, workspace, async () => {
    await mkdir(path.join(layout, 'blobs', 'sha256'), { recursive: true });
    await setDamagedAside(layout, workspace);
    await removeLeftovers(layout);
    return work();
  });
}

/**
 * Brings an image of local storage into the layout, without a tag. Written beside, then its blobs are linked in: a kill at any
 * time leaves nothing that somebody sees. Gives its manifest, whose own blob is not written yet, and the bytes that are new.
 */
export async function pushIntoLayout(
  imageId: string,
  layout: string,
  workspace: Workspace,
): Promise<{ readonly manifest: OciManifest; readonly bytes: number }> {
  const pushed = path.join(layout, PUSHING + randomBytes(6).toString('hex'));
  try {
    await write(imageId, pushed, layout, workspace);
    const manifest = await truthfulMediaTypes(pushed, await onlyManifest(pushed));
    let bytes = 0;
    for (const blob of [...manifest.layers, manifest.config]) bytes += await linkBlob(pushed, layout, blob);
    return { manifest, bytes };
  } finally {
    await rm(pushed, { recursive: true, force: true });
  }
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
    await storageReference(imageId, workspace.buildah),
    `oci:${target}:pushed`,
  ]);
}

/** The only image of a layout that was just written. */
async function onlyManifest(layout: string): Promise<OciManifest> {
  const [descriptor, ...others] = (await tagsOf(layout)).values();
  if (descriptor === undefined || others.length > 0) throw new Error(`${layout} does not hold one image`);
  return parsed(await readFile(blobPath(layout, descriptor.digest))) as OciManifest;
}

/** An index that is no JSON can only be left by a crash of another tool: ours replaces it whole. */
async function setDamagedAside(layout: string, workspace: Pick<Workspace, 'runId' | 'warn'>): Promise<void> {
  try {
    await tagsOf(layout);
  } catch (error) {
    if (!(error instanceof DamagedIndex)) throw error;
    const aside = path.join(layout, `index.json.damaged-${workspace.runId}`);
    await rename(path.join(layout, 'index.json'), aside);
    workspace.warn(`${layout}/index.json was damaged and is now ${path.basename(aside)}; its other tags are lost`);
  }
}

async function removeLeftovers(layout: string): Promise<void> {
  const left = (await readdir(layout)).filter((name) => name.startsWith(PUSHING));
  for (const name of left) await rm(path.join(layout, name), { recursive: true, force: true });
}
