import { declaredMetadata } from '../build/declared-metadata.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import type { LockEntry } from '../config/lock.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import { canonicalJson } from '../recipe/canonical.ts';
import type { LayerRecord } from '../recipe/record.ts';

/** What is known of layers before anybody asks. */
export interface KnownOutside {
  record(id: LayerId): Pick<LayerRecord, 'recipe' | 'repositories'> | undefined;
  entry(id: LayerId): LockEntry | undefined;
  /** Name of this machine's Debian release, for layers that name no suite. */
  readonly suite?: string;
}

/** Where one repository's metadata may be: the first that answers counts. */
export type Alternatives = readonly string[];

/**
 * Layer → the repositories that its next build would use, as far as that is known: those of its last build, or, where there was none or its
 * repositories were edited since, those of its file and of its ancestors. Layers that install nothing use none. Pure.
 */
export function repositoryPlaces(graph: LayerGraph, known: KnownOutside): Map<LayerId, readonly Alternatives[]> {
  const used = new Map<LayerId, readonly Alternatives[]>();
  /** What a child would inherit, whether or not the layer itself installs something. */
  const configured = new Map<LayerId, readonly Alternatives[]>();
  for (const id of graph.order) {
    const layer = graph.layers.get(id) as Layer;
    const link = graph.parents.get(id);
    const inherited = link?.kind === 'layer' ? (configured.get(link.id) ?? []) : [];
    const fromFiles = distinct([...inherited, ...declaredMetadata(layer, known.suite)]);
    const places = installs(layer, link?.kind === 'scratch') ? placesOf(layer, known, fromFiles) : [];
    used.set(id, places);
    configured.set(id, places.length > 0 ? places : fromFiles);
  }
  return used;
}

/** Whether a package manager looks into repositories when the layer is built. */
export function installs(layer: Layer, fromScratch: boolean): boolean {
  if (layer.options.layer_type !== 'base') return false;
  if (layer.packages.length + layer.package_groups.length > 0) return true;
  return fromScratch && layer.options.pkg_manager === 'apt';
}

function placesOf(layer: Layer, known: KnownOutside, fromFiles: readonly Alternatives[]): readonly Alternatives[] {
  const record = known.record(layer.id);
  if (record !== undefined) {
    return hasSameRepositories(layer, record.recipe.settings) ? single(record.repositories) : fromFiles;
  }
  const entry = known.entry(layer.id);
  return entry === undefined ? fromFiles : distinct([...single(entry.repositories), ...fromFiles]);
}

/** Where the layer's own lines about repositories are as they were. */
function hasSameRepositories(layer: Layer, before: Readonly<Record<string, unknown>>): boolean {
  const now: Readonly<Record<string, unknown>> = layer.recipe;
  return ['repos', 'exclusive_repos', 'suite', 'releasever', 'pkg_manager'].every((key) => {
    // The suite of the machine is in a record and in no layer file.
    const isMachines = key === 'suite' && now[key] === undefined;
    return isMachines || canonicalJson(before[key] ?? null) === canonicalJson(now[key] ?? null);
  });
}

function single(repositories: Readonly<Record<string, string>>): Alternatives[] {
  return Object.keys(repositories).map((url) => [url]);
}

/** A repository that two ways lead to is one. */
function distinct(places: readonly Alternatives[]): Alternatives[] {
  const seen = new Set<string>();
  return places.filter((place) => {
    const isNew = !place.some((url) => seen.has(url));
    for (const url of place) seen.add(url);
    return isNew;
  });
}
