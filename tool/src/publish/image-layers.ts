import { readFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * Folders of the layers that a mounted root is made of, topmost first: where a file comes from tells what was written after what, when
 * times do not (a build's own files all get the image's date). Empty where container storage is no overlay.
 */
export async function imageLayers(mountPoint: string): Promise<string[]> {
  if (path.basename(mountPoint) !== 'merged') return [];
  const container = path.dirname(mountPoint);
  // `l/ID:l/ID…`, short links below the storage's folder.
  const lower = await readFile(path.join(container, 'lower'), 'utf8').catch(() => '');
  const below = lower.trim().split(':').filter(Boolean);
  return [path.join(container, 'diff'), ...below.map((link) => path.resolve(container, '..', link))];
}
