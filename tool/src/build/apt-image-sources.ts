import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { resolveInRoot } from '../system/in-root.ts';
import { statInRoot } from './root-files.ts';

/** Takes the image's own lists of sources away; no link is followed out of its root. */
export async function removeImageSources(mountPoint: string): Promise<void> {
  const apt = await resolveInRoot(mountPoint, '/etc/apt');
  if (apt === undefined) return;
  const parts = await resolveInRoot(mountPoint, '/etc/apt/sources.list.d');
  const names = parts === undefined ? [] : await readdir(parts);
  const files = names.filter((name) => /\.(list|sources)$/.test(name)).map((name) => path.join(parts ?? '', name));
  for (const file of [path.join(apt, 'sources.list'), ...files]) {
    const stats = await statInRoot(mountPoint, path.relative(mountPoint, file));
    // The last name of the path is removed itself, and no link leads to it.
    if (stats !== undefined && !stats.isDirectory()) await rm(file);
  }
}
