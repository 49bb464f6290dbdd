import { type Dirent, existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { LayerId } from '../config/layer.ts';
import type { WatchPlaces } from '../inputs/watch-places.ts';
import type { Change } from './observer.ts';

export interface IndexOptions {
  /** Absolute root of the tree. */
  readonly root: string;
  /** Absolute: files that decide about every layer (layers.yaml, …). */
  readonly common: readonly string[];
  /** Absolute: where layer files are, folders in it included; undefined where they lie in the root itself. */
  readonly layersFolder: string | undefined;
  isNoise(file: string): boolean;
}

type Readers = Map<string, LayerId[]>;

/** Which layers may read a path, and which folders have to be watched to know of its changes. */
export class InputIndex {
  readonly #options: IndexOptions;
  readonly #files: Readers = new Map();
  readonly #listings: Readers = new Map();
  readonly #trees: Readers = new Map();

  constructor(options: IndexOptions) {
    this.#options = options;
  }

  add(id: LayerId, places: WatchPlaces): void {
    for (const file of places.files) note(this.#files, file, id);
    for (const folder of places.listings) note(this.#listings, folder, id);
    for (const folder of places.trees) note(this.#trees, folder, id);
  }

  /** Layers that may read what changed; undefined where nobody can care. */
  readersOf({ path: file, names }: Change): readonly LayerId[] | undefined {
    const readers = new Set(this.#files.get(file));
    if (names) for (const id of this.#listings.get(path.dirname(file)) ?? []) readers.add(id);
    for (let folder = file; folder !== '/'; folder = path.dirname(folder)) {
      for (const id of this.#trees.get(folder) ?? []) readers.add(id);
    }
    if (readers.size > 0) return [...readers];
    if (this.#options.common.includes(file) || this.#isLayerFile(file, names)) return [];
    // A folder that came or went with what is below it.
    const isAbove = names && [this.#files, this.#listings, this.#trees].some((map) => hasBelow(map, file));
    return isAbove ? [] : undefined;
  }

  /** Whether after such a change other places may count: then it says what was there before. */
  outdatedBy({ path: file, names }: Change): boolean {
    return names || this.#options.common.includes(file) || this.#isLayerFile(file, names);
  }

  /** Folders to be watched, all of them there. */
  folders(): Set<string> {
    const { root, layersFolder } = this.#options;
    const found = new Set<string>([root]);
    const missing = new Set<string>();
    const add = (wanted: string): void => {
      let folder = wanted;
      while (!found.has(folder) && folder !== '/') {
        if (missing.has(folder) || !existsSync(folder)) missing.add(folder);
        else {
          found.add(folder);
          // Of the tree, the way from the root as well: folders are renamed and come back.
          if (!folder.startsWith(`${root}/`)) return;
        }
        folder = path.dirname(folder);
      }
    };
    for (const file of this.#files.keys()) add(path.dirname(file));
    for (const folder of this.#listings.keys()) add(folder);
    const tops = layersFolder === undefined ? [] : [layersFolder];
    for (const folder of [...tops, ...this.#trees.keys()]) {
      add(folder);
      for (const below of this.#foldersBelow(folder)) add(below);
    }
    return found;
  }

  #isLayerFile(file: string, names: boolean): boolean {
    const { layersFolder, root } = this.#options;
    const isYaml = /\.ya?ml$/.test(file);
    if (layersFolder === undefined) return isYaml && path.dirname(file) === root;
    return file === layersFolder || ((isYaml || names) && file.startsWith(`${layersFolder}/`));
  }

  #foldersBelow(top: string): string[] {
    const found: string[] = [];
    const open = [top];
    for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
      for (const entry of entriesOf(folder)) {
        const below = path.join(folder, entry.name);
        if (!entry.isDirectory() || this.#options.isNoise(below)) continue;
        found.push(below);
        open.push(below);
      }
    }
    return found;
  }
}

function note(map: Readers, file: string, id: LayerId): void {
  const readers = map.get(file);
  if (readers === undefined) map.set(file, [id]);
  else if (readers.at(-1) !== id) readers.push(id);
}

function hasBelow(map: Readers, folder: string): boolean {
  for (const file of map.keys()) if (file.startsWith(`${folder}/`)) return true;
  return false;
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
