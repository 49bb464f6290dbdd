import { hostname } from 'node:os';
import { InvalidInput } from '../config/diagnostic.ts';
import { choosePrunable, type PrunePolicy, withoutLeft } from '../plan/prune.ts';
import { openRecords } from '../records/record-store.ts';
import { pruneJson, pruneLines } from '../report/prune-text.ts';
import { sweepHalfMade } from '../run/prune-containers.ts';
import { takeInventory } from '../run/prune-inventory.ts';
import { removePrunable } from '../run/prune-local.ts';
import type { NeededBuilds, PrunePlace } from '../run/prune-place.ts';
import { settleTrees } from '../run/prune-trees.ts';
import { newRunId } from '../run/run-folder.ts';
import { lockStorage } from '../run/storage-lock.ts';
import { sweepDeadRuns } from '../run/sweep-dead-runs.ts';
import { createBuildah } from '../system/buildah-cli.ts';
import { isOutOfSpace } from '../system/command.ts';
import { createExec } from '../system/exec.ts';
import type { CommandContext, CommandRun } from './command.ts';
import { enterUserNamespace } from './enter-user-namespace.ts';
import { loadTree } from './load-tree.ts';
import { createLockWriter, readLocks } from './locks-of-tree.ts';
import { neededBuilds } from './needed-builds.ts';
import type { Remembering } from './prepare.ts';
import type { SharedReport } from './prune-shared.ts';
import { readAge, readCount, readSize } from './prune-values.ts';
import { makeStateFolder, refuseMissing, temporaryRoot } from './start-run.ts';

const KEEP_LAST = 3;

/** Takes away what nothing needs any more of what this tool left on the machine, or in the place that machines share. */
export const run: CommandRun = async (context) => {
  const { values } = context;
  const policy = readPolicy(context);
  const keepLast = readCount('--keep-last', values['keep-last']) ?? KEEP_LAST;
  enterUserNamespace(context);
  const loaded = await load(context);
  if (values.registry !== true) return pruneHere(context, loaded, policy, keepLast);
  const { pruneShared } = await import('./prune-shared.ts');
  const reports = await pruneShared(context, loaded, policy);
  if (isJson(context)) {
    const places = reports.map(({ place, ...report }) => ({ place, ...pruneJson(report) }));
    context.print(JSON.stringify({ version: 1, places }));
  } else for (const report of reports) printShared(context, report);
  return reports.some(({ left }) => left.length > 0) ? 1 : 0;
};

async function load({ options, cwd, env }: CommandContext): Promise<Remembering> {
  const loaded = await loadTree({ ...options, cwd, env });
  const { tree, stateDir } = loaded;
  return {
    ...loaded,
    records: openRecords(stateDir),
    lock: { read: readLocks, write: createLockWriter(tree.root, stateDir) },
  };
}

function printShared(context: CommandContext, report: SharedReport): void {
  context.print(`${report.place}:`);
  for (const line of pruneLines(report, context.values.verbose === true)) context.print(`  ${line}`);
  if (report.rest !== undefined) context.print(`  ${report.rest}`);
}

function isJson({ values }: CommandContext): boolean {
  return values.json === true || values.output === 'json';
}

function readPolicy({ values }: CommandContext): PrunePolicy {
  const olderThan = readAge('--older-than', values['older-than']);
  const maxBytes = readSize('--max-size', values['max-size']);
  return {
    now: Date.now(),
    ...(olderThan !== undefined && { olderThan }),
    ...(maxBytes !== undefined && { maxBytes }),
  };
}

/** `before`: the tree as it is before a wait for the storage, in which it is edited and built. */
async function pruneHere(
  context: CommandContext,
  before: Remembering,
  policy: PrunePolicy,
  keepLast: number,
): Promise<number> {
  const { env, signal, values } = context;
  makeStateFolder(before.stateDir);
  const asking = createExec({ env, signal });
  const runId = newRunId(new Date());
  const store = await createBuildah(asking, { isolation: 'chroot', runId }).store().catch(refuseMissing);
  const isDry = values['dry-run'] === true;
  // What killed runs of this tree left may be all that is waited for.
  if (!isDry) for (const line of await sweepDeadRuns(before.stateDir, asking)) context.warn(line);
  const holder = { host: hostname(), pid: process.pid, runId };
  const whenLocked = values.lock === 'fail' ? 'fail' : 'wait';
  const wanting = { holder, whenLocked, environment: env, signal, say: context.warn } as const;
  const lock = isDry ? undefined : await lockStorage(store.graphRoot, 'alone', wanting);
  try {
    const loaded = isDry ? before : await load(context);
    const { stateDir } = loaded;
    const exec = createExec({ env, signal, ...(lock !== undefined && { lockFds: [lock.fd] }) });
    const buildah = createBuildah(exec, { isolation: 'chroot', runId });
    const place: PrunePlace = {
      root: loaded.tree.root,
      stateDir,
      temporaryRoot: temporaryRoot(env.TMPDIR),
      store,
      needed: await neededHere(context, loaded),
      keepLast,
      now: policy.now,
    };
    for (const line of settleTrees(place, isDry)) context.warn(line);
    if (!isDry) for (const line of await sweepHalfMade(place, exec)) context.warn(line);
    const inventory = await takeInventory(place, exec);
    const choice = choosePrunable(inventory.items, inventory.layers, policy);
    const left = isDry ? [] : await removePrunable(choice.remove, place, { exec, buildah, signal });
    const { maxBytes } = policy;
    const came = withoutLeft(choice, inventory.items, inventory.layers, new Set(left.map(({ item }) => item)));
    const report = { isDry, items: inventory.items, choice: came, left, ...(maxBytes !== undefined && { maxBytes }) };
    if (isJson(context)) context.print(JSON.stringify(pruneJson(report)));
    else for (const line of pruneLines(report, values.verbose === true)) context.print(line);
    return left.length > 0 ? 1 : 0;
  } finally {
    lock?.release();
  }
}

/** What branches need is planned from their files, for which there must be room. */
async function neededHere(context: CommandContext, loaded: Remembering): Promise<NeededBuilds> {
  try {
    return await neededBuilds(context, loaded, 'local');
  } catch (error) {
    if (!isOutOfSpace(error)) throw error;
    const folder = temporaryRoot(context.env.TMPDIR);
    throw new InvalidInput(`${folder} has no room for the files of a branch, which are planned there`, {
      hint: 'TMPDIR=DIR names a folder on another file system, such as /dev/shm',
      cause: error,
    });
  }
}
