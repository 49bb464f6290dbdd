import { link, readdir } from 'node:fs/promises';
import path from 'node:path';
import { blobPath } from './oci-layout.ts';

/**
 * Links the blob `digest` into `target` when `layout` or a layout beside it holds one. Only whole blobs have their names: they get
 * them after their digest was checked and their content was synced.
 */
export async function linkIfThere(digest: string, layout: string, target: string): Promise<void> {
  const parent = path.dirname(layout);
  const siblings = await readdir(parent, { withFileTypes: true }).catch(() => []);
  const layouts = [
    layout,
    ...siblings.filter((entry) => entry.isDirectory()).map(({ name }) => path.join(parent, name)),
  ];
  for (const place of layouts) {
    const isLinked = await link(blobPath(place, digest), blobPath(target, digest)).then(
      () => true,
      () => false,
    );
    if (isLinked) return;
  }
}
