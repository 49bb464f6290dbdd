import type { LayerId } from '../config/layer.ts';
import { type LayerGraph, neededBy } from '../graph/layer-graph.ts';
import type { Decision } from './decide.ts';
import type { Facts } from './facts.ts';

/** How much a plan sets in motion, from what is remembered of earlier builds. `isLeast`: of some layers nothing is known. */
export interface Estimate {
  /** That will be, or may have to be, built; of `pending` ones it is not certain. */
  readonly build: number;
  readonly pending: number;
  readonly publish: number;
  /** Layers that need work of which no duration is known. */
  readonly unknown: number;
  readonly time: {
    /** Milliseconds from start to end with so many layers at once. */
    readonly wallMs: number;
    /** The longest chain: no number of jobs makes it shorter. */
    readonly criticalPathMs: number;
    /** All work, one after the other. */
    readonly workMs: number;
    readonly isLeast: boolean;
  };
  /** Bytes of the images to be made, in storage. */
  readonly buildBytes: number;
  /** Bytes to be sent at most: what a destination has already is not sent again. */
  readonly publishBytes: number;
  readonly bytesAreLeast: boolean;
}

interface Work {
  readonly ms: number | undefined;
  readonly buildBytes: number | undefined;
  readonly publishBytes: number | undefined;
}

/**
 * The blast radius of a plan. A layer that waits for its parent counts as built. Pure.
 * @param jobs layers at once
 */
export function estimate(
  graph: LayerGraph,
  decisions: ReadonlyMap<LayerId, Decision>,
  facts: Pick<Facts, 'records'>,
  jobs: number,
): Estimate {
  const work = new Map<LayerId, Work>();
  for (const [id, decision] of decisions) if (decision.action !== 'nothing') work.set(id, workOf(decision, facts));
  const { wallMs, criticalPathMs } = simulate(graph, work, jobs);
  const all = [...work.values()];
  const counted = (action: Decision['action']) => [...decisions.values()].filter((one) => one.action === action).length;
  const unknown = all.filter(({ ms }) => ms === undefined).length;
  return {
    build: counted('build'),
    pending: counted('pending'),
    publish: [...decisions.values()].filter(({ action, publish }) => action !== 'nothing' && publish.length > 0).length,
    unknown,
    time: { wallMs, criticalPathMs, workMs: sum(all.map(({ ms }) => ms)), isLeast: unknown > 0 },
    buildBytes: sum(all.map(({ buildBytes }) => buildBytes)),
    publishBytes: sum(all.map(({ publishBytes }) => publishBytes)),
    bytesAreLeast: all.some((one) => one.buildBytes === undefined || one.publishBytes === undefined),
  };
}

function workOf({ id, action, publish, adopted }: Decision, { records }: Pick<Facts, 'records'>): Work {
  const record = adopted ?? records.get(id);
  const builds = action === 'build' || action === 'pending';
  const sent = publish.map(({ key }) => record?.publications[key]);
  const size = record?.image.local?.size ?? record?.image.shared?.size;
  const known = sent.map((one) => one?.durationMs);
  const total = (parts: readonly (number | undefined)[]) => (parts.includes(undefined) ? undefined : sum(parts));
  return {
    // How long a destination takes is known only from having done it; what is known of the build counts also without.
    ms: builds ? record && record.durationMs + sum(known) : total(known),
    buildBytes: builds ? size : 0,
    publishBytes: total(sent.map((one) => one?.bytes ?? size)),
  };
}

function sum(numbers: readonly (number | undefined)[]): number {
  return numbers.reduce<number>((total, one) => total + (one ?? 0), 0);
}

/** Plays the schedule of a run: a layer after what it needs, what has the longest way before it first. Layers without work take no job. */
function simulate(
  graph: LayerGraph,
  work: ReadonlyMap<LayerId, Work>,
  jobs: number,
): { wallMs: number; criticalPathMs: number } {
  const ms = (id: LayerId) => work.get(id)?.ms ?? 0;
  const left = new Map<LayerId, number>();
  const needed = (id: LayerId): LayerId[] => neededBy(graph, id).filter((one) => work.has(one));
  for (const id of graph.order.toReversed()) {
    if (!work.has(id)) continue;
    const rest = ms(id) + (left.get(id) ?? 0);
    left.set(id, rest);
    for (const above of needed(id)) left.set(above, Math.max(left.get(above) ?? 0, rest));
  }
  const priority = (id: LayerId) => left.get(id) ?? 0;
  const criticalPathMs = [...left.values()].reduce((most, one) => Math.max(most, one), 0);
  const ready = new Queue<LayerId>((one, other) => priority(one) > priority(other));
  const waitsFor = new Map<LayerId, number>();
  for (const id of work.keys()) {
    const { length } = needed(id);
    if (length === 0) ready.push(id);
    else waitsFor.set(id, length);
  }
  const running = new Queue<{ readonly id: LayerId; readonly end: number }>((one, other) => one.end < other.end);
  let now = 0;
  for (;;) {
    while (running.size < jobs) {
      const id = ready.pop();
      if (id === undefined) break;
      running.push({ id, end: now + ms(id) });
    }
    const done = running.pop();
    if (done === undefined) return { wallMs: now, criticalPathMs };
    now = done.end;
    for (const child of graph.children.get(done.id) ?? []) {
      const rest = (waitsFor.get(child) ?? 0) - 1;
      waitsFor.set(child, rest);
      if (rest === 0) ready.push(child);
    }
  }
}

/** A binary heap: what comes first by `isBefore` is popped first. */
class Queue<T> {
  readonly #items: T[] = [];
  readonly #isBefore: (one: T, other: T) => boolean;
  constructor(isBefore: (one: T, other: T) => boolean) {
    this.#isBefore = isBefore;
  }
  get size(): number {
    return this.#items.length;
  }
  push(item: T): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!this.#isBefore(item, items[above] as T)) break;
      items[at] = items[above] as T;
      at = above;
    }
    items[at] = item;
  }
  pop(): T | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (items.length === 0 || last === undefined) return top;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= items.length) break;
      if (below + 1 < items.length && this.#isBefore(items[below + 1] as T, items[below] as T)) below += 1;
      if (!this.#isBefore(items[below] as T, last)) break;
      items[at] = items[below] as T;
      at = below;
    }
    items[at] = last;
    return top;
  }
}
