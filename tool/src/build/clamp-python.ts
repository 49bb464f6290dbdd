import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { posix } from 'node:path';

/** PEP 552: magic, flags, then with flags 0 the source's time and size, each 4 bytes, little-endian. */
const FLAGS_AT = 4;
const TIME_AT = 8;
const HEADER = 16;

/**
 * The source that a compiled Python file at `path` stands for: `a/__pycache__/b.cpython-311.opt-1.pyc` and `a/b.pyc` (of
 * `compileall -b`) → `a/b.py`. Undefined for any other file.
 */
export function sourceOf(path: string): string | undefined {
  if (!path.endsWith('.pyc')) return undefined;
  const folder = posix.dirname(path);
  const name = posix.basename(path, '.pyc');
  if (posix.basename(folder) !== '__pycache__') return posix.join(folder, `${name}.py`);
  return posix.join(folder, '..', `${name.replace(/\.opt-\w+$/, '').replace(/\.[^.]*$/, '')}.py`);
}

/**
 * A compiled file names the time of its source, and is stale when that changes: on a read-only root it would be compiled again at
 * every start. Writes `date` into `file`, a regular one, if it names `mtime`, both in seconds; one that names another time was stale before and
 * stays so.
 */
export function patchCompiled(file: Buffer, mtime: number, date: number): void {
  const handle = openSync(file, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    const header = Buffer.alloc(HEADER);
    const isWhole = readSync(handle, header, 0, HEADER, 0) === HEADER;
    if (!isWhole || header.readUInt32LE(FLAGS_AT) !== 0 || header.readUInt32LE(TIME_AT) !== mtime >>> 0) return;
    header.writeUInt32LE(date >>> 0, TIME_AT);
    writeSync(handle, header, TIME_AT, 4, TIME_AT);
  } finally {
    closeSync(handle);
  }
}
