import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Workspace } from './workspace.ts';

const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 500;

export type LockUser = Pick<Workspace, 'runId' | 'signal' | 'say'>;

/**
 * Runs `work` while nobody else holds `file`, in this process or another: the kernel frees the lock of whoever dies. No child
 * inherits it. The file stays: removing it would let two others lock different files of one name.
 */
export async function withFileLock<T>(file: string, workspace: LockUser, work: () => Promise<T>): Promise<T> {
  // Only who publishes starts programs: verifying loads this file, too.
  const { readHolder, tryLock } = await import('./lock.ts');
  await mkdir(path.dirname(file), { recursive: true });
  const us = { host: hostname(), pid: process.pid, runId: workspace.runId };
  let waitMs = FIRST_WAIT_MS;
  for (;;) {
    const lock = tryLock(file, us);
    if (lock !== undefined) {
      try {
        return await work();
      } finally {
        lock.release();
      }
    }
    if (waitMs === FIRST_WAIT_MS) {
      const holder = readHolder(file);
      workspace.say(`waiting for ${file}${holder ? `, held by process ${holder.pid} on ${holder.host}` : ''}`);
    }
    await sleep(waitMs * (0.5 + Math.random() / 2), undefined, { signal: workspace.signal });
    waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2);
  }
}
