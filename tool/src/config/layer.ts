import type { Architecture } from './architectures.ts';
import type { Range } from './diagnostic.ts';
import type { LayerFile } from './schema.ts';

/** Path of the layer file below `layers/`, without extension, with `/` between folders. */
export type LayerId = string & { readonly __brand: 'LayerId' };

/** A validated layer file. Later rooms accept only this, so they hold no checks of their own. Plain JSON, deeply frozen. */
export interface Layer extends LayerFile {
  readonly id: LayerId;
  /** What it is built for, one of its `architectures`; absent: for the machine that builds it. */
  readonly architecture?: Architecture;
  /** Path of the layer file relative to the root of the tree (or absolute, when it lies elsewhere). */
  readonly file: string;
  /** `recipeSettings(file)`: what of the file is part of the recipe. Made when the file is parsed, so that nothing later needs the schema. */
  readonly recipe: Readonly<Record<string, unknown>>;
}

/** Where the options are written that link a layer to others; possibly in layers.yaml. */
export type LayerPlaces = Readonly<
  Partial<
    Record<
      'name' | 'parent' | 'tools_image' | 'architectures' | 'publish_tags' | 'publish_registry' | 'publish_local',
      { readonly file: string; readonly range: Range }
    >
  >
>;

/** `layers.yaml`, defaults filled in. Folders are relative to the root. */
export interface TreeSettings {
  readonly folders: {
    readonly layers: string;
    readonly inventory: string;
    readonly playbooks: string;
    readonly state: string;
  };
  /** Where machines share builds: `HOST/REPOSITORY`, `oci:DIR` or `off`; empty: each layer's own destination. */
  readonly cache: string;
  /** Groups of names that are one registry, each `HOST[:PORT][/PATH]`. */
  readonly registryNames: readonly (readonly string[])[];
  /** Whether architectures are built here that the machine has only emulators for. */
  readonly emulate?: boolean;
  /** Layers at once; undefined: the number of cores, at least 2. */
  readonly jobs?: number;
}

/** All of a tree that was read: what is valid, and every problem found on the way. */
export interface Tree {
  /** Absolute. */
  readonly root: string;
  readonly settings: TreeSettings;
  readonly layers: readonly Layer[];
}
