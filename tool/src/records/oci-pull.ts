import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { KeptImage } from '../recipe/known-build.ts';
import { CommandFailure } from '../system/command.ts';
import { storageReference } from '../system/image-reference.ts';
import type { Workspace } from '../system/workspace.ts';
import { ImageGone } from './image-gone.ts';
import { blobPath, MANIFEST_TYPE, type OciManifest } from './oci-layout.ts';
import { isSound } from './oci-sound.ts';

/**
 * Brings an image of a layout into local storage by its digest: through a layout of this one image whose blobs are the other's, as
 * skopeo 1.9 takes only tags, and a tag may have moved. skopeo compares every blob with its digest while it reads. Throws ImageGone
 * where one is damaged, and takes that one away, so that whoever keeps the image next writes it whole.
 */
export async function copyToStorage(
  layout: string,
  digest: string,
  manifest: OciManifest,
  workspace: Workspace,
): Promise<KeptImage> {
  const id = manifest.config.digest.slice('sha256:'.length);
  const folder = await mkdtemp(path.join(workspace.temporary, 'pull-'));
  try {
    const view = path.join(folder, 'image');
    await mkdir(view);
    await symlink(path.join(layout, 'blobs'), path.join(view, 'blobs'));
    await writeFile(path.join(view, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    const { size } = await stat(blobPath(view, digest));
    const manifests = [{ mediaType: MANIFEST_TYPE, digest, size }];
    await writeFile(path.join(view, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
    const target = await storageReference(`@${id}`, workspace.buildah);
    await workspace.exec('skopeo', ['copy', '--quiet', `oci:${view}`, target]);
  } catch (error) {
    const isFailure = error instanceof CommandFailure && error.reason === 'exit';
    if (isFailure && (await removeDamaged(layout, manifest))) {
      throw new ImageGone(`${digest} in ${layout} was damaged: what its blobs hold is not what they are called`, {
        cause: error,
      });
    }
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const store = await workspace.buildah.store();
  const stored = await workspace.buildah.inspect(id);
  return { id, ...store, size: stored?.size ?? manifest.layers.reduce((sum, layer) => sum + layer.size, 0) };
}

/** Gives whether any blob was not what its digest says, or is not there. */
async function removeDamaged(layout: string, { config, layers }: OciManifest): Promise<boolean> {
  let isDamaged = false;
  for (const { digest } of [config, ...layers]) {
    if (await isSound(layout, digest)) continue;
    isDamaged = true;
    // A folder that we may only read: it stays for who may write.
    await rm(blobPath(layout, digest), { force: true }).catch(() => undefined);
  }
  return isDamaged;
}
