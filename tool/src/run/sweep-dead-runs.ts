import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Exec } from '../system/command.ts';
import { readHolder, tryLock } from '../system/lock.ts';
import { sweepRun } from '../system/sweep.ts';

/**
 * Takes away what killed runs left: their processes, containers, mounts and temporary folders, which all carry the run's id. A run is
 * dead when its lock is free. Gives a line about each.
 */
export async function sweepDeadRuns(stateDir: string, exec: Exec): Promise<string[]> {
  const folder = join(stateDir, 'locks', 'runs');
  const swept: string[] = [];
  for (const name of lockNames(folder)) {
    const file = join(folder, name);
    const holder = readHolder(file);
    const lock = tryLock(file, holder ?? { host: '', pid: 0, runId: '' });
    if (lock === undefined) continue;
    const runId = name.replace(/\.lock$/, '');
    await sweepRun(runId, { exec, temporary: holder?.temporary ?? join('/var/tmp', `layers-${runId}`) });
    swept.push(`run ${runId} was killed; what it left was swept`);
    rmSync(file, { force: true });
    lock.release();
  }
  return swept;
}

/** Files of the runs that are alive, or were killed. */
export function lockNames(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.lock'));
  } catch {
    return [];
  }
}
