import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Exec } from './command.ts';

/** Who holds a lock, as its file says: for the message to whoever waits. */
export interface Holder {
  readonly host: string;
  readonly pid: number;
  readonly runId: string;
  /** Where its temporary files are, so that a later run can sweep them. */
  readonly temporary?: string;
}

/** A lock of the kernel: free when every process that inherited `fd` has ended, however it ended. */
export interface HeldLock {
  readonly fd: number;
  release(): void;
}

/**
 * Takes the lock if it is free. Node has no flock: the program locks the open file that it inherits from us. `together`: others may
 * hold it in the same way, and its file names the last of them.
 */
export function tryLock(file: string, holder: Holder, how: 'alone' | 'together' = 'alone'): HeldLock | undefined {
  mkdirSync(dirname(file), { recursive: true });
  const fd = openSync(file, 'a+');
  if (flock(fd, [...(how === 'together' ? ['-s'] : []), '-n', '3'])) return hold(fd, holder);
  closeSync(fd);
  return undefined;
}

/** Waits until the lock is free. Rejects when `exec`'s signal ends the wait. */
export async function waitForLock(
  file: string,
  holder: Holder,
  exec: (fd: number) => Exec,
  how: 'alone' | 'together' = 'alone',
): Promise<HeldLock> {
  const fd = openSync(file, 'a+');
  try {
    // exec's own descriptor comes first in the child, locks after it.
    await exec(fd)('flock', [...(how === 'together' ? ['-s'] : []), '4'], { quiet: true });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return hold(fd, holder);
}

/**
 * A lock that is there only together with its holder: the file gets its name when it is locked, so that nobody who looks for dead
 * runs can mistake a starting one for dead.
 */
export function createLocked(file: string, holder: Holder): HeldLock & { abandon(): void } {
  mkdirSync(dirname(file), { recursive: true });
  const starting = `${file}.starting`;
  const fd = openSync(starting, 'a+');
  if (!flock(fd, ['-n', '3'])) throw new Error(`the lock ${starting} is held although its name is new`);
  let lock: HeldLock;
  try {
    lock = hold(fd, holder);
    renameSync(starting, file);
  } catch (error) {
    rmSync(starting, { force: true });
    throw error;
  }
  return {
    fd,
    release: () => {
      rmSync(file, { force: true });
      lock.release();
    },
    // The file stays, so that whoever comes next finds it free and sweeps.
    abandon: () => lock.release(),
  };
}

/** What the file of a held lock says; undefined when it says nothing readable. */
export function readHolder(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

function flock(fd: number, args: readonly string[]): boolean {
  const { status, error } = spawnSync('flock', args, { stdio: ['ignore', 'ignore', 'ignore', fd] });
  if (error !== undefined)
    throw new Error(`flock (package util-linux) does not start: ${error.message}`, { cause: error });
  return status === 0;
}

/** A lock whose file cannot be written (a full disk) is let go again. */
function hold(fd: number, holder: Holder): HeldLock {
  try {
    ftruncateSync(fd);
    writeSync(fd, `${JSON.stringify(holder)}\n`);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { fd, release: () => closeSync(fd) };
}
