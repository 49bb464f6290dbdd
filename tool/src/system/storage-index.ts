import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface StoreFolder {
  readonly graphRoot: string;
  readonly driver: string;
}

export interface StoredImage {
  /** Hex. */
  readonly id: string;
  readonly names: readonly string[];
  /** Its file system layers, the top one first, each once. */
  readonly layers: readonly string[];
  /** Milliseconds since the epoch; 0 where it does not say. */
  readonly createdAt: number;
}

interface StoredContainer {
  /** Hex. */
  readonly id: string;
  readonly names: readonly string[];
  /** Id of the image that it was made of; empty for none. */
  readonly image: string;
  readonly layers: readonly string[];
}

export interface StorageIndex {
  readonly images: readonly StoredImage[];
  readonly containers: readonly StoredContainer[];
}

interface Entry {
  readonly id: string;
  readonly names?: readonly string[];
  readonly layer?: string;
  readonly 'mapped-layers'?: readonly string[];
  readonly parent?: string;
  readonly image?: string;
  readonly created?: string;
}

/**
 * What a containers/storage holds, by its own index files, which it replaces atomically: a thousand images are read at once, where
 * buildah would have to be asked about each. Nothing where there is no such storage. Throws where an index cannot be read.
 */
export function readStorage({ graphRoot, driver }: StoreFolder): StorageIndex {
  const entries = (what: string) => readEntries(join(graphRoot, `${driver}-${what}`, `${what}.json`));
  const parents = new Map(entries('layers').map(({ id, parent }) => [id, parent ?? '']));
  const chain = (tops: readonly string[]): string[] => {
    const layers = new Set<string>();
    for (const top of tops) {
      for (let id = top; id !== '' && !layers.has(id); id = parents.get(id) ?? '') layers.add(id);
    }
    return [...layers];
  };
  return {
    images: entries('images').map(({ id, names = [], layer, created, ...more }) => ({
      id,
      names,
      layers: chain([...(layer === undefined ? [] : [layer]), ...(more['mapped-layers'] ?? [])]),
      createdAt: Date.parse(created ?? '') || 0,
    })),
    containers: entries('containers').map(({ id, names = [], image = '', layer }) => ({
      id,
      names,
      image,
      layers: chain(layer === undefined ? [] : [layer]),
    })),
  };
}

/** Where the files of a layer lie, as far as they are there: their bytes are its size on disk. */
export function layerPaths({ graphRoot, driver }: StoreFolder, id: string): string[] {
  const folders = [`${driver}/${id}`, `${driver}/dir/${id}`, `${driver}/subvolumes/${id}`];
  const paths = [...folders, `${driver}-layers/${id}.tar-split.gz`].map((path) => join(graphRoot, path));
  return paths.filter((path) => existsSync(path));
}

/** Whether buildah has made a container its own; it does so last. */
export function isOfBuildah({ graphRoot, driver }: StoreFolder, { id }: Pick<StoredContainer, 'id'>): boolean {
  return existsSync(join(graphRoot, `${driver}-containers`, id, 'userdata', 'buildah.json'));
}

function readEntries(file: string): readonly Entry[] {
  if (!existsSync(file)) return [];
  const entries: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!Array.isArray(entries)) throw new Error(`${file} is no index of containers/storage that this version knows`);
  return entries as Entry[];
}
