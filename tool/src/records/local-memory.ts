import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type InputSet, MOST_INPUT_SETS, type ProbeKey } from '../recipe/input-set.ts';
import { type KnownBuild, knownBuildOf } from '../recipe/known-build.ts';
import type { Recipe, RecipeKey } from '../recipe/recipe.ts';
import { writeFileAtomic } from '../system/files.ts';
import { decodeChecked, encodeChecked } from './checked-json.ts';
import { ImageGone } from './image-gone.ts';
import { inputSetsIn } from './input-sets.ts';
import type { Memory } from './memory.ts';

interface KeptBuild extends KnownBuild {
  readonly version: 1;
  readonly recipe: Recipe;
}

/**
 * What the container storage of this machine holds, in `<graphRoot>/layers-builds`: beside the images, as it lives and goes with
 * them. A branch that is switched back and another checkout find their images by it.
 */
export function createLocalMemory(graphRoot: string): Memory {
  const folder = path.join(graphRoot, 'layers-builds');
  const buildFile = (key: RecipeKey) => path.join(folder, `${key}.json`);
  const setsFile = (key: ProbeKey) => path.join(folder, `in-${key}.json`);

  const kept = (key: RecipeKey): KeptBuild | undefined => {
    const build = read(buildFile(key)) as KeptBuild | undefined;
    return build?.version === 1 && build.recipeKey === key ? build : undefined;
  };
  const sets = (key: ProbeKey): readonly InputSet[] => {
    const known = read(setsFile(key)) as { readonly version: number; readonly sets: unknown } | undefined;
    return known?.version === 1 ? inputSetsIn(known.sets) : [];
  };
  const write = async (file: string, value: unknown): Promise<void> => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    await writeFileAtomic(file, encodeChecked(value), { mode: 0o600 });
  };

  return {
    place: graphRoot,
    async find(key) {
      const build = kept(key);
      if (build === undefined) return undefined;
      const { recipe: _recipe, version: _version, ...known } = build;
      const { local, shared } = known.image;
      const isThere = local !== undefined && existsSync(imageFolder(local));
      if (isThere) return known;
      return shared === undefined ? undefined : { ...known, image: { shared } };
    },
    inputSets: async (key) => sets(key),
    recipe: async (key) => kept(key)?.recipe,
    async keep(build, _workspace, { replace }) {
      const before = replace ? undefined : await this.find(build.recipeKey);
      // The earlier image has the earlier content; what was learnt meanwhile of where it is shared is kept.
      const known = knownBuildOf(before === undefined || before.content === build.content ? build : before);
      await write(buildFile(build.recipeKey), { ...known, version: 1, recipe: build.recipe } satisfies KeptBuild);
      return known;
    },
    async keepInputSet(key, set) {
      const text = JSON.stringify(set);
      const others = sets(key).filter((one) => JSON.stringify(one) !== text);
      await write(setsFile(key), { version: 1, sets: [set, ...others].slice(0, MOST_INPUT_SETS) });
    },
    async pull({ image: { local } }) {
      if (local === undefined || !existsSync(imageFolder(local))) throw new ImageGone('it is not in local storage');
      return local;
    },
  };
}

/** containers/storage keeps a folder an image; a stat is cheaper than a buildah process. */
export function imageFolder({ graphRoot, driver, id }: { graphRoot: string; driver: string; id: string }): string {
  return path.join(graphRoot, `${driver}-images`, id);
}

/** Undefined where there is nothing, or nothing that can be believed. */
function read(file: string): unknown {
  try {
    return decodeChecked(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
