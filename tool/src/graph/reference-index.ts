import type { Layer } from '../config/layer.ts';
import { nearest } from '../config/nearest.ts';
import { publishedReferences } from './published.ts';
import { formatReference, localRepository, type Reference } from './reference.ts';
import { canonicalNames, type RegistryNames } from './registry-names.ts';

/** Who publishes what, and who is called what. */
export interface ReferenceIndex {
  /** The layer that publishes exactly this, under whatever name of its registry. */
  publisher(reference: Reference): Published | undefined;
  /** Layers with this name or id. */
  named(word: string): readonly Layer[];
  /** Layers that publish to this repository under whatever tag. */
  inRepository(reference: Reference): readonly Layer[];
  nearestName(word: string): string | undefined;
}

export interface Published {
  readonly layer: Layer;
  /** As the layer publishes it, in one spelling. */
  readonly reference: string;
}

export interface Duplicate {
  readonly reference: string;
  readonly first: Layer;
  readonly second: Layer;
}

/** Looks at every layer once; two layers that publish one reference are told, each pair once. */
export function createIndex(
  layers: readonly Layer[],
  groups: RegistryNames['groups'],
): { index: ReferenceIndex; duplicates: Duplicate[] } {
  const canonical = canonicalNames(groups);
  const publishers = new Map<string, Published>();
  const repositories = new Map<string, Layer[]>();
  const names = new Map<string, Layer[]>();
  const duplicates: Duplicate[] = [];
  const pairs = new Set<string>();
  for (const layer of layers) {
    add(names, layer.options.name, layer);
    if (layer.id !== layer.options.name) add(names, layer.id, layer);
    for (const published of publishedReferences(layer)) {
      const reference = formatReference(published);
      const one = canonical(published);
      const first = publishers.get(formatReference(one))?.layer;
      if (first === undefined) publishers.set(formatReference(one), { layer, reference });
      else if (first !== layer && !pairs.has(`${first.id}\n${layer.id}`)) {
        pairs.add(`${first.id}\n${layer.id}`);
        duplicates.push({ reference, first, second: layer });
      }
      const repository = one.transport + one.repository;
      if (repositories.get(repository)?.at(-1) !== layer) add(repositories, repository, layer);
    }
  }
  const index: ReferenceIndex = {
    publisher: (reference) => {
      for (const spelling of spellings(reference)) {
        const published = publishers.get(formatReference(canonical(spelling)));
        if (published !== undefined) return published;
      }
      return undefined;
    },
    named: (word) => names.get(word) ?? [],
    inRepository: (reference) =>
      spellings(reference)
        .map(canonical)
        .flatMap((one) => repositories.get(one.transport + one.repository) ?? []),
    nearestName: (word) => nearest(word, names.keys()),
  };
  return { index, duplicates };
}

/** A short name means local storage first, as buildah looks there first. */
function spellings(reference: Reference): Reference[] {
  const { transport, repository } = reference;
  if (transport === 'containers-storage:')
    return [{ ...reference, transport: '', repository: localRepository(repository) }];
  if (transport !== '') return [reference];
  const local = localRepository(repository);
  return local === repository ? [reference] : [{ ...reference, repository: local }, reference];
}

function add<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
