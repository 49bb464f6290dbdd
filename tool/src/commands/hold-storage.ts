import { hostname } from 'node:os';
import { openStorageTrees } from '../records/storage-trees.ts';
import { lockStorage } from '../run/storage-lock.ts';
import { createBuildah } from '../system/buildah-cli.ts';
import { CommandFailure, type Exec } from '../system/command.ts';
import type { HeldLock } from '../system/lock.ts';
import type { CommandContext } from './command.ts';
import type { Prepared } from './prepare.ts';

/** No build and no choice of an image beside a prune, and the other way round; undefined on a machine without buildah, which builds and keeps nothing. */
export async function holdStorage(
  { env, signal, values, warn }: CommandContext,
  { root, stateDir }: Pick<Prepared, 'root' | 'stateDir'>,
  exec: Exec,
): Promise<{ readonly graphRoot: string; readonly lock: HeldLock } | undefined> {
  const runId = 'build';
  let graphRoot: string;
  try {
    graphRoot = (await createBuildah(exec, { isolation: 'chroot', runId }).store()).graphRoot;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof CommandFailure) return undefined;
    throw error;
  }
  const holder = { host: hostname(), pid: process.pid, runId };
  const whenLocked = values.lock === 'fail' ? 'fail' : 'wait';
  const wanting = { holder, whenLocked, environment: env, signal, say: warn } as const;
  const lock = await lockStorage(graphRoot, 'together', wanting);
  openStorageTrees(graphRoot).note({ root, stateDir });
  return { graphRoot, lock };
}
