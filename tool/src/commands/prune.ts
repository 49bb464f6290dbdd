import { hostname } from 'node:os';
import { choosePrunable, type PrunePolicy } from '../plan/prune.ts';
import { openRecords } from '../records/record-store.ts';
import { pruneJson, pruneLines } from '../report/prune-text.ts';
import { takeInventory } from '../run/prune-inventory.ts';
import { removePrunable } from '../run/prune-local.ts';
import type { PrunePlace } from '../run/prune-place.ts';
import { newRunId } from '../run/run-folder.ts';
import { lockStorage } from '../run/storage-lock.ts';
import { sweepDeadRuns } from '../run/sweep-dead-runs.ts';
import { createBuildah } from '../system/buildah-cli.ts';
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
  const loaded = await loadTree({ ...context.options, cwd: context.cwd, env: context.env });
  const { tree, stateDir } = loaded;
  const remembering: Remembering = {
    ...loaded,
    records: openRecords(stateDir),
    lock: { read: readLocks, write: createLockWriter(tree.root, stateDir) },
  };
  if (values.registry !== true) return pruneHere(context, remembering, policy, keepLast);
  const { pruneShared } = await import('./prune-shared.ts');
  const reports = await pruneShared(context, remembering, policy);
  if (values.json === true) {
    const places = reports.map(({ place, ...report }) => ({ place, ...pruneJson(report) }));
    context.print(JSON.stringify({ version: 1, places }));
  } else for (const report of reports) printShared(context, report);
  return reports.some(({ left }) => left.length > 0) ? 1 : 0;
};

function printShared(context: CommandContext, report: SharedReport): void {
  context.print(`${report.place}:`);
  for (const line of pruneLines(report, context.values.verbose === true)) context.print(`  ${line}`);
  if (report.rest !== undefined) context.print(`  ${report.rest}`);
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

async function pruneHere(
  context: CommandContext,
  loaded: Remembering,
  policy: PrunePolicy,
  keepLast: number,
): Promise<number> {
  const { env, signal, values } = context;
  const { stateDir } = loaded;
  makeStateFolder(stateDir);
  const exec = createExec({ env, signal });
  const runId = newRunId(new Date());
  const buildah = createBuildah(exec, { isolation: 'chroot', runId });
  const store = await buildah.store().catch(refuseMissing);
  const isDry = values['dry-run'] === true;
  const holder = { host: hostname(), pid: process.pid, runId };
  const whenLocked = values.lock === 'fail' ? 'fail' : 'wait';
  const wanting = { holder, whenLocked, environment: env, signal, say: context.warn } as const;
  const lock = isDry ? undefined : await lockStorage(store.graphRoot, 'alone', wanting);
  try {
    if (!isDry) for (const line of await sweepDeadRuns(stateDir, exec)) context.warn(line);
    const place: PrunePlace = {
      root: loaded.tree.root,
      stateDir,
      temporaryRoot: temporaryRoot(env.TMPDIR),
      store,
      needed: await neededBuilds(context, loaded, 'local'),
      keepLast,
      now: policy.now,
    };
    const inventory = await takeInventory(place, exec);
    const choice = choosePrunable(inventory.items, inventory.layers, policy);
    const left = isDry ? [] : await removePrunable(choice.remove, place, { exec, buildah, signal });
    const { maxBytes } = policy;
    const report = { isDry, items: inventory.items, choice, left, ...(maxBytes !== undefined && { maxBytes }) };
    if (values.json === true) context.print(JSON.stringify(pruneJson(report)));
    else for (const line of pruneLines(report, values.verbose === true)) context.print(line);
    return left.length > 0 ? 1 : 0;
  } finally {
    lock?.release();
  }
}
