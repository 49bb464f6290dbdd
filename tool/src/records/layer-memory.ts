import type { InputSet, ProbeKey } from '../recipe/input-set.ts';
import { type KeptImage, type KnownBuild, knownBuildOf } from '../recipe/known-build.ts';
import type { Recipe, RecipeKey } from '../recipe/recipe.ts';
import type { Workspace } from '../system/workspace.ts';
import { ImageGone } from './image-gone.ts';
import { type Memory, MemoryUnreachable, type ToKeep } from './memory.ts';

/** Where the builds of one layer are remembered: this machine's storage, and a place that machines share. */
export interface LayerMemory {
  readonly local?: Memory;
  readonly shared?: Memory;
  /** Whether new builds go to the shared place. */
  readonly writes: boolean;
  /** For who deletes by what the shared place says: that it cannot be asked is thrown then. */
  readonly insists?: boolean;
  /** Said once a run when the shared place cannot be asked. */
  warn(message: string): void;
}

/** What is known of a key. Where both know it, the shared one's content counts: it is what other machines build on. */
export async function findBuild(memory: LayerMemory, key: RecipeKey): Promise<KnownBuild | undefined> {
  const local = await memory.local?.find(key);
  // Asked too when the image is here: who loses a race adopts the winner's, and what was built anew replaces ours.
  const there = await askShared(memory, key);
  const shared = there?.build;
  if (shared === undefined) return there === undefined ? local : unshared(local, memory.shared?.place);
  if (local?.content !== shared.content) return shared;
  return { ...shared, image: { ...local.image, ...shared.image } };
}

/** What stands under a key in the shared place, whatever this machine remembers. */
export async function findShared(memory: LayerMemory, key: RecipeKey): Promise<KnownBuild | undefined> {
  return (await askShared(memory, key))?.build;
}

/** Undefined: nobody could be asked. */
async function askShared(memory: LayerMemory, key: RecipeKey): Promise<{ readonly build?: KnownBuild } | undefined> {
  const { shared } = memory;
  if (shared === undefined) return undefined;
  return tolerant(memory, async () => {
    const build = await shared.find(key);
    return build === undefined ? {} : { build };
  });
}

/** The place was emptied since, so that the build has to go there again. */
function unshared(build: KnownBuild | undefined, place: string | undefined): KnownBuild | undefined {
  if (build?.image.shared === undefined || build.image.shared.place !== place) return build;
  const { local } = build.image;
  return local === undefined ? undefined : { ...build, image: { local } };
}

/** Sets known under a probe key, this machine's first. */
export async function knownInputSets(memory: LayerMemory, key: ProbeKey): Promise<readonly InputSet[]> {
  const local = (await memory.local?.inputSets(key)) ?? [];
  const shared = (await tolerant(memory, () => memory.shared?.inputSets(key))) ?? [];
  return [...new Map([...local, ...shared].map((set) => [JSON.stringify(set), set])).values()];
}

/** The recipe behind a key, wherever it is known. */
export async function knownRecipe(memory: LayerMemory, key: RecipeKey): Promise<Recipe | undefined> {
  return (await memory.local?.recipe(key)) ?? tolerant(memory, () => memory.shared?.recipe(key));
}

/**
 * Keeps a new build everywhere that it may go; gives what stands under its key afterwards, which is another machine's build where
 * that was first. A shared place that cannot be reached is a warning.
 */
export async function keepBuild(
  memory: LayerMemory,
  build: ToKeep,
  workspace: Workspace,
  {
    replace,
    inputs,
  }: { readonly replace: boolean; readonly inputs?: { readonly key: ProbeKey; readonly set: InputSet } },
): Promise<KnownBuild> {
  const shared = memory.writes
    ? await tolerant(memory, () => memory.shared?.keep(build, workspace, { replace }))
    : undefined;
  if (shared !== undefined && inputs !== undefined) {
    await tolerant(memory, () => memory.shared?.keepInputSet(inputs.key, inputs.set));
  }
  const isOurs = shared === undefined || shared.content === build.content;
  const result: KnownBuild =
    shared === undefined
      ? knownBuildOf(build)
      : { ...shared, image: { ...(isOurs ? build.image : {}), ...shared.image } };
  if (inputs !== undefined) await kept(memory, () => memory.local?.keepInputSet(inputs.key, inputs.set));
  // What another machine built is remembered here once its image is.
  const { local } = build.image;
  if (isOurs) {
    const here = { ...build, ...result, image: { ...result.image, local } };
    await kept(memory, () => memory.local?.keep(here, workspace, { replace: true }));
  }
  return result;
}

/** Brings the image of a build into local storage. Throws what the place throws. */
export async function pullBuild(memory: LayerMemory, build: KnownBuild, workspace: Workspace): Promise<KeptImage> {
  if (memory.shared === undefined || build.image.shared === undefined)
    throw new ImageGone('its image is shared nowhere');
  return memory.shared.pull(build, workspace);
}

async function tolerant<T>(memory: LayerMemory, ask: () => Promise<T | undefined> | undefined): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof MemoryUnreachable) || memory.insists === true) throw error;
    memory.warn(error.message);
    return undefined;
  }
}

/** A storage that cannot be written to costs a later build and nothing else. */
async function kept(memory: LayerMemory, keep: () => Promise<unknown> | undefined): Promise<void> {
  try {
    await keep();
  } catch (error) {
    memory.warn(`the build is not remembered in local storage: ${(error as Error).message}`);
  }
}
