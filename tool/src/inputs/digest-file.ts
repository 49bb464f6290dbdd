import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { type DigestCache, openDigestCache } from './digest-cache.ts';
import { fileClock } from './file-clock.ts';
import { type FileState, fileState, isSettled } from './file-state.ts';
import { createGitModes } from './git-modes.ts';
import { hashFile, hashFolder, hashLink } from './hash-file.ts';
import { InputFailure, inputFailureOf } from './input-failure.ts';
import { type DiskPath, fromBytes, printable } from './names.ts';
import { openScanCache, type ScanCache } from './scan-cache.ts';

/** What counts of one file, link or folder. */
export interface Entry {
  readonly kind: 'file' | 'link' | 'folder';
  /** Permission bits that count: git's where it tracks the file (0644 or 0755), else the disk's. */
  readonly mode: number;
  readonly diskMode: number;
  /** `sha256:…` of kind, mode and content. */
  readonly digest: string;
  /** Changes with every write, even one that was taken back. */
  readonly state: FileState;
}

export interface Digester {
  /**
   * Looks at an absolute path; a link is itself unless `follow`. Within one turn of the event loop the disk is looked at once.
   * Throws InputFailure: missing, unreadable, or a FIFO, socket or device.
   */
  look(file: DiskPath, follow?: boolean): Entry;
  /** Which files a layer reads, where finding that takes a look into files. */
  readonly scans: ScanCache;
  /** Remembers digests and scans for the next run; never throws. */
  save(): Promise<void>;
}

/**
 * Digests with a cache keyed by what `lstat` says, in `<stateDir>/cache/digests.json`.
 * @param place.root absolute; names in the cache are relative to it, so that the tree can be moved
 */
export function createDigester(place: { readonly root: string; readonly stateDir: string }): Digester {
  const folder = path.join(place.stateDir, 'cache');
  const now = fileClock(folder);
  const git = createGitModes(place.root);
  const prefix = `${place.root}/`;
  const turn = new Map<string, Entry>();
  let cache: DigestCache | undefined;
  let scans: ScanCache | undefined;

  function digestEntry(file: DiskPath, name: string, stats: Stats, follow: boolean): Entry {
    const kind = kindOf(stats, name);
    const state = fileState(stats);
    const entry = { kind, diskMode: stats.mode & 0o7777, state };
    cache ??= openDigestCache(path.join(folder, 'digests.json'), git);
    const known = kind === 'folder' ? undefined : cache.find(name, state);
    if (known?.isCurrent) return { ...entry, mode: known.cached[6], digest: known.cached[7] };
    const own = follow ? fromBytes(realpathSync(file, 'buffer')) : file;
    const mode = kind === 'link' ? 0o777 : (git.modeOf(own, kind) ?? entry.diskMode);
    if (kind === 'folder') return { ...entry, mode, digest: hashFolder(mode) };
    const started = now();
    const isKnown = known?.cached[6] === mode;
    const hash = () => (kind === 'link' ? hashLink(file) : hashFile(file, mode, stats.size));
    const digest = isKnown ? known.cached[7] : hash();
    if (isKnown || isSettled(state, started)) cache.put(name, [...state, mode, digest]);
    return { ...entry, mode, digest };
  }

  return {
    look(file, follow = false) {
      const shown = printable(file);
      const name = shown.startsWith(prefix) ? shown.slice(prefix.length) : shown;
      const key = follow ? `>${name}` : name;
      const seen = turn.get(key);
      if (seen !== undefined) return seen;
      try {
        const entry = digestEntry(file, key, follow ? statSync(file) : lstatSync(file), follow);
        if (turn.size === 0) setImmediate(() => turn.clear());
        turn.set(key, entry);
        return entry;
      } catch (error) {
        throw inputFailureOf(error, name);
      }
    },
    get scans() {
      scans ??= openScanCache(path.join(folder, 'scans.json'), place.root, now);
      return scans;
    },
    async save() {
      await Promise.all([cache?.save(), scans?.save()]);
    },
  };
}

function kindOf(stats: Stats, name: string): Entry['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  if (stats.isSymbolicLink()) return 'link';
  const shown = name.replace(/^>/, '');
  throw new InputFailure('special', `${shown} is a ${specialKind(stats)}, which an image cannot be made from`, {
    hint: 'remove it, or move it out of the folder that the layer copies',
  });
}

function specialKind(stats: Stats): string {
  if (stats.isFIFO()) return 'FIFO';
  return stats.isSocket() ? 'socket' : 'device';
}
