import type { ProbeKey } from '../recipe/input-set.ts';
import type { RecipeKey } from '../recipe/recipe.ts';

/** Hex digits of a key that go into a tag: 128 bits. The key in full stands in the annotations and is compared there. */
const DIGITS = 32;

/** Under it stands the image that a recipe key stands for. */
export function keyTagOf(key: RecipeKey): string {
  return `layers-${key.slice(0, DIGITS)}`;
}

/** Under it stand the input sets that are known for a probe key. */
export function inputSetsTagOf(key: ProbeKey): string {
  return `layers-in-${key.slice(0, DIGITS)}`;
}

/** Under it stands the recipe itself, for `why`. */
export function recipeTagOf(key: RecipeKey): string {
  return `layers-recipe-${key.slice(0, DIGITS)}`;
}
