import PQueue from 'p-queue';
import type { LayerId } from '../config/layer.ts';
import type { Decision } from '../plan/decide.ts';
import type { LayerSummary } from './events.ts';

/** What the scheduler needs of the world: everything else is somebody else's. */
export interface Scheduling {
  /** Layers of the run, what is needed first. */
  readonly order: readonly LayerId[];
  /** What has to be done before it, of the run's layers: its parent, and the layer of its tools image. */
  neededOf(id: LayerId): readonly LayerId[];
  /** Milliseconds of the longest way from the layer to its last descendant; the longest goes first. */
  priorityOf(id: LayerId): number;
  readonly jobs: number;
  /** After a failure: go on with all that does not stand on it (true), or start nothing new (false). */
  readonly keepGoing: boolean;
  readonly signal: AbortSignal;
  /** Asked when all that it needs is settled. */
  decide(id: LayerId): Decision;
  /** Does it. Must not reject. Called for every layer whose decision is not `nothing`. */
  work(id: LayerId, decision: Decision): Promise<LayerSummary>;
  /** A layer that needs no work (`unchanged`) or gets none (`skipped`, `cancelled`), and why. */
  idle(id: LayerId, outcome: 'unchanged' | 'skipped' | 'cancelled', reason: string): LayerSummary;
  /** A failure stopped new work; said once. */
  stopped(id: LayerId): void;
}

/** Runs all layers, each after what it needs, `jobs` at once. Gives every layer's summary, in that order. Never rejects. */
export async function schedule(world: Scheduling): Promise<LayerSummary[]> {
  const queue = new PQueue({ concurrency: world.jobs });
  const children = new Map<LayerId, LayerId[]>();
  const waitsFor = new Map<LayerId, number>();
  const summaries = new Map<LayerId, LayerSummary>();
  let failed: LayerId | undefined;

  /** Settles a layer, and at once everything below it that needs no work. No recursion: chains can be deep. */
  const settle = (first: LayerId, summary: LayerSummary): void => {
    const settled: [LayerId, LayerSummary][] = [[first, summary]];
    for (let next = settled.pop(); next !== undefined; next = settled.pop()) {
      const [id, { outcome, failure }] = next;
      summaries.set(id, next[1]);
      // A publication that failed leaves an image to build on.
      const hasImage = failure?.code === 'publish';
      for (const child of children.get(id) ?? []) {
        // Skipped for something else that it needs.
        if (summaries.has(child)) continue;
        if (outcome === 'failed' && !hasImage)
          settled.push([child, world.idle(child, 'skipped', `parent ${id} failed`)]);
        else if (outcome === 'skipped' || outcome === 'cancelled') {
          settled.push([
            child,
            world.idle(child, outcome, `parent ${id} was ${outcome === 'skipped' ? 'skipped' : 'not built'}`),
          ]);
        } else {
          const rest = (waitsFor.get(child) ?? 0) - 1;
          waitsFor.set(child, rest);
          const idle = rest === 0 ? start(child) : undefined;
          if (idle !== undefined) settled.push([child, idle]);
        }
      }
    }
  };

  /** Queues the layer; gives its summary at once where there is nothing to do. */
  const start = (id: LayerId): LayerSummary | undefined => {
    const decision = world.decide(id);
    if (decision.action === 'nothing') return world.idle(id, 'unchanged', '');
    void queue.add(() => perform(id, decision), { priority: world.priorityOf(id) });
    return undefined;
  };

  const perform = async (id: LayerId, decision: Decision): Promise<void> => {
    if (world.signal.aborted) return settle(id, world.idle(id, 'cancelled', 'interrupted before it began'));
    if (failed !== undefined && !world.keepGoing)
      return settle(id, world.idle(id, 'skipped', `not started after ${failed} failed`));
    const summary = await world.work(id, decision);
    if (summary.outcome === 'failed' && failed === undefined) {
      failed = id;
      if (!world.keepGoing) world.stopped(id);
    }
    settle(id, summary);
  };

  const roots: LayerId[] = [];
  for (const id of world.order) {
    const needed = world.neededOf(id);
    if (needed.length === 0) roots.push(id);
    else waitsFor.set(id, needed.length);
    for (const one of needed) {
      const others = children.get(one);
      if (others === undefined) children.set(one, [id]);
      else others.push(id);
    }
  }
  for (const id of roots) {
    const idle = start(id);
    if (idle !== undefined) settle(id, idle);
  }
  await queue.onIdle();
  return world.order.flatMap((id) => summaries.get(id) ?? []);
}
