import { hashOf, type Json } from './canonical.ts';

/** Hex SHA-256 of a recipe's canonical JSON. */
export type RecipeKey = string & { readonly __brand: 'RecipeKey' };

/** `sha256:…` of what a build produced (`build/content-digest.ts`). */
export type ContentDigest = string & { readonly __brand: 'ContentDigest' };

/** What a recipe holds of the parent: what it contains, not what it is called. */
export type RecipeParent =
  | { readonly kind: 'scratch' }
  | { readonly kind: 'layer'; readonly content: ContentDigest }
  | { readonly kind: 'external'; readonly manifest: string };

/** All that decides a layer's content. Kept whole, so that `why` is a difference of two recipes. Holds no secret value. */
export interface Recipe {
  readonly version: 1;
  /** Of the builder: raised when the commands change that it runs. */
  readonly stepVersion: number;
  readonly architecture: string;
  /** Build keys of the layer file that differ from their defaults; secret values as hashes (`config/recipe-settings.ts`). */
  readonly settings: Readonly<Record<string, Json>>;
  /** Name → digest, as `inputs/` gives them. */
  readonly files: Readonly<Record<string, string>>;
  readonly parent: RecipeParent;
}

/** Puts the parts together. Pure; the only place where a Recipe is made. */
export function combineRecipe(parts: Omit<Recipe, 'version'>): Recipe {
  return { version: 1, ...parts };
}

export function recipeKeyOf(recipe: Recipe): RecipeKey {
  return hashOf(recipe) as RecipeKey;
}
