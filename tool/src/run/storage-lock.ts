import { join } from 'node:path';
import { InvalidInput } from '../config/diagnostic.ts';
import { createExec } from '../system/exec.ts';
import { type HeldLock, type Holder, readHolder, tryLock, waitForLock } from '../system/lock.ts';

interface Wanting {
  readonly holder: Holder;
  readonly whenLocked: 'wait' | 'fail';
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** What a person should know of the wait. */
  say(message: string): void;
}

/**
 * A container storage is built into by many, of any tree, or pruned by one: `together` or `alone`. The kernel frees the lock when
 * its holder and all children that inherited it have ended. Throws InvalidInput where it is held the other way and nobody wants to wait;
 * rejects with the abort.
 */
export async function lockStorage(
  graphRoot: string,
  how: 'together' | 'alone',
  { holder, whenLocked, environment, signal, say }: Wanting,
): Promise<HeldLock> {
  const file = join(graphRoot, 'layers.lock');
  const lock = tryLock(file, holder, how);
  if (lock !== undefined) return lock;
  const other = readHolder(file);
  const who = other === undefined ? 'another process' : `process ${other.pid} on ${other.host}`;
  const what = how === 'alone' ? 'builds into' : 'prunes';
  if (whenLocked === 'fail') {
    throw new InvalidInput(`${who} ${what} ${graphRoot}`, { hint: "'--lock wait' waits for it" });
  }
  say(`waiting for ${who}, which ${what} ${graphRoot}`);
  return waitForLock(file, holder, (fd) => createExec({ env: environment, lockFds: [fd], signal }), how);
}
