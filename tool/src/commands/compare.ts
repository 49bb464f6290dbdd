import { InvalidInput } from '../config/diagnostic.ts';
import type { Layer } from '../config/layer.ts';
import type { Recipe } from '../recipe/recipe.ts';

/** Another recipe of a layer, and where it was found. */
export interface Against {
  readonly kind: 'run' | 'commit' | 'image' | 'key';
  /** For people: `run 20261124-155341-3f9c`, `commit 1a2b3c4 (origin/main)`. */
  readonly source: string;
  readonly recipe: Recipe;
}

/** Who knows other recipes. Each gives undefined for what it does not know by that name, and throws InvalidInput for what it knows and cannot use. */
export interface RecipeSources {
  /** Ids of runs that begin so. */
  runs(prefix: string): readonly string[];
  ofRun(runId: string, layer: Layer): Promise<Recipe | undefined>;
  /** The full name of a commit. */
  commit(ref: string): Promise<string | undefined>;
  ofCommit(commit: string, layer: Layer): Promise<Recipe>;
  /** The recipe key in the annotations of an image, or of a key tag. */
  keyOfImage(reference: string, layer: Layer): Promise<string | undefined>;
  /** Keys that are known here and begin so. */
  keys(prefix: string): readonly string[];
  ofKey(key: string, layer: Layer): Promise<Recipe | undefined>;
}

/**
 * What `--against TEXT` means, in this order: a run, a commit, an image or key tag, a recipe key.
 * @throws InvalidInput for what is unknown, or is the beginning of several
 */
export async function findAgainst(text: string, layer: Layer, sources: RecipeSources): Promise<Against> {
  const runs = sources.runs(text);
  if (runs.length > 1 && !runs.includes(text)) throw ambiguous(text, 'runs', runs);
  const run = runs.includes(text) ? text : runs[0];
  if (run !== undefined) {
    const recipe = await sources.ofRun(run, layer);
    if (recipe !== undefined) return { kind: 'run', source: `run ${run}`, recipe };
    throw new InvalidInput(`run ${run} kept no recipe of ${layer.id}`, { hint: 'the layer was not part of that run' });
  }
  const commit = await sources.commit(text);
  if (commit !== undefined) {
    const recipe = await sources.ofCommit(commit, layer);
    const name = commit.startsWith(text) ? '' : ` (${text})`;
    return { kind: 'commit', source: `commit ${commit.slice(0, 12)}${name}`, recipe };
  }
  if (/[:/]|^layers-[0-9a-f]{32}$/.test(text)) {
    const key = await sources.keyOfImage(text, layer);
    const recipe = key === undefined ? undefined : await sources.ofKey(key, layer);
    if (recipe !== undefined) return { kind: 'image', source: `image ${text}`, recipe };
  }
  if (/^[0-9a-f]{6,64}$/.test(text)) {
    const keys = sources.keys(text);
    if (keys.length > 1) throw ambiguous(text, 'recipe keys', keys);
    const key = keys[0] ?? (text.length === 64 ? text : undefined);
    const recipe = key === undefined ? undefined : await sources.ofKey(key, layer);
    if (recipe !== undefined) return { kind: 'key', source: `recipe ${key?.slice(0, 12)}`, recipe };
  }
  throw new InvalidInput(`--against ${text}: no run, commit, image or recipe of that name is known`, {
    hint: "runs are the folders of '.layers/runs'; an image must have been published by layers, with its recipe beside its key tag",
  });
}

function ambiguous(text: string, what: string, found: readonly string[]): InvalidInput {
  const more = found.length > 5 ? ` and ${found.length - 5} more` : '';
  return new InvalidInput(`--against ${text} is the beginning of several ${what}`, {
    hint: `write more of it: ${found.slice(0, 5).join(', ')}${more}`,
  });
}
