import { existsSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { LayerId } from '../config/layer.ts';
import type { FailedBuild, FailedBuilds } from '../records/failed-builds.ts';
import type { Exec } from '../system/command.ts';
import { keptContainerName } from '../system/container-name.ts';
import { type HeldLock, tryLock } from '../system/lock.ts';
import { removeNamed, unmountBelow } from '../system/sweep.ts';
import type { Workspace } from '../system/workspace.ts';

/** What is known where a build failed. */
export interface FailedNow {
  readonly id: LayerId;
  /** The working container. */
  readonly container: string;
  readonly step: string;
  readonly message: string;
  readonly recipeKey: string | undefined;
}

/** Where kept containers are remembered, and who is in one. */
export interface FailedPlace {
  readonly failed: FailedBuilds;
  /** Absolute folder of the locks. */
  readonly locks: string;
}

/** Kept containers go when they are this old, in milliseconds: a week. */
const FAILED_STAYS_MS = 7 * 24 * 3_600_000;

/**
 * Keeps a working container under a name that no sweep of its run takes away, instead of the layer's earlier one. The caller holds the
 * layer's lock, and no process of the build lives any more. Written down before it is renamed: whoever is killed in between leaves a
 * container of a dead run, which is swept. Throws CommandFailure, and an error where somebody is in the earlier one, which stays.
 */
export async function keepFailed(
  now: FailedNow,
  { failed, locks }: FailedPlace,
  { runId, temporary, buildah }: Pick<Workspace, 'runId' | 'temporary' | 'buildah'>,
  exec: Exec,
): Promise<void> {
  // Its record is all that says which container it is.
  if (!(await dropFailed(now.id, { failed, locks }, exec)))
    throw new Error('somebody is in the one that was kept before');
  // What a program that was ended left mounted lies in the folder that is about to be emptied.
  await unmountBelow(temporary, exec);
  const { graphRoot } = await buildah.store();
  const container = keptContainerName(now.container);
  const { recipeKey, id, step, message } = now;
  const kept = { version: 1, id, container, graphRoot, runId, at: new Date().toISOString(), step, message } as const;
  await failed.write({ ...kept, ...(recipeKey === undefined ? {} : { recipeKey }) });
  await buildah.unmount(now.container).catch(() => undefined);
  await exec('buildah', ['rename', now.container, container], { quiet: true });
}

/** Removes what was kept of a layer's failed build, if anything; gives false when somebody is in it, and it stays. */
export async function dropFailed(id: LayerId | string, { failed, locks }: FailedPlace, exec: Exec): Promise<boolean> {
  const kept = failed.read(id as LayerId);
  if (kept === undefined) return true;
  const lock = lockFailed(kept, locks, 'alone');
  if (lock === undefined) return false;
  try {
    await removeNamed([kept.container], exec);
    await failed.remove(id);
    rmSync(lockFile(kept, locks), { force: true });
    return true;
  } finally {
    lock.release();
  }
}

/** The layer was built well: what was kept of its failure goes, or, gives false, is noted to go when whoever is in it has left. */
export async function settleFailed(id: LayerId, place: FailedPlace, exec: Exec): Promise<boolean> {
  if (await dropFailed(id, place, exec)) return true;
  const kept = place.failed.read(id);
  if (kept !== undefined) await place.failed.write({ ...kept, builtAt: new Date().toISOString() });
  return false;
}

/** Removes those that are too old, or whose layer was built since; gives a line about each. */
export async function dropOldFailed(place: FailedPlace, now: number, exec: Exec): Promise<string[]> {
  const lines: string[] = [];
  for (const { id, at, runId, builtAt } of place.failed.all()) {
    const isOld = now - Date.parse(at) >= FAILED_STAYS_MS;
    if ((!isOld && builtAt === undefined) || !(await dropFailed(id, place, exec))) continue;
    const why = builtAt === undefined ? 'after a week' : 'as the layer has been built since';
    lines.push(`${id}: the container kept of the failed build of run ${runId} was removed ${why}`);
  }
  return lines;
}

/** Whether somebody is in a kept container now. */
export function isEntered(kept: FailedBuild, locks: string): boolean {
  if (!existsSync(lockFile(kept, locks))) return false;
  const lock = lockFailed(kept, locks, 'alone');
  lock?.release();
  return lock === undefined;
}

/** Several may be in a kept container, who removes it is alone. Undefined: it is in use that way already. */
export function lockFailed(kept: FailedBuild, locks: string, how: 'alone' | 'together'): HeldLock | undefined {
  return tryLock(lockFile(kept, locks), { host: hostname(), pid: process.pid, runId: kept.runId }, how);
}

function lockFile({ container }: FailedBuild, locks: string): string {
  return join(locks, 'failed', `${container}.lock`);
}
