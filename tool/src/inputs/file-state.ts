import { type Stats, statSync } from 'node:fs';
import type { DiskPath } from './names.ts';

/**
 * What `lstat` says of a file, in the order device, inode, size, mtime, ctime, mode. Times in milliseconds with a fraction
 * (about 250 ns of resolution, far below the kernel's own tick).
 */
export type FileState = readonly [number, number, number, number, number, number];

/** No such file. */
export const ABSENT: FileState = [0, 0, 0, 0, 0, 0];

/** ABSENT where there is none, or none that this user can see. */
export function stateOf(file: DiskPath): FileState {
  try {
    const stats = statSync(file, { throwIfNoEntry: false });
    return stats === undefined ? ABSENT : fileState(stats);
  } catch {
    return ABSENT;
  }
}

export function fileState(stats: Stats): FileState {
  return [stats.dev, stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs, stats.mode];
}

export function sameState(a: FileState, b: FileState): boolean {
  return a[4] === b[4] && a[1] === b[1] && a[2] === b[2] && a[3] === b[3] && a[0] === b[0] && a[5] === b[5];
}

/** The kernel stamps files by a coarse clock: up to 10 ms behind. */
const TICK = 50;
/** File systems that keep whole seconds (FAT: every other one). */
const COARSE = 2100;

/**
 * Git's racy rule: whether a later change of the file is certain to show in its state, so that what was read at `now` may be
 * remembered for it. A file that was written in the same tick of the clock could be written once more and look the same.
 */
export function isSettled(state: FileState, now: number): boolean {
  const [, , , mtime, ctime] = state;
  const isCoarse = ctime % 1000 === 0 && mtime % 1000 === 0;
  const horizon = now - (isCoarse ? COARSE : TICK);
  // mtime can be set by anybody, to the future too; ctime cannot, where the file system has one.
  return ctime < horizon && (mtime < horizon || mtime > now + COARSE);
}
