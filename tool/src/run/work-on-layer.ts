import { join } from 'node:path';
import { destinationsOf, type PublishedReference } from '../config/destinations.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import type { Decision } from '../plan/decide.ts';
import type { LayerLock, Question, Wish } from '../plan/facts.ts';
import type { KeptImage } from '../recipe/known-build.ts';
import { referencesAt } from '../recipe/portable-references.ts';
import type { LayerRecord } from '../recipe/record.ts';
import type { FailedBuilds } from '../records/failed-builds.ts';
import type { LayerMemory } from '../records/layer-memory.ts';
import type { RecordStore } from '../records/record-store.ts';
import type { Exec } from '../system/command.ts';
import { createExec } from '../system/exec.ts';
import type { Workspace } from '../system/workspace.ts';
import { bringInLine } from './bring-in-line.ts';
import type { Failure, LayerOutcome, LayerSummary } from './events.ts';
import { failureOf } from './failure.ts';
import { type MutableFacts, readLayerInputs, readRecord } from './gather-facts.ts';
import type { InputReader } from './input-reader.ts';
import { keepFailed, settleFailed } from './keep-failed.ts';
import type { LayerControl } from './layer-control.ts';
import { lockLayer } from './locks.ts';
import { failMissingMounts } from './mount-problems.ts';
import type { LayerLog, RunFolder } from './run-folder.ts';
import { type OpenWorkspace, openWorkspace, type RunPlace } from './workspace.ts';

/** What working on any layer of a run needs. */
export interface LayerWork {
  readonly graph: LayerGraph;
  readonly facts: MutableFacts;
  readonly wish: Wish;
  readonly records: RecordStore;
  readonly place: RunPlace;
  readonly folder: RunFolder;
  /** Absolute folder of the locks. */
  readonly locks: string;
  readonly whenLocked: 'wait' | 'fail';
  readonly keepFailed: boolean;
  readonly failed: FailedBuilds;
  /** Whether parts of layers are kept in storage, for later builds to start from. */
  readonly checkpoints: boolean;
  /** The layer's decision from the facts of now; its parent is settled. */
  decide(id: LayerId): Decision;
  readonly reader: InputReader;
  /** `place`: where an image is, if not where the layer's builds are shared. */
  memoryOf(layer: Layer, place?: string): Promise<LayerMemory>;
  /** Puts answers into the facts; false when there were none. */
  answer(questions: readonly Question[]): Promise<boolean>;
  /** Writes a layer's entry of layers.lock, others' untouched. */
  writeLock(id: LayerId, lock: LayerLock): Promise<void>;
  /** Writes the record and makes it the layer's; durable when it resolves. */
  remember(record: LayerRecord): Promise<void>;
  /** Image of a layer that another one stands on; undefined where it is not to be had. */
  imageOf(id: LayerId, workspace: Workspace): Promise<KeptImage | undefined>;
  readonly control?: LayerControl;
}

/** What was done for a layer, before it is summed up. */
export interface Done {
  readonly outcome: LayerOutcome;
  readonly failures: readonly Failure[];
}

/**
 * One layer, from its lock to its summary. Never rejects: whatever goes wrong is the summary's failure, and the container, the
 * mount and the temporary files are gone when it resolves.
 */
export async function workOnLayer(work: LayerWork, id: LayerId, planned: Decision): Promise<LayerSummary> {
  const { control, place } = work;
  const started = performance.now();
  const log = work.folder.openLog(id);
  const reasons = planned.reasons.map((reason) => reason.text);
  const action = planned.action === 'publish' || planned.action === 'reuse' ? planned.action : 'build';
  let done: Done | undefined;
  let gone: Gone = { warnings: [], childrenMs: 0 };
  while (done === undefined) {
    const cancelled = control?.begin(id);
    const signal = cancelled === undefined ? place.signal : AbortSignal.any([place.signal, cancelled]);
    place.emit({ type: 'layer-started', id, action, reasons });
    [done, gone] = await goAt({ ...work, place: { ...place, signal } }, id, log);
    if (cancelled?.aborted !== true || place.signal.aborted) break;
    const cause = String(cancelled.reason);
    log.line(`cancelled: ${cause}`);
    place.emit({ type: 'layer-cancelled', id, cause });
    if (await control?.again(id)) done = undefined;
    else done = { outcome: 'cancelled', failures: [{ code: 'cancelled', message: cause }] };
  }
  for (const failure of done.failures) log.line(`failed: ${failure.message}`);
  log.close();
  const durationMs = Math.round(performance.now() - started);
  const summary = summarise({ ...work, root: place.root }, id, done, {
    durationMs,
    ...gone,
    reasons,
    log: join(work.folder.path, log.name),
  });
  place.emit({ type: 'layer-finished', id, summary });
  return summary;
}

/** What a go at a layer leaves beside its result. */
type Gone = Required<Pick<LayerSummary, 'warnings' | 'childrenMs'>>;

/** One go, from the layer's lock to what came of it. Never rejects. */
async function goAt(work: LayerWork, id: LayerId, log: LayerLog): Promise<[Done, Gone]> {
  const layer = work.graph.layers.get(id) as Layer;
  const gone: { -readonly [key in keyof Gone]: Gone[key] } = { warnings: [], childrenMs: 0 };
  let during: 'lock' | 'build' = 'lock';
  try {
    const lock = await lockLayer(work, id);
    try {
      during = 'build';
      // Another run may have finished this very layer while we waited.
      readRecord({ records: work.records, warn: () => {} }, work.facts, layer);
      // And its files may be others than those of the plan, hours ago.
      await readLayerInputs({ reader: work.reader, warn: () => {} }, work.facts, layer);
      const decision = await settledDecision(work, id);
      const workspace = openWorkspace(work.place, layer, log, lock.fd);
      try {
        if (decision.action === 'build') {
          await work.control?.beforeBuild(work, layer, { log, lockFd: lock.fd });
          await failMissingMounts(layer, work.place.root);
        }
        const done = await bringInLine(work, layer, decision, workspace);
        if (isGood(done) && !(await settleFailed(id, work, cleaning(work, lock.fd)))) {
          workspace.say('somebody is in the container that was kept of its failed build: that stays');
        }
        return [done, gone];
      } catch (error) {
        const failure = failureOf(error, 'build');
        if (!work.keepFailed || work.place.signal.aborted || failure.code === 'cancelled') throw error;
        const kept = await keepWhatFailed(work, failure, decision, workspace, cleaning(work, lock.fd));
        return [{ outcome: 'failed', failures: [{ ...failure, ...kept }] }, gone];
      } finally {
        await workspace.close();
        gone.warnings = workspace.warnings;
        gone.childrenMs = workspace.childrenMs();
      }
    } finally {
      lock.release();
    }
  } catch (error) {
    // Whatever a signal broke off is not the layer's failure.
    const isCancelled = work.place.signal.aborted;
    const failure = isCancelled ? ({ code: 'cancelled', message: 'interrupted' } as const) : failureOf(error, during);
    return [{ outcome: failure.code === 'cancelled' ? 'cancelled' : 'failed', failures: [failure] }, gone];
  }
}

/** The build itself: a destination that fails takes nothing from it. */
function isGood({ outcome, failures }: Done): boolean {
  return outcome === 'failed' ? failures.every(({ code }) => code === 'publish') : outcome !== 'cancelled';
}

/** Not ended by the run's first signal: what is begun is finished. */
function cleaning({ place }: Pick<LayerWork, 'place'>, lockFd: number): Exec {
  return createExec({ env: place.environment, lockFds: [lockFd, ...place.lockFds], signal: place.forced });
}

/** Of a build that failed before it had a container, and of one that cannot be kept, nothing is kept. */
async function keepWhatFailed(
  work: LayerWork,
  { message }: Failure,
  { id, recipeKey }: Decision,
  workspace: OpenWorkspace,
  exec: Exec,
): Promise<Pick<Failure, 'kept'>> {
  const { container, step = 'parent' } = workspace.unfinished;
  if (container === undefined) return {};
  try {
    await keepFailed({ id, container, step, message, recipeKey }, work, workspace, exec);
    return { kept: { step } };
  } catch (error) {
    workspace.warn(`its container could not be kept: ${(error as Error).message}`);
    return {};
  }
}

/** The decision when all that it asks has been answered, as far as there are answers. */
async function settledDecision(work: LayerWork, id: LayerId): Promise<Decision> {
  let decision = work.decide(id);
  // Input sets, then builds, then publications; anything longer would be a mistake of ours.
  for (let round = 0; round < 4 && decision.questions.length > 0; round += 1) {
    if (!(await work.answer(decision.questions))) break;
    decision = work.decide(id);
  }
  return decision;
}

/** A summary of a layer that was worked on, or (with no numbers) of one that needed nothing. */
export function summarise(
  work: Pick<LayerWork, 'graph' | 'facts' | 'wish'> & { readonly root: string },
  id: LayerId,
  done: Done,
  rest: Pick<LayerSummary, 'durationMs' | 'warnings' | 'reasons'> & Partial<Pick<LayerSummary, 'log' | 'childrenMs'>>,
): LayerSummary {
  const layer = work.graph.layers.get(id) as Layer;
  const record = work.facts.records.get(id);
  const [failure] = done.failures;
  return {
    id,
    name: layer.options.name,
    outcome: done.outcome,
    ...rest,
    // Nothing was published: what stands there is not what this run made.
    references: work.wish.publish ? currentReferences(layer, record, work.root) : [],
    ...sizeOf(record),
    ...(failure === undefined ? {} : { failure }),
  };
}

/** Where the content of now can be had: not places that the layer names no more, nor what an earlier build was published as. */
function currentReferences(layer: Layer, record: LayerRecord | undefined, root: string): PublishedReference[] {
  return destinationsOf(layer).flatMap(({ key }) => {
    const publication = record?.publications[key];
    const isCurrent = publication !== undefined && publication.recipe.content === record?.content;
    return isCurrent ? referencesAt(publication.references, root) : [];
  });
}

/** In local storage; what is shared is compressed, and would look like another image. */
function sizeOf(record: LayerRecord | undefined): { size?: number } {
  const local = record?.image.local;
  return local === undefined ? {} : { size: local.size };
}
