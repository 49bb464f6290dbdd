import { lstat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Where to look for what a container has beside its parent: with overlay the upper folder next to the mounted root, which holds
 * nothing else; otherwise the root itself. To read only: changes go through the mounted root.
 */
export async function ownPart(mountPoint: string): Promise<string> {
  if (basename(mountPoint) !== 'merged') return mountPoint;
  const upper = join(dirname(mountPoint), 'diff');
  const stats = await lstat(upper).catch(() => undefined);
  return stats?.isDirectory() ? upper : mountPoint;
}
