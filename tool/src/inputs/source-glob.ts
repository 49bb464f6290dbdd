import { existsSync } from 'node:fs';
import path from 'node:path';
import { readNames } from './names.ts';

/** Whether buildah expands the source: it does so by Go's filepath.Match, where `*` takes dot files too. */
export function isPattern(source: string): boolean {
  return /[*?[]/.test(source);
}

/** How `expandPattern` looks at the disk. */
export interface Disk {
  /** Empty where there is no such folder. */
  names(folder: string): readonly string[];
  isThere(file: string): boolean;
}

const DISK: Disk = { names: namesIn, isThere: existsSync };

/** Existing paths that an absolute pattern names, in order. */
export function expandPattern(pattern: string, disk: Disk = DISK): string[] {
  let found = ['/'];
  for (const segment of path.normalize(pattern).split('/').filter(Boolean)) {
    const expression = isPattern(segment) ? expressionOf(segment) : undefined;
    found = found.flatMap((folder) => {
      if (expression === undefined) return [path.join(folder, segment)];
      return disk
        .names(folder)
        .filter((name) => expression.test(name))
        .map((name) => path.join(folder, name));
    });
  }
  return found.filter((file) => disk.isThere(file));
}

function namesIn(folder: string): string[] {
  try {
    return readNames(folder).filter((name) => typeof name === 'string');
  } catch {
    return [];
  }
}

/** A token is an escaped character, a whole class, or one character. */
const TOKEN = /\\.|\[\^?(?:\\.|[^\]\\])+\]|./gs;

function expressionOf(segment: string): RegExp {
  const source = segment.replace(TOKEN, (token) => {
    if (token === '*') return '.*';
    if (token === '?') return '.';
    // A class means the same to both.
    if (token.startsWith('[') && token.length > 1) return token;
    return token.replace(/^\\(.)$/s, '$1').replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  });
  return new RegExp(`^${source}$`, 's');
}
