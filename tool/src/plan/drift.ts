import type { Layer, LayerId } from '../config/layer.ts';
import type { LockedImage } from '../config/lock.ts';
import { type LayerGraph, linksOf, type ParentLink } from '../graph/layer-graph.ts';
import type { LayerLock } from './facts.ts';
import type { Reason } from './reason.ts';

const HOUR_MS = 3_600_000;
const UNITS = { h: HOUR_MS, d: 24 * HOUR_MS, w: 7 * 24 * HOUR_MS } as const;

/** Milliseconds of `rebuild_after` (`36h`, `14d`, `2w`); undefined without one. */
function limitOf({ options }: Layer): number | undefined {
  const [, number, unit] = /^(\d+)([hdw])$/.exec(options.rebuild_after ?? '') ?? [];
  return number === undefined ? undefined : Number(number) * UNITS[unit as keyof typeof UNITS];
}

/**
 * The moment, in milliseconds since the epoch, after which age is a reason to build the layer; infinite where it never is.
 * @param lastBuiltAt ISO 8601 in UTC
 */
export function ageLimit(layer: Layer, lastBuiltAt: string): number {
  const [limit, built] = [limitOf(layer), millisecondsOf(lastBuiltAt)];
  return limit === undefined || built === undefined ? Number.POSITIVE_INFINITY : built + limit;
}

/**
 * Why its age alone makes a layer stale. A build of the future, by a clock that was wrong then or is now, counts as one of this
 * moment: it is not built again and again.
 * @param lastBuiltAt ISO 8601 in UTC
 * @param now milliseconds since the epoch
 */
export function ageReason(layer: Layer, lastBuiltAt: string, now: number): Reason | undefined {
  const built = millisecondsOf(lastBuiltAt);
  if (built === undefined || now <= ageLimit(layer, lastBuiltAt)) return undefined;
  const text = `last built ${ageText(now - built)} ago, rebuild_after is ${layer.options.rebuild_after}`;
  return { code: 'age', text };
}

/** In the largest unit of which there are two at least. */
function ageText(ms: number): string {
  const hours = Math.floor(ms / HOUR_MS);
  if (hours < 48) return hours === 1 ? '1 hour' : `${hours} hours`;
  return `${Math.floor(hours / 24)} days`;
}

/** Undefined for what is not an ISO 8601 time in UTC. */
function millisecondsOf(iso: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(iso)) return undefined;
  // biome-ignore lint/style/noRestrictedGlobals: reading a text asks no clock
  const milliseconds = Date.parse(iso);
  return Number.isNaN(milliseconds) ? undefined : milliseconds;
}

/**
 * What moved outside since a build, as reasons to build it again (`--refresh`). `used`: KnownBuild.repositories; `now`: URL → `sha256:…`,
 * without what could not be asked, which moved nothing.
 */
export function movedReasons(used: Readonly<Record<string, string>>, now: ReadonlyMap<string, string>): Reason[] {
  const moved = Object.keys(used).filter((url) => (now.get(url) ?? used[url]) !== used[url]);
  return moved.map((url) => ({ code: 'repository-moved', text: `package repository moved: ${url}` }));
}

function shortDigest(digest: string): string {
  return digest.replace(/^(sha256:[0-9a-f]{12})[0-9a-f]+$/, '$1…');
}

/** What keeps `--locked` from beginning: layers that the lock does not speak of, or not of the parent that they have now. */
export function notLocked(
  graph: LayerGraph,
  needed: ReadonlySet<LayerId>,
  locks: ReadonlyMap<LayerId, LayerLock>,
): { readonly id: LayerId; readonly message: string }[] {
  return graph.order.flatMap((id) => {
    if (!needed.has(id)) return [];
    const { parent, tools } = linksOf(graph, id);
    const entry = locks.get(id);
    if (entry === undefined) return [{ id, message: `${id} is not in layers.lock` }];
    const differs = (link: ParentLink | undefined, locked: LockedImage | undefined, words: [string, string]) => {
      if (link?.kind !== 'external' || locked?.reference === link.reference) return [];
      const other = locked === undefined ? `no ${words[1]}` : `the ${words[1]} ${locked.reference}`;
      return [{ id, message: `${id} ${words[0]} ${link.reference}, and layers.lock has ${other} for it` }];
    };
    return [
      ...differs(parent, entry.parent, ['stands on', 'parent']),
      ...differs(tools, entry.tools, ['is made by', 'tools image']),
    ];
  });
}

/** What a build makes of its entry in the lock. */
export interface AfterBuild {
  /** What counts from now on, in the recipe and in layers.lock; absent where the lock does not speak of the layer. */
  readonly lock?: LayerLock;
  /** Whether layers.lock has to be written. */
  readonly changed: boolean;
  /** A line each, for the plan and the summary: what differs from the lock. */
  readonly differences: readonly string[];
  /** With `--locked`: the build must not be recorded, and this is why. */
  readonly problem?: string;
}

/**
 * Compares what a build used with its entry in the lock. A build past the lock is never recorded under it: with `locked` it has
 * failed, otherwise the entry becomes what was used.
 * @param used.parent of a layer on an external image: what it was built from
 * @param used.tools an external tools image: what it was built by
 */
export function afterBuild(
  entry: LayerLock | undefined,
  used: {
    readonly repositories: Readonly<Record<string, string>>;
    readonly parent?: LockedImage;
    readonly tools?: LockedImage;
  },
  options: { readonly locked: boolean },
): AfterBuild {
  const { repositories, parent, tools } = used;
  const lock: LayerLock = { ...(parent && { parent }), ...(tools && { tools }), repositories };
  if (entry === undefined) {
    if (!options.locked) return { changed: false, differences: [] };
    return { changed: false, differences: [], problem: 'layers.lock has no entry for it' };
  }
  const differences = lockDifferences(entry, lock);
  if (differences.length === 0) return { lock: entry, changed: false, differences };
  if (!options.locked) return { lock, changed: true, differences };
  return {
    lock: entry,
    changed: false,
    differences,
    problem: `it is not what layers.lock says: ${differences.join('; ')}`,
  };
}

/** From the lock's entry to what is there now, a line each. */
export function lockDifferences(before: LayerLock, now: LayerLock): string[] {
  const lines = [
    ...imageDifference('parent', before.parent, now.parent),
    ...imageDifference('tools image', before.tools, now.tools),
  ];
  for (const url of [...new Set([...Object.keys(before.repositories), ...Object.keys(now.repositories)])].sort()) {
    const [old, fresh] = [before.repositories[url], now.repositories[url]];
    if (old === fresh) continue;
    if (old === undefined) lines.push(`package repository ${url} is not in it`);
    else if (fresh === undefined) lines.push(`package repository ${url} was not used`);
    else lines.push(`package repository ${url} moved: ${shortDigest(old)} → ${shortDigest(fresh)}`);
  }
  return lines;
}

function imageDifference(what: string, before: LockedImage | undefined, now: LockedImage | undefined): string[] {
  if (before?.reference !== now?.reference)
    return [`${what} ${before?.reference ?? 'none'} → ${now?.reference ?? 'none'}`];
  if (before?.digest === now?.digest) return [];
  const [old, fresh] = [before?.digest ?? '', now?.digest ?? ''].map(shortDigest);
  return [`${what} ${now?.reference} moved: ${old} → ${fresh}`];
}
