import type { RecipeImage, RecipeParent } from './recipe.ts';

/** One way in which two recipes differ. Closed; `text` of a reason is made from it by `describe`. Holds no value that may be secret. */
export type Change =
  | { readonly code: 'setting-changed'; readonly key: string }
  | {
      readonly code: 'list-changed';
      readonly key: string;
      readonly added: readonly string[];
      readonly removed: readonly string[];
    }
  | { readonly code: 'list-reordered'; readonly key: string }
  | FileChange
  | VersionChange
  | { readonly code: 'environment-changed'; readonly name: string }
  | { readonly code: 'parent-changed'; readonly from: RecipeParent; readonly to: RecipeParent }
  | {
      readonly code: 'tools-image-changed';
      readonly from: RecipeImage | undefined;
      readonly to: RecipeImage | undefined;
    }
  | { readonly code: 'architecture-changed'; readonly from: string; readonly to: string }
  | { readonly code: 'tool-changed'; readonly from: number; readonly to: number };

/** Something that the layer reads. */
export interface FileChange {
  /**
   * `added`, `removed`: one recipe counts it and the other does not. `appeared`, `gone`: both look for it. `kind`: another kind of
   * thing is there. `names`: a folder that is listed. `looked-for`, `unheeded`: a path where nothing is, on one side only.
   */
  readonly code: `file-${'changed' | 'added' | 'removed' | 'appeared' | 'gone' | 'kind' | 'names' | 'looked-for' | 'unheeded'}`;
  readonly file: string;
  /** For `file-kind`: what it is now. */
  readonly now?: string;
}

/** What is used in another version; undefined: not used. */
export interface VersionChange {
  /** A tool by its name, or a package repository of layers.lock by the URL of its metadata. */
  readonly code: 'tool-version-changed' | 'lock-changed';
  readonly name: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}
