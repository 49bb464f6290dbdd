import type { Layer } from '../config/layer.ts';
import type { Json } from '../recipe/canonical.ts';
import type { InputSet, ProbeKey } from '../recipe/input-set.ts';
import {
  combineRecipe,
  probeKeyOf,
  type Recipe,
  type RecipeImages,
  type RecipeKey,
  recipeKeyOf,
} from '../recipe/recipe.ts';
import type { Facts } from './facts.ts';

/** What a layer may be made from as the tree is now: one recipe of a base layer, one an input set of an Ansible layer. */
export interface CandidateRecipe {
  readonly recipe: Recipe;
  readonly key: RecipeKey;
  /** The set that the recipe's files are the members of. */
  readonly set?: InputSet;
}

/**
 * The candidates, the recorded set's first; none for an Ansible layer of which no run is known. `probe`: where more may be known,
 * for a layer that has to ask.
 */
export function candidatesOf(
  layer: Layer,
  images: RecipeImages,
  facts: Facts,
): { readonly candidates: readonly CandidateRecipe[]; readonly probe?: ProbeKey } {
  const fixed = facts.inputs.get(layer.id)?.files ?? {};
  if (layer.options.layer_type !== 'ansible') return { candidates: [candidate(recipeOf(layer, images, facts, fixed))] };
  const recorded = facts.recorded.get(layer.id);
  const record = facts.records.get(layer.id);
  const set = record?.inputSet;
  if (recorded && set) {
    const own = candidate(recipeOf(layer, images, facts, { ...fixed, ...recorded.files }), set);
    // Nothing is to be asked then, and a key costs.
    if (own.key === record.recipeKey) return { candidates: [own] };
  }
  const probe = probeKeyOf(recipeOf(layer, images, facts, fixed), fixed);
  const known = [...(recorded && set ? [{ ...recorded, set }] : []), ...(facts.candidates.get(probe) ?? [])];
  const byKey = new Map<RecipeKey, CandidateRecipe>();
  for (const one of known) {
    const made = candidate(recipeOf(layer, images, facts, { ...fixed, ...one.files }), one.set);
    if (!byKey.has(made.key)) byKey.set(made.key, made);
  }
  return { candidates: [...byKey.values()], probe };
}

function candidate(recipe: Recipe, set?: InputSet): CandidateRecipe {
  return { recipe, key: recipeKeyOf(recipe), ...(set && { set }) };
}

/** The recipe that facts make of a layer with these images. The only place where that is put together. */
export function recipeOf(layer: Layer, images: RecipeImages, facts: Facts, files: Recipe['files']): Recipe {
  const lock = facts.locks.get(layer.id)?.repositories;
  return combineRecipe({
    stepVersion: facts.stepVersions.get(layer.id) ?? 0,
    architecture: layer.architecture ?? facts.architecture,
    settings: { ...(layer.recipe as Record<string, Json>), ...chosenSuite(layer, images, facts) },
    tools: facts.inputs.get(layer.id)?.tools ?? {},
    environment: facts.inputs.get(layer.id)?.environment ?? {},
    files,
    ...images,
    ...(lock && { lock }),
  });
}

/** Without a word in the layer file the suite is that of the machine, which then decides what is built. */
function chosenSuite({ options, repos }: Layer, { parent }: RecipeImages, { hostSuite }: Facts): Record<string, Json> {
  const isBootstrap = options.pkg_manager === 'apt' && parent.kind === 'scratch';
  const isNamed = options.suite !== undefined || repos.some((repo) => repo.apt_dist !== undefined);
  return isBootstrap && !isNamed && hostSuite !== undefined ? { suite: hostSuite } : {};
}
