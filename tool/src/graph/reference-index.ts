import type { Layer, LayerId } from '../config/layer.ts';
import { nearest } from '../config/nearest.ts';
import { publishedReferences } from './published.ts';
import { formatReference, localRepository, type Reference } from './reference.ts';

/** Who publishes what, and who is called what. */
export interface ReferenceIndex {
  /** The layer that publishes exactly this, and the reference in its one spelling. */
  publisher(reference: Reference): { readonly id: LayerId; readonly reference: string } | undefined;
  /** Layers with this name or id. */
  named(word: string): readonly Layer[];
  /** Layers that publish to this repository under whatever tag. */
  inRepository(reference: Reference): readonly Layer[];
  nearestName(word: string): string | undefined;
}

export interface Duplicate {
  readonly reference: string;
  readonly first: Layer;
  readonly second: Layer;
}

/** Looks at every layer once; two layers that publish one reference are told, each pair once. */
export function createIndex(layers: readonly Layer[]): { index: ReferenceIndex; duplicates: Duplicate[] } {
  const publishers = new Map<string, Layer>();
  const repositories = new Map<string, Layer[]>();
  const names = new Map<string, Layer[]>();
  const duplicates: Duplicate[] = [];
  const pairs = new Set<string>();
  for (const layer of layers) {
    add(names, layer.options.name, layer);
    if (layer.id !== layer.options.name) add(names, layer.id, layer);
    for (const published of publishedReferences(layer)) {
      const reference = formatReference(published);
      const first = publishers.get(reference);
      if (first === undefined) publishers.set(reference, layer);
      else if (first !== layer && !pairs.has(`${first.id}\n${layer.id}`)) {
        pairs.add(`${first.id}\n${layer.id}`);
        duplicates.push({ reference, first, second: layer });
      }
      const repository = published.transport + published.repository;
      if (repositories.get(repository)?.at(-1) !== layer) add(repositories, repository, layer);
    }
  }
  const index: ReferenceIndex = {
    publisher: (reference) => {
      for (const spelling of spellings(reference)) {
        const text = formatReference(spelling);
        const layer = publishers.get(text);
        if (layer !== undefined) return { id: layer.id, reference: text };
      }
      return undefined;
    },
    named: (word) => names.get(word) ?? [],
    inRepository: (reference) =>
      spellings(reference).flatMap((one) => repositories.get(one.transport + one.repository) ?? []),
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
