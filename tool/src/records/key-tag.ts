import type { ProbeKey } from '../recipe/input-set.ts';
import type { RecipeKey } from '../recipe/recipe.ts';

/** Hex digits of a key that go into a tag: 128 bits. The key in full stands in the annotations and is compared there. */
const DIGITS = 32;

/** Under it stands the image that a recipe key stands for. */
export function keyTagOf(key: RecipeKey): string {
  return `layers-${digitsOf(key)}`;
}

/** Under it stand the input sets that are known for a probe key. */
export function inputSetsTagOf(key: ProbeKey): string {
  return `layers-in-${digitsOf(key)}`;
}

/** Under it stands the recipe itself, for `why`. */
export function recipeTagOf(key: RecipeKey): string {
  return `layers-recipe-${digitsOf(key)}`;
}

/** Tags as the three functions above make them. */
export const KEY_TAG = /^layers-[0-9a-f]{32}$/;
export const INPUT_SETS_TAG = /^layers-in-[0-9a-f]{32}$/;
export const RECIPE_TAG = /^layers-recipe-[0-9a-f]{32}$/;

/** The digits of a key as its tags have them. */
export function digitsOf(key: string): string {
  return key.slice(0, DIGITS);
}
