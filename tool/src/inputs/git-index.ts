import { fromBytes, printable } from './names.ts';

/** Path from the top of the work tree (as `printable`) → mode as git keeps it: 0o100644, 0o100755, 0o120000 or 0o160000. */
export type GitIndex = ReadonlyMap<string, number>;

const FIXED = 40;
const EXTENDED = 0x4000;

/**
 * Reads git's index (versions 2 to 4), which a checkout by another user keeps git itself from showing, and which takes git 5 ms
 * to print. Undefined where the index is of a kind that this does not read: damaged, newer, or split in two files.
 */
export function readGitIndex(bytes: Buffer, hashLength: 20 | 32): GitIndex | undefined {
  if (bytes.length < 12 || bytes.toString('latin1', 0, 4) !== 'DIRC') return undefined;
  const version = bytes.readUInt32BE(4);
  if (version < 2 || version > 4) return undefined;
  const index = new Map<string, number>();
  let at = 12;
  let previous: Buffer = Buffer.alloc(0);
  for (let left = bytes.readUInt32BE(8); left > 0; left -= 1) {
    const flagsAt = at + FIXED + hashLength;
    if (flagsAt + 2 > bytes.length) return undefined;
    const mode = bytes.readUInt32BE(at + 24);
    let nameAt = flagsAt + 2;
    if ((bytes.readUInt16BE(flagsAt) & EXTENDED) !== 0) nameAt += 2;
    let kept = 0;
    if (version === 4) {
      const strip = readVarint(bytes, nameAt);
      kept = previous.length - strip.value;
      nameAt = strip.next;
    }
    const end = bytes.indexOf(0, nameAt);
    if (end < 0 || kept < 0) return undefined;
    const rest = bytes.subarray(nameAt, end);
    const name = kept > 0 ? Buffer.concat([previous.subarray(0, kept), rest]) : rest;
    index.set(printable(fromBytes(name)), mode);
    previous = name;
    // Up to version 3 an entry is padded to 8 bytes, with at least one NUL.
    at = version === 4 ? end + 1 : at + ((end - at + 8) & ~7);
  }
  return isSplit(bytes, at, hashLength) ? undefined : index;
}

/** Git's offset encoding: each further byte adds one before it shifts. */
function readVarint(bytes: Buffer, start: number): { value: number; next: number } {
  let at = start;
  let byte = bytes[at] ?? 0;
  let value = byte & 127;
  while ((byte & 128) !== 0) {
    at += 1;
    byte = bytes[at] ?? 0;
    value = (value + 1) * 128 + (byte & 127);
  }
  return { value, next: at + 1 };
}

/** A `link` extension says that most entries are in another file. */
function isSplit(bytes: Buffer, start: number, hashLength: number): boolean {
  for (let at = start; at + 8 <= bytes.length - hashLength; at += 8 + bytes.readUInt32BE(at + 4)) {
    if (bytes.toString('latin1', at, at + 4) === 'link') return true;
  }
  return false;
}
