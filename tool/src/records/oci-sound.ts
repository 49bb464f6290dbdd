import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { blobPath } from './oci-layout.ts';

/** Files that were read whole in this process and are what they are called: a layer is a parent's to many children. */
const sound = new Set<string>();

/**
 * Whether a blob is there and holds what its digest says. Reads all of it, once a process: a blob that spreads by links would spread
 * its damage, too.
 */
export async function isSound(layout: string, digest: string): Promise<boolean> {
  const file = blobPath(layout, digest);
  const found = await stat(file, { bigint: true }).catch(() => undefined);
  if (found === undefined) return false;
  // Not the time of its inode, which another link changes.
  const stamp = [digest, found.dev, found.ino, found.size, found.mtimeNs].join(' ');
  if (sound.has(stamp)) return true;
  if ((await digestOfFile(file)) !== digest) return false;
  sound.add(stamp);
  return true;
}

/** Undefined for what cannot be read. */
async function digestOfFile(file: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Uint8Array);
  } catch {
    return undefined;
  }
  return `sha256:${hash.digest('hex')}`;
}
