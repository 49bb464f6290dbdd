import { lstatSync, type Stats, statSync } from 'node:fs';

/**
 * What the kernel says of a path: device, inode, size, mtime, ctime, mode. Times in milliseconds with a fraction. Where there is
 * nothing it is all zeros, and where the answer is an error, zeros and the negative number of the error.
 */
export type PathState = readonly [number, number, number, number, number, number];

export const NOTHING: PathState = [0, 0, 0, 0, 0, 0];
const OPTIONS = { throwIfNoEntry: false } as const;

/** Of what is at the end of a link. Never throws. */
export function stateOfTarget(path: string): PathState {
  try {
    return pathState(statSync(path, OPTIONS));
  } catch (error) {
    return stateOfError(error);
  }
}

/** Of the link itself. Never throws. */
export function stateOfItself(path: string): PathState {
  try {
    return pathState(lstatSync(path, OPTIONS));
  } catch (error) {
    return stateOfError(error);
  }
}

function pathState(stats: Stats | undefined): PathState {
  if (stats === undefined) return NOTHING;
  return [stats.dev, stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs, stats.mode];
}

export function isThere(state: PathState): boolean {
  return state[1] !== 0;
}

function stateOfError(error: unknown): PathState {
  const { code, errno } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR' ? NOTHING : [0, 0, 0, 0, 0, errno ?? -1];
}
