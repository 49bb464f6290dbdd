import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, relative } from 'node:path';
import type { LayerId } from '../config/layer.ts';
import { remainingPath } from '../graph/critical-path.ts';
import { type LayerGraph, neededBy } from '../graph/layer-graph.ts';
import type { Decision } from '../plan/decide.ts';
import type { Question, Wish } from '../plan/facts.ts';
import { decideNow, type Plan, plannedLayers } from '../plan/plan.ts';
import { isShared } from '../plan/reuse.ts';
import type { LayerRecord } from '../recipe/record.ts';
import { openFailedBuilds } from '../records/failed-builds.ts';
import type { RecordStore } from '../records/record-store.ts';
import type { Buildah } from '../system/buildah.ts';
import { createLocked } from '../system/lock.ts';
import type { LayerSummary, NewRunEvent, Reporter, RunSummary } from './events.ts';
import { type MutableFacts, setRecord } from './gather-facts.ts';
import { parentImages } from './image-of.ts';
import type { InputReader } from './input-reader.ts';
import { createRunFolder, makeTemporary, newRunId } from './run-folder.ts';
import { keepRecipes, type RunRecipe } from './run-recipes.ts';
import { schedule } from './schedule.ts';
import { type LayerWork, summarise, workOnLayer } from './work-on-layer.ts';
import type { RunPlace } from './workspace.ts';

export interface RunRequest {
  /** Absolute, as are all folders here. */
  readonly root: string;
  readonly stateDir: string;
  readonly temporaryRoot: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly graph: LayerGraph;
  readonly facts: MutableFacts;
  readonly wish: Wish;
  readonly plan: Plan;
  readonly records: RecordStore;
  readonly isolation: Buildah['isolation'];
  /** Folder of the container storage; undefined on a machine that has none. */
  readonly graphRoot?: string;
  readonly lockFds: RunPlace['lockFds'];
  readonly jobs: number;
  readonly keepGoing: boolean;
  /** The container of a layer that fails stays, for a look inside. */
  readonly keepFailed: boolean;
  readonly whenLocked: 'wait' | 'fail';
  /** Whether parts of layers are kept in storage, for later builds to start from. */
  readonly checkpoints: boolean;
  readonly verified: boolean;
  readonly warnings: readonly { readonly id: LayerId | null; readonly message: string }[];
  /** Aborted with the signal's name as reason. */
  readonly signal: AbortSignal;
  readonly forced: AbortSignal;
  readonly reporter: Reporter;
  readonly reader: InputReader;
  memoryOf: LayerWork['memoryOf'];
  answer(questions: readonly Question[]): Promise<boolean>;
  writeLock: LayerWork['writeLock'];
  readonly control?: LayerWork['control'];
}

/** Layers without a recorded duration are taken for this long: a minute, between a copy and a package installation. */
const UNKNOWN_DURATION = 60_000;

/** Carries out a plan: builds, publishes and records, in events to the reporter. Never rejects because of a layer. */
export async function run(request: RunRequest): Promise<RunSummary> {
  const { graph, facts, wish, plan, reporter } = request;
  const started = performance.now();
  const runId = newRunId(new Date());
  const folder = createRunFolder(request.stateDir, runId, (message) =>
    reporter.event({ at: Date.now(), type: 'warning', id: null, message }),
  );
  const temporary = makeTemporary(request.temporaryRoot, runId);
  const locks = join(request.stateDir, 'locks');
  const runLock = createLocked(join(locks, 'runs', `${runId}.lock`), {
    host: hostname(),
    pid: process.pid,
    runId,
    temporary,
  });
  const emit = (event: NewRunEvent): void => {
    const timed = { at: Date.now(), ...event };
    folder.event(timed);
    reporter.event(timed);
  };
  emit({ type: 'run-started', runId, jobs: request.jobs, plan: plannedLayers(graph, plan) });
  for (const warning of request.warnings) emit({ type: 'warning', ...warning });
  const place = {
    runId,
    root: request.root,
    temporary,
    caches: join(request.stateDir, 'cache', 'packages'),
    environment: request.environment,
    isolation: request.isolation,
    stateDir: request.stateDir,
    ...(request.graphRoot !== undefined && { graphRoot: request.graphRoot }),
    signal: request.signal,
    forced: request.forced,
    lockFds: request.lockFds,
    emit,
  };
  // Decisions of what is not settled yet: a settled layer's record speaks for it.
  const open = new Map<LayerId, Decision>(plan.decisions);
  const decide = (id: LayerId) => decideNow(graph, id, facts, wish, open);
  const relativeFolder = { ...folder, path: relative(request.root, folder.path) };
  const work: LayerWork = {
    graph,
    facts,
    wish,
    place,
    locks,
    decide,
    folder: relativeFolder,
    records: request.records,
    whenLocked: request.whenLocked,
    keepFailed: request.keepFailed,
    failed: openFailedBuilds(request.stateDir),
    checkpoints: request.checkpoints,
    reader: request.reader,
    memoryOf: request.memoryOf,
    answer: request.answer,
    writeLock: request.writeLock,
    ...(request.control && { control: request.control }),
    async remember(record) {
      await request.records.write(record);
      setRecord(facts, record);
    },
    imageOf: parentImages(
      () => work,
      async (id) => {
        const summary = await workOnLayer(work, id, { ...decide(id), action: 'build' });
        rebuilt.set(id, summary);
        return summary.outcome !== 'failed' && summary.outcome !== 'cancelled';
      },
    ),
  };
  // Layers that were settled and had to be built all the same, as nobody had their images any more.
  const rebuilt = new Map<LayerId, LayerSummary>();
  const remaining = remainingPath(graph, (id) => facts.records.get(id)?.durationMs ?? UNKNOWN_DURATION);
  const onAbort = () =>
    emit({
      type: 'stopping',
      reason: 'interrupted',
      message: `${String(request.signal.reason)}: ending what runs, cleaning up`,
    });
  request.signal.addEventListener('abort', onAbort, { once: true });
  try {
    const adopted = await adoptAll(plan, work);
    const layers = await schedule({
      order: [...plan.decisions.keys()],
      neededOf: (id) => neededLayers(graph, plan, id),
      priorityOf: (id) => remaining.get(id) ?? 0,
      jobs: request.jobs,
      keepGoing: request.keepGoing,
      signal: request.signal,
      decide: (id) => {
        for (const needed of neededLayers(graph, plan, id)) open.delete(needed);
        return decide(id);
      },
      work: (id, decision) => workOnLayer(work, id, decision),
      idle: (id, idleOutcome, reason) => {
        const outcome = adopted.has(id) && idleOutcome === 'unchanged' ? 'reused' : idleOutcome;
        const summary = summarise(
          { ...work, root: request.root },
          id,
          { outcome, failures: [] },
          { durationMs: 0, warnings: [], reasons: reason === '' ? [] : [reason] },
        );
        emit({ type: 'layer-finished', id, summary });
        return summary;
      },
      stopped: (id) =>
        emit({
          type: 'stopping',
          reason: 'failed',
          message: `${id} failed: what runs is finished, nothing new is started`,
        }),
    });
    const interrupted = request.signal.aborted
      ? { interrupted: request.signal.reason as NonNullable<RunSummary['interrupted']> }
      : {};
    const durationMs = Math.round(performance.now() - started);
    const summary: RunSummary = {
      runId,
      durationMs,
      layers: layers.map((layer) => rebuilt.get(layer.id) ?? layer),
      verified: request.verified,
      ...interrupted,
    };
    emit({ type: 'run-finished', summary });
    await keepRecipes(folder.path, recipesOf(layers, facts, decide)).catch((error: Error) =>
      emit({ type: 'warning', id: null, message: `its recipes are not kept: ${error.message}` }),
    );
    await folder
      .finish(summary)
      .catch((error: Error) =>
        emit({ type: 'warning', id: null, message: `its summary is not kept: ${error.message}` }),
      );
    return summary;
  } finally {
    request.signal.removeEventListener('abort', onAbort);
    await rm(temporary, { recursive: true, force: true });
    if (request.forced.aborted) runLock.abandon();
    else runLock.release();
  }
}

/** Layers that are in line by what others built need a record here and no work: no lock, no log, no workspace. */
async function adoptAll(plan: Plan, work: LayerWork): Promise<ReadonlySet<LayerId>> {
  const isKnown = ({ recipeKey }: LayerRecord) => work.facts.builds.get(recipeKey) != null;
  const inLine = [...plan.decisions.values()].flatMap(({ id, action, adopted, publish, questions }) =>
    action === 'reuse' &&
    adopted !== undefined &&
    isKnown(adopted) &&
    isShared(adopted, work.facts) &&
    // What is kept of its failed build is taken away under its lock.
    work.failed.read(id) === undefined &&
    publish.length + questions.length === 0
      ? [{ id, adopted }]
      : [],
  );
  await Promise.all(inLine.map(({ adopted }) => work.remember(adopted)));
  return new Set(inLine.map(({ id }) => id));
}

/** What each layer is made from now, or was tried to be made from. */
function recipesOf(
  layers: readonly LayerSummary[],
  facts: MutableFacts,
  decide: (id: LayerId) => Decision,
): Map<LayerId, RunRecipe> {
  const recipes = new Map<LayerId, RunRecipe>();
  for (const { id, outcome, failure } of layers) {
    const isDone = outcome !== 'failed' || failure?.code === 'publish';
    const { recipe, recipeKey } = (isDone ? facts.records.get(id) : undefined) ?? decide(id);
    if (recipe !== undefined && recipeKey !== undefined) recipes.set(id, { recipe, recipeKey });
  }
  return recipes;
}

function neededLayers(graph: LayerGraph, plan: Plan, id: LayerId): LayerId[] {
  return neededBy(graph, id).filter((needed) => plan.decisions.has(needed));
}
