import { readFileSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { ABSENT, type FileState, fileState } from './file-state.ts';
import { type DiskPath, joinPath, readNames } from './names.ts';

/**
 * The file system as a scan sees it: links followed, what cannot be read is absent, and everything looked at is written down, so
 * that the scan's result holds for as long as those files and folders stay as they are.
 */
export interface TreeView {
  /** `other` is a FIFO, a socket or a device. */
  kind(file: string): 'file' | 'folder' | 'other' | undefined;
  /** Empty where there is no such folder. */
  names(folder: string): readonly string[];
  /** Files below `folder`, links followed but not in circles; `skip` gets a name and its path below `folder`. */
  filesBelow(folder: string, skip: (name: string, below: string) => boolean): DiskPath[];
  text(file: string): string | undefined;
  /** State of each file and folder that was looked at. Undefined: no such list can tell when the result is out of date. */
  seen(): Readonly<Record<string, FileState>> | undefined;
}

/** @param root absolute; what lies outside is looked at path by path, as folders like a home change all the time */
export function createTreeView(root: string): TreeView {
  const seen = new Map<string, FileState>();
  const listings = new Map<string, ReadonlySet<string>>();
  let isComplete = true;

  function statsOf(file: DiskPath): Stats | undefined {
    try {
      return statSync(file, { throwIfNoEntry: false });
    } catch {
      return undefined;
    }
  }

  function listing(folder: string): ReadonlySet<string> {
    const known = listings.get(folder);
    if (known !== undefined) return known;
    let names: ReadonlySet<string> = new Set();
    if (kind(folder) === 'folder') {
      const stats = statsOf(folder);
      if (stats !== undefined) seen.set(folder, fileState(stats));
      names = new Set(listNames(folder).map(String));
    }
    listings.set(folder, names);
    return names;
  }

  function listNames(folder: DiskPath): DiskPath[] {
    try {
      return readNames(folder);
    } catch {
      return [];
    }
  }

  /** By the folder above: a path that appears changes the folder that it appears in. */
  function kind(file: string): ReturnType<TreeView['kind']> {
    const isInside = file.startsWith(`${root}/`);
    if (isInside && !listing(path.dirname(file)).has(path.basename(file))) return undefined;
    const stats = statsOf(file);
    if (!isInside && file !== root) {
      if (!seen.has(file)) seen.set(file, stats === undefined ? ABSENT : fileState(stats));
      return stats && kindOf(stats);
    }
    // Listed and not there: a link to nothing, whose target may appear anywhere.
    if (stats === undefined) isComplete = false;
    return stats && kindOf(stats);
  }

  function filesBelow(top: string, skip: (name: string, below: string) => boolean): DiskPath[] {
    const files: DiskPath[] = [];
    const pending: { folder: DiskPath; below: string; above: readonly number[] }[] = [
      { folder: top, below: '', above: [] },
    ];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (typeof next.folder === 'string') listing(next.folder);
      else isComplete = false;
      for (const name of listNames(next.folder)) {
        const below = next.below + String(name);
        if (skip(String(name), below)) continue;
        const file = joinPath(next.folder, name);
        const stats = statsOf(file);
        if (typeof file !== 'string' || stats === undefined) isComplete = false;
        if (stats === undefined) continue;
        if (!stats.isDirectory()) files.push(file);
        else if (!next.above.includes(stats.ino))
          pending.push({ folder: file, below: `${below}/`, above: [...next.above, stats.ino] });
      }
    }
    return files;
  }

  return {
    kind,
    names: (folder) => [...listing(folder)],
    filesBelow,
    text(file) {
      try {
        const stats = statSync(file);
        seen.set(file, fileState(stats));
        return readFileSync(file, 'utf8');
      } catch {
        return undefined;
      }
    },
    seen: () => (isComplete ? Object.fromEntries(seen) : undefined),
  };
}

function kindOf(stats: Stats): 'file' | 'folder' | 'other' {
  if (stats.isFile()) return 'file';
  return stats.isDirectory() ? 'folder' : 'other';
}
