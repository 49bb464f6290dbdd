import { closeSync, constants, lstatSync, openSync, readdirSync, readSync, writeSync } from 'node:fs';

/** PEP 552: magic, flags, then with flags 0 the source's time and size, each 4 bytes, little-endian. */
const FLAGS_AT = 4;
const TIME_AT = 8;
const HEADER = 16;

/**
 * A compiled Python file names the time of its source, and is stale when that changes: on a read-only root it would be compiled
 * again at every start. Writes `date` into the compiled files of `source` (absolute) that name its time so far, `mtime`; both in
 * seconds. Gives those that were changed. What names another time was stale before and stays so.
 */
export function patchCompiled(source: Buffer, mtime: number, date: number): Buffer[] {
  const slash = source.lastIndexOf('/') + 1;
  const folder = source.subarray(0, slash);
  const stem = source.subarray(slash, -'.py'.length);
  const cache = Buffer.concat([folder, Buffer.from('__pycache__/')]);
  const prefix = Buffer.concat([stem, Buffer.from('.')]);
  const cached = namesIn(cache).filter((name) => name.subarray(0, prefix.length).equals(prefix) && isCompiled(name));
  // `compileall -b` puts it beside the source.
  const beside = Buffer.concat([folder, stem, Buffer.from('.pyc')]);
  const files = [...cached.map((name) => Buffer.concat([cache, name])), beside];
  return files.filter((file) => patch(file, mtime >>> 0, date >>> 0));
}

function isCompiled(name: Buffer): boolean {
  return name.subarray(-4).toString('latin1') === '.pyc';
}

/** Empty unless it is a real folder: a link may lead to the host. */
function namesIn(folder: Buffer): Buffer[] {
  try {
    if (!lstatSync(folder.subarray(0, -1)).isDirectory()) return [];
    return readdirSync(folder, { encoding: 'buffer' });
  } catch {
    return [];
  }
}

function patch(file: Buffer, mtime: number, date: number): boolean {
  if (!isRegular(file)) return false;
  const handle = openSync(file, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    const header = Buffer.alloc(HEADER);
    const isWhole = readSync(handle, header, 0, HEADER, 0) === HEADER;
    if (!isWhole || header.readUInt32LE(FLAGS_AT) !== 0 || header.readUInt32LE(TIME_AT) !== mtime) return false;
    const time = Buffer.alloc(4);
    time.writeUInt32LE(date);
    writeSync(handle, time, 0, 4, TIME_AT);
    return true;
  } finally {
    closeSync(handle);
  }
}

/** Opening a FIFO would wait for its other end. */
function isRegular(file: Buffer): boolean {
  try {
    return lstatSync(file).isFile();
  } catch {
    return false;
  }
}
