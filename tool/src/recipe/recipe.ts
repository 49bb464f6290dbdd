import { hashOf, type Json } from './canonical.ts';
import type { ProbeKey } from './input-set.ts';

/** Hex SHA-256 of a recipe's canonical JSON. */
export type RecipeKey = string & { readonly __brand: 'RecipeKey' };

/** `sha256:…` of what a build produced (`build/content-digest.ts`). */
export type ContentDigest = string & { readonly __brand: 'ContentDigest' };

/** What a recipe holds of the parent: what it contains, not what it is called. */
export type RecipeParent =
  | { readonly kind: 'scratch' }
  | { readonly kind: 'layer'; readonly content: ContentDigest }
  | { readonly kind: 'external'; readonly manifest: string };

/** What a recipe holds of the image for tools. */
export type RecipeImage = Exclude<RecipeParent, { readonly kind: 'scratch' }>;

/** The images that a layer is made with. */
export interface RecipeImages {
  readonly parent: RecipeParent;
  /** The image whose package manager works on the layer; absent where there is none. */
  readonly toolsImage?: RecipeImage;
}

/** All that decides a layer's content. Kept whole, so that `why` is a difference of two recipes. Holds no secret value. */
export interface Recipe extends RecipeImages {
  readonly version: 2;
  /** Of the builder: raised when the commands change that it runs. */
  readonly stepVersion: number;
  readonly architecture: string;
  /** Build keys of the layer file that differ from their defaults; secret values as hashes (`config/recipe-settings.ts`). */
  readonly settings: Readonly<Record<string, Json>>;
  /** Tools whose version changes the result, cut as the layer's `tool_versions` says: name → version (`ansible-core: 2.14`). */
  readonly tools: Readonly<Record<string, string>>;
  /** Variables of the environment that reach what the layer runs: name → hash of the value. */
  readonly environment: Readonly<Record<string, string>>;
  /** Name → digest, as `inputs/` gives them; of an Ansible layer those of one input set. */
  readonly files: Readonly<Record<string, string>>;
  /** What layers.lock says of the package repositories: URL of the metadata → digest. Absent without a lock for the layer. */
  readonly lock?: Readonly<Record<string, string>>;
}

/** The images of a recipe. Pure. */
export function imagesOf({ parent, toolsImage }: Recipe): RecipeImages {
  return { parent, ...(toolsImage && { toolsImage }) };
}

/** Puts the parts together. Pure; the only place where a Recipe is made. */
export function combineRecipe(parts: Omit<Recipe, 'version'>): Recipe {
  return { version: 2, ...parts };
}

export function recipeKeyOf(recipe: Recipe): RecipeKey {
  return hashOf(recipe) as RecipeKey;
}

/** Where to look for input sets: all of the recipe but what only a run of Ansible can tell. `fixed`: files known without it. */
export function probeKeyOf(recipe: Recipe, fixed: Recipe['files']): ProbeKey {
  return hashOf({ ...recipe, files: fixed, probe: true }) as ProbeKey;
}
