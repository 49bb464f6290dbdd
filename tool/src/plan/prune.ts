export type PruneKind =
  | 'image'
  | 'checkpoint'
  | 'memory'
  | 'failed'
  | 'run'
  | 'packages'
  | 'temporary'
  /** In a place that machines share. */
  | 'shared-build'
  | 'shared-recipe'
  | 'shared-sets';

/** Something that may be taken away. */
export interface Prunable {
  readonly kind: PruneKind;
  /** Unique within its kind. */
  readonly id: string;
  /** For people. */
  readonly text: string;
  /** Milliseconds since the epoch: when it was last made or used. */
  readonly usedAt: number;
  /** On disk, of its own. */
  readonly bytes: number;
  /** File system layers of container storage that it holds; others may hold them too. */
  readonly layers: readonly string[];
  /** It can tell nothing any more: it does not stay for its kind's time. */
  readonly isSpent?: boolean;
  /** Why it stays whatever its age; undefined: nothing needs it. */
  readonly needed?: string;
}

/** File system layers below images and containers. */
export interface StoredLayers {
  /** Bytes on disk, by layer. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Those that other people's images hold: they are not ours to count. */
  readonly held: ReadonlySet<string>;
  /** Those that containers hold which are not taken away: they count, and stay. */
  readonly inUse?: ReadonlySet<string>;
}

export interface PrunePolicy {
  /** Milliseconds, like `now`. Default: an age of each kind. */
  readonly olderThan?: number;
  /** Bytes: no more is taken away than it takes to get below. */
  readonly maxBytes?: number;
  readonly now: number;
}

export interface PruneChoice {
  /** The least recently used first. */
  readonly remove: readonly Prunable[];
  /** Bytes of all that is prunable or needed, before and after; a layer that several hold counts once. */
  readonly before: number;
  readonly after: number;
  /** Part of the difference, by kind; a layer that several hold counts for the last of them to go. */
  readonly freed: ReadonlyMap<PruneKind, number>;
}

const DAY = 24 * 3_600_000;
/** Milliseconds for which each kind stays although nothing needs it: what can tell something, or may be asked for again at any time. */
export const STAYS: Readonly<Record<PruneKind, number>> = {
  image: 0,
  checkpoint: 0,
  memory: 30 * DAY,
  failed: 7 * DAY,
  run: 30 * DAY,
  packages: 30 * DAY,
  temporary: 7 * DAY,
  'shared-build': 30 * DAY,
  'shared-recipe': 30 * DAY,
  'shared-sets': 30 * DAY,
};

/** Chooses what goes. Pure. What is needed never goes, even if it is more than the policy allows. */
export function choosePrunable(items: readonly Prunable[], stored: StoredLayers, policy: PrunePolicy): PruneChoice {
  const { now, olderThan, maxBytes } = policy;
  const stays = ({ kind, isSpent }: Prunable) => (maxBytes === undefined && isSpent !== true ? STAYS[kind] : 0);
  const isOldEnough = (item: Prunable) => now - item.usedAt >= (olderThan ?? stays(item));
  const candidates = items
    .filter((item) => item.needed === undefined && isOldEnough(item))
    .toSorted((a, b) => a.usedAt - b.usedAt);
  return taking(candidates, items, stored, maxBytes);
}

/** What a choice came to, where some of it could not be taken away. Pure. */
export function withoutLeft(
  { remove }: PruneChoice,
  items: readonly Prunable[],
  stored: StoredLayers,
  left: ReadonlySet<Prunable>,
): PruneChoice {
  const gone = remove.filter((item) => !left.has(item));
  return taking(gone, items, stored, undefined);
}

/** Takes candidates in their order, until no more than `maxBytes` are left. */
function taking(
  candidates: readonly Prunable[],
  items: readonly Prunable[],
  stored: StoredLayers,
  maxBytes: number | undefined,
): PruneChoice {
  const holders = new Map<string, number>();
  for (const layers of [...items.map((item) => item.layers), stored.inUse ?? []])
    for (const layer of layers) holders.set(layer, (holders.get(layer) ?? 0) + 1);
  const sizeOf = (layer: string) => (stored.held.has(layer) ? 0 : (stored.sizes.get(layer) ?? 0));
  const before =
    items.reduce((sum, { bytes }) => sum + bytes, 0) + [...holders.keys()].reduce((sum, id) => sum + sizeOf(id), 0);
  const remove: Prunable[] = [];
  const freed = new Map<PruneKind, number>();
  let after = before;
  for (const item of candidates) {
    if (maxBytes !== undefined && after <= maxBytes) break;
    remove.push(item);
    let bytes = item.bytes;
    for (const layer of item.layers) {
      const left = (holders.get(layer) ?? 0) - 1;
      holders.set(layer, left);
      if (left === 0) bytes += sizeOf(layer);
    }
    after -= bytes;
    freed.set(item.kind, (freed.get(item.kind) ?? 0) + bytes);
  }
  return { remove, before, after, freed };
}
