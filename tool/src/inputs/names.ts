import { readdirSync } from 'node:fs';

/** A path for `node:fs`. A Buffer only where the bytes are no UTF-8, as Node's strings cannot hold those. */
export type DiskPath = string | Buffer;

/**
 * A name as keys and messages hold it, different for different bytes: UTF-8 as it is (with `\` doubled), and where the bytes
 * are no UTF-8, each byte above ASCII as `\xff`.
 */
export function printable(path: DiskPath): string {
  if (typeof path === 'string') return path.includes('\\') ? path.replaceAll('\\', '\\\\') : path;
  return path
    .toString('latin1')
    .replaceAll('\\', '\\\\')
    .replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

/** `folder/name`, as bytes where one of them has to be. */
export function joinPath(folder: DiskPath, name: DiskPath): DiskPath {
  if (typeof folder === 'string' && typeof name === 'string') return `${folder}/${name}`;
  return Buffer.concat([Buffer.from(folder as string), Buffer.from('/'), Buffer.from(name as string)]);
}

/** Names in a folder, in the order of their bytes. Throws what `readdir` throws. */
export function readNames(folder: DiskPath): DiskPath[] {
  const names = readdirSync(folder);
  // Bytes that are no UTF-8 come as U+FFFD, and no file has that name.
  if (names.some((name) => name.includes('\ufffd'))) return readByteNames(folder);
  return names.sort((a, b) => (a < b ? -1 : 1));
}

function readByteNames(folder: DiskPath): DiskPath[] {
  return readdirSync(folder, { encoding: 'buffer' }).sort(Buffer.compare).map(fromBytes);
}

/** A string where the bytes are UTF-8. */
export function fromBytes(bytes: Buffer): DiskPath {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return bytes;
  }
}

/** The path that `printable` showed. */
export function fromPrintable(shown: string): DiskPath {
  if (!shown.includes('\\')) return shown;
  const bytes: Buffer[] = [];
  for (const [token] of shown.matchAll(/\\x[0-9a-f]{2}|\\\\|[^\\]+|\\/g)) {
    if (token.startsWith('\\x')) bytes.push(Buffer.from([Number.parseInt(token.slice(2), 16)]));
    else bytes.push(Buffer.from(token === '\\\\' ? '\\' : token));
  }
  return fromBytes(Buffer.concat(bytes));
}
