import { createHash, type Hash, hash } from 'node:crypto';
import { closeSync, constants, openSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import type { DiskPath } from './names.ts';

/** Files up to this size are read at once. */
const WHOLE = 4 * 1024 * 1024;
const PIECE = 1024 * 1024;
// A file that became a FIFO since it was looked at must not hang the run.
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** `sha256:…` of kind, mode and content. Throws what the file system throws. */
export function hashFile(file: DiskPath, mode: number, size: number): string {
  const descriptor = openSync(file, FLAGS);
  try {
    const sum = createHash('sha256').update(header('file', mode));
    if (size <= WHOLE) sum.update(readFileSync(descriptor));
    else updateInPieces(sum, descriptor);
    return `sha256:${sum.digest('hex')}`;
  } finally {
    closeSync(descriptor);
  }
}

/** A symbolic link is its target's text, as that is what a copy of it is. */
export function hashLink(file: DiskPath): string {
  const sum = createHash('sha256').update(header('link', 0o777));
  return `sha256:${sum.update(readlinkSync(file, 'buffer')).digest('hex')}`;
}

export function hashFolder(mode: number): string {
  return `sha256:${hash('sha256', header('folder', mode))}`;
}

function updateInPieces(sum: Hash, descriptor: number): void {
  const piece = Buffer.allocUnsafe(PIECE);
  for (let read = readSync(descriptor, piece); read > 0; read = readSync(descriptor, piece)) {
    sum.update(read === PIECE ? piece : piece.subarray(0, read));
  }
}

function header(kind: string, mode: number): string {
  return `${kind} ${mode.toString(8)}\n`;
}
