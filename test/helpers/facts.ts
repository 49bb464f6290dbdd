import { destinationsOf } from '../../tool/src/config/destinations.ts';
import type { Layer, LayerId } from '../../tool/src/config/layer.ts';
import type { LayerGraph } from '../../tool/src/graph/layer-graph.ts';
import type { Facts } from '../../tool/src/plan/facts.ts';
import type { InputSet } from '../../tool/src/recipe/input-set.ts';
import type { KnownBuild } from '../../tool/src/recipe/known-build.ts';
import { labelsOf } from '../../tool/src/recipe/labels.ts';
import { publishKeyOf, publishRecipeOf } from '../../tool/src/recipe/publish-key.ts';
import {
  type ContentDigest,
  combineRecipe,
  type RecipeImage,
  type RecipeKey,
  type RecipeParent,
  recipeKeyOf,
} from '../../tool/src/recipe/recipe.ts';
import type { LayerRecord } from '../../tool/src/recipe/record.ts';

/** A plan's facts, to be changed by a test. */
export type TestFacts = { -readonly [K in keyof Facts]: Facts[K] };

const NOW = '2026-11-24T12:00:00.000Z';

/** Facts in which nobody knows anything. */
export function emptyFacts(graph: LayerGraph): TestFacts {
  return {
    architecture: 'amd64',
    now: Date.parse(NOW),
    stepVersions: new Map([...graph.layers.keys()].map((id) => [id, 1])),
    inputs: new Map(),
    recorded: new Map(),
    candidates: new Map(),
    builds: new Map(),
    standing: new Map(),
    shared: new Map(),
    unanswered: new Set(),
    observed: new Map(),
    records: new Map(),
    missingImages: new Set(),
    damagedRecords: new Set(),
    missingPublications: new Map(),
    externals: new Map(),
    locks: new Map(),
    moved: new Map(),
  };
}

/** Content that a test tells apart by a word. */
export function content(word: string): ContentDigest {
  return `sha256:content of ${word}` as ContentDigest;
}

/** A build that somebody remembers, its image in a registry. */
export function knownBuild(recipeKey: RecipeKey, word: string, more: Partial<KnownBuild> = {}): KnownBuild {
  return {
    recipeKey,
    content: content(word),
    image: { shared: { place: 'r/cache', digest: `sha256:image of ${word}`, size: 1 } },
    inheritedLabels: {},
    builtAt: NOW,
    lastBuiltAt: NOW,
    durationMs: 1,
    repositories: {},
    ...more,
  };
}

interface Recorded {
  readonly set?: InputSet;
  readonly files?: Readonly<Record<string, string>>;
  readonly toolsImage?: RecipeImage;
}

/** What this machine remembers of a layer that it built and published as its file says. */
export function recordOf(
  one: Layer,
  parent: RecipeParent,
  { set, files = {}, toolsImage }: Recorded = {},
): LayerRecord {
  const recipe = combineRecipe({
    stepVersion: 1,
    architecture: 'amd64',
    settings: one.recipe as never,
    tools: {},
    environment: {},
    files,
    parent,
    ...(toolsImage && { toolsImage }),
  });
  const publications = destinationsOf(one).map((destination) => {
    const published = publishRecipeOf(content(one.id), destination, labelsOf(one));
    const rest = { references: [], bytes: 0, at: '', durationMs: 0 };
    return [destination.key, { publishKey: publishKeyOf(published), recipe: published, ...rest }];
  });
  return {
    ...knownBuild(recipeKeyOf(recipe), one.id, {
      image: { local: { id: one.id, graphRoot: '', driver: 'overlay', size: 1 } },
    }),
    version: 2,
    id: one.id,
    recipe,
    publications: Object.fromEntries(publications),
    ...(set && { inputSet: set }),
  };
}

/** Everything was built and published as the graph says. */
export function inLine(graph: LayerGraph): TestFacts {
  const records = new Map<LayerId, LayerRecord>();
  for (const id of graph.order) {
    const one = graph.layers.get(id) as Layer;
    const [parent, toolsImage] = [graph.parents.get(id), graph.tools.get(id)].map((link) => {
      const above = link?.kind === 'layer' ? records.get(link.id)?.content : undefined;
      return above === undefined ? undefined : ({ kind: 'layer', content: above } as const);
    });
    records.set(id, recordOf(one, parent ?? { kind: 'scratch' }, { ...(toolsImage && { toolsImage }) }));
  }
  return { ...emptyFacts(graph), records };
}
