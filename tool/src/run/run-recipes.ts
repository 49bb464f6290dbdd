import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LayerId } from '../config/layer.ts';
import type { Recipe, RecipeKey } from '../recipe/recipe.ts';
import { writeFileAtomic } from '../system/files.ts';

/** A layer's recipe as a run planned or built it. */
export interface RunRecipe {
  readonly recipeKey: RecipeKey;
  readonly recipe: Recipe;
}

const FILE = 'recipes.json';

/** Keeps the recipes of a run beside its events, for `why --against RUN`. Throws what the file system throws. */
export async function keepRecipes(runFolder: string, recipes: ReadonlyMap<LayerId, RunRecipe>): Promise<void> {
  const document = { version: 1, layers: Object.fromEntries(recipes) };
  await writeFileAtomic(join(runFolder, FILE), `${JSON.stringify(document)}\n`);
}

/** Ids of runs that begin so, newest first. Empty where there are none. */
export function runsNamed(stateDir: string, prefix: string): string[] {
  try {
    return readdirSync(join(stateDir, 'runs'))
      .filter((name) => name.startsWith(prefix))
      .sort()
      .reverse();
  } catch {
    return [];
  }
}

/** By layer id; undefined where the run kept none, or what it kept is damaged. */
export function recipesOfRun(stateDir: string, runId: string): ReadonlyMap<LayerId, RunRecipe> | undefined {
  try {
    const { version, layers } = JSON.parse(readFileSync(join(stateDir, 'runs', runId, FILE), 'utf8'));
    return version === 1 ? new Map(Object.entries(layers) as [LayerId, RunRecipe][]) : undefined;
  } catch {
    return undefined;
  }
}
