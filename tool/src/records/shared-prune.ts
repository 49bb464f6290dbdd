import type { Prunable } from '../plan/prune.ts';
import { INPUT_SETS_TAG, KEY_TAG, RECIPE_TAG } from './key-tag.ts';

/** A tag of a shared place, and what it names. */
export interface SharedTag {
  readonly tag: string;
  /** `sha256:…` of its manifest. */
  readonly digest: string;
  /** Blobs and their bytes, the manifest itself and those that an index names among them. */
  readonly blobs: ReadonlyMap<string, number>;
  /** Milliseconds since the epoch: when it was last kept; undefined where nothing tells. */
  readonly keptAt?: number;
}

/** A repository or layout that machines share, as pruning sees it. */
export interface SharedPlace {
  readonly place: string;
  /** All of it, human tags too. Throws MemoryUnreachable. */
  tags(): Promise<readonly SharedTag[]>;
  /** Takes tags away, and what only they named as far as the place does that itself. */
  remove(tags: readonly SharedTag[], kept: readonly SharedTag[]): Promise<SharedRemoval>;
}

export interface SharedRemoval {
  /** Tag → why it is still there. */
  readonly left: ReadonlyMap<string, string>;
  /** What is still to do there, in words; undefined: nothing. */
  readonly rest?: string;
}

/** First digits of the keys that are needed, as tags have them, and who needs them. */
export interface SharedNeeds {
  readonly keys: ReadonlyMap<string, string>;
  readonly probes: ReadonlySet<string>;
}

/**
 * What of a shared place may go. A build's recipe goes with it; where nothing tells when something was kept, it stays. Tags that are not ours
 * hold their blobs, as does the one under which images are pushed. Pure.
 */
export function sharedPrunables(
  tags: readonly SharedTag[],
  { keys, probes }: SharedNeeds,
): {
  readonly items: readonly Prunable[];
  readonly layers: { readonly sizes: ReadonlyMap<string, number>; readonly held: ReadonlySet<string> };
} {
  const byTag = new Map(tags.map((one) => [one.tag, one]));
  const others = tags.filter(({ tag }) => kindOf(tag) === undefined);
  const items = tags.flatMap((one): Prunable[] => {
    const { tag, blobs } = one;
    const kind = kindOf(tag);
    if (kind === undefined) return [];
    const digits = tag.slice(tag.lastIndexOf('-') + 1);
    const keptAt = kind === 'shared-recipe' ? byTag.get(`layers-${digits}`)?.keptAt : one.keptAt;
    const who = kind === 'shared-sets' ? ofProbe(probes, digits) : keys.get(digits);
    const needed = who ?? (keptAt === undefined ? 'nothing tells when it was kept' : undefined);
    return [
      {
        kind,
        id: tag,
        text: tag,
        usedAt: keptAt ?? 0,
        bytes: 0,
        layers: [...blobs.keys()],
        ...(needed !== undefined && { needed }),
      },
    ];
  });
  return {
    items,
    layers: {
      sizes: new Map(tags.flatMap(({ blobs }) => [...blobs])),
      held: new Set(others.flatMap(({ blobs }) => [...blobs.keys()])),
    },
  };
}

function kindOf(tag: string): 'shared-build' | 'shared-recipe' | 'shared-sets' | undefined {
  if (KEY_TAG.test(tag)) return 'shared-build';
  if (RECIPE_TAG.test(tag)) return 'shared-recipe';
  return INPUT_SETS_TAG.test(tag) ? 'shared-sets' : undefined;
}

function ofProbe(probes: ReadonlySet<string>, digits: string): string | undefined {
  return probes.has(digits) ? 'the tree or a branch' : undefined;
}
