import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import { InvalidInput } from '../config/diagnostic.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import { sharedPlaceOf } from '../config/shared-place.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import type { LayerLock, Question, SharedPlace, Wish } from '../plan/facts.ts';
import { makePlan, type Plan } from '../plan/plan.ts';
import type { LayerRecord } from '../recipe/record.ts';
import type { LayerMemory } from '../records/layer-memory.ts';
import { openRecords, type RecordStore } from '../records/record-store.ts';
import { gatherFacts, type MutableFacts } from '../run/gather-facts.ts';
import type { InputReader } from '../run/input-reader.ts';
import type { findAffected } from './affected.ts';
import type { setsByPlan } from './affected-sets.ts';
import { type Digests, openAnswers } from './answers.ts';
import { builderHere, buildingAll } from './builders-here.ts';
import { chooseLayers } from './choose-layers.ts';
import type { CommandContext } from './command.ts';
import { lookAtLeftOutParents } from './left-out-parents.ts';
import { type LoadedTree, loadTree } from './load-tree.ts';
import { createLockWriter, readLocks } from './locks-of-tree.ts';
import { hostSuite } from './machine-facts.ts';
import { openInputs } from './open-inputs.ts';
import type { CacheMode } from './open-memories.ts';
import { verifyPublication } from './verify-publication.ts';

/** A tree, what is known of it, and the plan that follows. */
export interface Prepared {
  readonly root: string;
  readonly stateDir: string;
  readonly graph: LayerGraph;
  readonly wish: Wish;
  readonly facts: MutableFacts;
  readonly plan: Plan;
  readonly records: RecordStore;
  readonly jobs: number;
  /** Destinations were asked, not believed. */
  readonly verified: boolean;
  /** `isError`: what is planned cannot be done. */
  readonly warnings: readonly { readonly id: LayerId | null; readonly message: string; readonly isError?: true }[];
  /** What of the selection this machine leaves to others, to be said where something is planned. */
  readonly note?: string;
  readonly reader: InputReader;
  memoryOf(layer: Layer, place?: string): Promise<LayerMemory>;
  /** Answers questions of a plan into `facts`. */
  answer(questions: readonly Question[]): Promise<boolean>;
  /** Writes one layer's entry of layers.lock. */
  writeLock(id: LayerId, lock: LayerLock): Promise<void>;
}

/**
 * Everything up to the plan: reads the tree, selects, gathers facts, plans, asks what the plan asked, plans again. Throws InvalidInput
 * before any of that has touched the machine.
 */
export async function prepare(context: CommandContext, selectors: readonly string[]): Promise<Prepared> {
  const loaded = await loadTree({ ...context.options, cwd: context.cwd, env: context.env });
  if (loaded.diagnostics.length > 0) {
    const { printDiagnostics } = await import('./print-diagnostics.ts');
    printDiagnostics(context, loaded.diagnostics);
  }
  return prepareLoaded(context, selectors, remembering(loaded));
}

/** The tree with what is kept of it under its state folder. */
export function remembering(loaded: LoadedTree): Remembering {
  const { tree, stateDir } = loaded;
  const lock = { read: readLocks, write: createLockWriter(tree.root, stateDir) };
  return { ...loaded, records: openRecords(stateDir), lock };
}

/** A tree that was read, with what remembers its builds and what is locked of its outside. */
export interface Remembering extends LoadedTree {
  readonly records: RecordStore;
  readonly lock: { readonly read: typeof readLocks; readonly write: Prepared['writeLock'] };
}

interface Planning {
  readonly anywhere?: boolean;
  readonly digests?: Digests;
  readonly insist?: (line: string) => void;
}

/**
 * As `prepare`, for a tree that was read already and whose problems were told.
 * @param planning `anywhere`: what other machines build is planned, too. `digests`: what earlier plans asked of the outside.
 * `insist`: as of `openMemories`.
 */
export async function prepareLoaded(
  context: CommandContext,
  selectors: readonly string[],
  loaded: Remembering,
  { anywhere = false, digests = new Map(), insist }: Planning = {},
): Promise<Prepared> {
  const { tree, graph, places, stateDir, records, lock } = loaded;
  const { values } = context;
  const within = await affectedLayers(
    context,
    { root: tree.root, stateDir, graph, settings: tree.settings, records },
    (quiet, ids) => prepareLoaded(quiet, ids, loaded),
  );
  const builder = builderHere(graph, context.env, values.emulate === true || tree.settings.emulate === true);
  const machine = anywhere ? buildingAll(graph, builder) : builder;
  const selection = {
    ...(within && { within }),
    selectors,
    exclude: (values.exclude ?? []) as string[],
    only: values.only === true,
    all: values.all === true,
    prefix: relative(tree.root, context.cwd),
  };
  const { named, needed, note } = chooseLayers(graph, selection, machine);
  const jobs = readJobs(values.jobs, tree.settings.jobs);
  const publishes = values['no-publish'] !== true;
  const cache = cacheMode(values.cache, tree.settings.cache, publishes);
  const wish: Wish = {
    named,
    needed,
    force: values.force === true,
    publish: publishes,
    reuse: cache !== 'off',
    refresh: values.refresh === true,
    locked: values.locked === true,
  };
  const asked = values.verify === true || (context.env.CI ?? '') !== '';
  const warnings: Prepared['warnings'][number][] = [];
  const warn = (id: LayerId | null, message: string, isError = false) =>
    void warnings.push({ id, message, ...(isError && { isError }) });
  let couldAsk = true;
  const unasked = (id: LayerId, message: string) => {
    couldAsk = false;
    warn(id, message);
  };
  const { reader, save } = openInputs({ root: tree.root, stateDir, env: context.env, layers: tree.layers });
  const verify = (layer: Layer, record: LayerRecord, key: string) =>
    verifyPublication({ context, root: tree.root, asked: asked && wish.publish, warn: unasked }, layer, record, key);
  const facts = await gatherFacts({
    graph,
    needed,
    records,
    reader,
    verify,
    warn,
    now: Date.now(),
    locks: await lock.read(tree.root, graph, wish),
    shared: sharedPlaces(graph, tree.settings.cache, cache),
    architecture: machine.architecture,
    ...hostSuite(),
  });
  for (const [id, message] of await lookAtLeftOutParents({ graph, facts, wish, reader })) warn(id, message);
  const answers = openAnswers({
    context,
    root: tree.root,
    graph,
    facts,
    reader,
    places,
    digests,
    mode: cache,
    cache: tree.settings.cache,
    refresh: wish.refresh,
    ...(insist && { insist }),
    warn,
  });
  let plan = await settledPlan(graph, facts, wish, answers.answer);
  if (wish.refresh) {
    const { lookOutside } = await import('./look-outside.ts');
    await lookOutside(context, graph, facts, plan, { answer: answers.answer, warn });
    plan = await settledPlan(graph, facts, wish, answers.answer);
  }
  await save();
  return {
    root: tree.root,
    stateDir,
    graph,
    wish,
    facts,
    plan,
    records,
    jobs,
    verified: asked && couldAsk,
    warnings,
    ...(note !== undefined && { note }),
    reader,
    ...answers,
    writeLock: lock.write,
  };
}

/** Plans, asks and plans again, until nothing is open that somebody could answer: a few rounds a generation of the graph. */
async function settledPlan(
  graph: LayerGraph,
  facts: MutableFacts,
  wish: Wish,
  answer: Prepared['answer'],
): Promise<Plan> {
  let plan = makePlan(graph, facts, wish);
  while (plan.questions.length > 0 && (await answer(plan.questions))) plan = makePlan(graph, facts, wish, plan);
  return plan;
}

function sharedPlaces(graph: LayerGraph, cache: string, mode: CacheMode): Map<LayerId, SharedPlace> {
  const places = new Map<LayerId, SharedPlace>();
  for (const [id, layer] of mode === 'off' || mode === 'local' ? [] : graph.layers) {
    const place = sharedPlaceOf(layer, cache);
    if (place !== undefined) places.set(id, { place, writes: mode === 'write' });
  }
  return places;
}

/** Without a publication nothing of ours goes there. layers.yaml may turn it off and nothing more. */
function cacheMode(flag: unknown, setting: string, publishes: boolean): CacheMode {
  const wanted = (flag ?? 'write') as CacheMode;
  if (wanted === 'local') return wanted;
  if (setting === 'off' || wanted === 'off') return 'off';
  return publishes ? wanted : 'read';
}

/** What `--affected` leaves of the selection; undefined without it. */
async function affectedLayers(
  context: CommandContext,
  now: Parameters<typeof findAffected>[1],
  planOf: Parameters<typeof setsByPlan>[1],
): Promise<ReadonlySet<LayerId> | undefined> {
  const { affected } = context.values;
  if (typeof affected !== 'string') return undefined;
  const { findAffected: find } = await import('./affected.ts');
  const { setsByPlan: sets } = await import('./affected-sets.ts');
  const { base, reasons, layers } = await find(context, now, affected || undefined, sets(context, planOf));
  const { length } = [...reasons.keys()];
  context.warn(
    `affected since ${base.ref} (${base.commit.slice(0, 12)}): ${length} of ${now.graph.layers.size} layers`,
  );
  for (const [id, reason] of reasons) context.warn(`  ${id}: ${reason}`);
  return layers;
}

function readJobs(flag: unknown, setting: number | undefined): number {
  if (flag === undefined) return setting ?? Math.max(2, availableParallelism());
  const jobs = Number(flag);
  if (!Number.isInteger(jobs) || jobs < 1)
    throw new InvalidInput(`--jobs ${String(flag)}: it takes a whole number from 1`);
  return jobs;
}
