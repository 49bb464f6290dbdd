import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { LocalFile } from './publisher.ts';

const CHUNK = 1 << 20;

/** Size and SHA-256 of a file on this machine. */
export async function hashed(file: string): Promise<LocalFile> {
  return readHashing(file, async () => undefined);
}

/** Copies `source` into an open file; gives size and SHA-256 of what was read and written. */
export async function copyHashing(source: string, output: FileHandle): Promise<Omit<LocalFile, 'path'>> {
  const { size, sha256 } = await readHashing(source, (chunk) => output.writeFile(chunk));
  return { size, sha256 };
}

async function readHashing(file: string, each: (chunk: Uint8Array) => Promise<void>): Promise<LocalFile> {
  const input = await open(file, 'r');
  try {
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of input.createReadStream({ highWaterMark: CHUNK, autoClose: false })) {
      hash.update(chunk);
      size += chunk.length;
      await each(chunk);
    }
    return { path: file, size, sha256: hash.digest('hex') };
  } finally {
    await input.close();
  }
}
