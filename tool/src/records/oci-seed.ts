import { link, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { blobPath } from './oci-layout.ts';
import { isSound } from './oci-sound.ts';

/**
 * Links the blob `digest` into `target` when `layout` or a layout beside it holds one. A damaged one is passed over, and removed from
 * `layout` itself, where skopeo's would be dropped in its favour.
 */
export async function linkIfThere(digest: string, layout: string, target: string): Promise<void> {
  const parent = path.dirname(layout);
  const siblings = await readdir(parent, { withFileTypes: true }).catch(() => []);
  const layouts = [
    layout,
    ...siblings.filter((entry) => entry.isDirectory()).map(({ name }) => path.join(parent, name)),
  ];
  for (const place of layouts) {
    if (!(await isSound(place, digest))) {
      if (place === layout) await rm(blobPath(place, digest), { force: true });
      continue;
    }
    const isLinked = await link(blobPath(place, digest), blobPath(target, digest)).then(
      () => true,
      () => false,
    );
    if (isLinked) return;
  }
}
