import type { Layer } from '../config/layer.ts';
import type { InputSet, ProbeKey } from '../recipe/input-set.ts';
import type { KeptImage, KnownBuild } from '../recipe/known-build.ts';
import type { Recipe, RecipeKey } from '../recipe/recipe.ts';
import type { Workspace } from '../system/workspace.ts';

/**
 * Builds by recipe key: a registry or an OCI layout that machines share, or what this machine's storage holds. One file a kind
 * (`registry-memory.ts`, `oci-memory.ts`, `local-memory.ts`). Trust is the permission to write there; digests are checked on
 * every read, and what is damaged or does not fit its key is `undefined` after a warning, never an error.
 */
export interface Memory {
  /** How a person names it. */
  readonly place: string;
  /** One look. Throws MemoryUnreachable. */
  find(key: RecipeKey): Promise<KnownBuild | undefined>;
  /** Newest first. Throws MemoryUnreachable. */
  inputSets(key: ProbeKey): Promise<readonly InputSet[]>;
  /** The whole recipe behind a key, for `why`. Throws MemoryUnreachable. */
  recipe(key: RecipeKey): Promise<Recipe | undefined>;
  /**
   * Keeps a build whose image is in local storage, once: gives what stands under the key afterwards, ours or that of who was
   * first. `replace`: a build that was forced, or is newer by intent, takes the place of an older one.
   */
  keep(build: ToKeep, workspace: Workspace, options: { readonly replace: boolean }): Promise<KnownBuild>;
  /** Adds a set to those known under the key (at most MOST_INPUT_SETS). */
  keepInputSet(key: ProbeKey, set: InputSet): Promise<void>;
  /** Brings the image into local storage by its digest. Throws CommandFailure, or ImageGone. */
  pull(build: KnownBuild, workspace: Workspace): Promise<KeptImage>;
}

export interface ToKeep extends KnownBuild {
  readonly layer: Layer;
  readonly recipe: Recipe;
  readonly image: { readonly local: KeptImage };
}

/** It cannot be asked: a warning, and the work goes on without. */
export class MemoryUnreachable extends Error {
  override readonly name = 'MemoryUnreachable';
}
