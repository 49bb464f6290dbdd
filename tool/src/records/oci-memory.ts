import { type InputSet, MOST_INPUT_SETS, type ProbeKey } from '../recipe/input-set.ts';
import type { KnownBuild } from '../recipe/known-build.ts';
import type { Recipe, RecipeKey } from '../recipe/recipe.ts';
import { CommandFailure } from '../system/command.ts';
import type { Workspace } from '../system/workspace.ts';
import { annotationsOf, foreignAnnotations, knownBuildFrom } from './build-document.ts';
import { ImageGone } from './image-gone.ts';
import { inputSetsIn } from './input-sets.ts';
import { inputSetsTagOf, keyTagOf, recipeTagOf } from './key-tag.ts';
import { type Memory, MemoryUnreachable, type ToKeep } from './memory.ts';
import { readArtefact, writeArtefact } from './oci-artefact.ts';
import { DamagedIndex, removeUnreachable, setTags, tagsOf } from './oci-index.ts';
import { type Descriptor, isWhole, MANIFEST_TYPE, readManifest, writeBlob } from './oci-layout.ts';
import { copyToStorage } from './oci-pull.ts';
import { pushIntoLayout, withLayout } from './oci-push.ts';

export interface OciMemorySettings {
  /** Absolute. Need not be there yet. */
  readonly directory: string;
  /** `oci:DIR` as the layer file or layers.yaml names it: what builds hold as their place. */
  readonly place: string;
  /** What is damaged or does not fit its key; it counts as absent. */
  warn(message: string): void;
  /** Ends the wait for another process that writes. */
  readonly signal: AbortSignal;
}

interface Found {
  readonly build: KnownBuild;
  readonly descriptor: Descriptor;
}

/**
 * An OCI layout on a disk that machines share (NFS, a CI's cache). Each build is an image under its key tag with the build's facts
 * as annotations of its manifest; recipes and input sets are documents beside. Human tags may live in the same layout: blobs are
 * shared, and none goes that a key tag reaches.
 */
export function createOciMemory({ directory, place, warn, signal }: OciMemorySettings): Memory {
  const asked = <T>(work: () => Promise<T>, otherwise: T) => reachable(place, warn, work, otherwise);

  const look = async (key: RecipeKey): Promise<Found | undefined> => {
    const tag = keyTagOf(key);
    const descriptor = (await tagsOf(directory)).get(tag);
    if (descriptor === undefined) return undefined;
    const manifest = await readManifest(directory, descriptor.digest);
    const size = (manifest?.layers ?? []).reduce((sum, layer) => sum + layer.size, 0);
    const build = knownBuildFrom(manifest?.annotations, { place, digest: descriptor.digest, size }, key);
    if (manifest !== undefined && build !== undefined && (await isWhole(directory, manifest))) {
      return { build, descriptor };
    }
    warn(`${place}:${tag} is damaged or is not what its key says; it is not used`);
    return undefined;
  };

  const sets = async (key: ProbeKey): Promise<readonly InputSet[]> => {
    const document = (await readArtefact(directory, inputSetsTagOf(key), key)) as { sets?: unknown } | undefined;
    return inputSetsIn(document?.sets);
  };

  return {
    place,
    find: (key) => asked(async () => (await look(key))?.build, undefined),
    inputSets: (key) => asked(() => sets(key), []),
    recipe: (key) =>
      asked(async () => {
        const document = (await readArtefact(directory, recipeTagOf(key), key)) as { recipe?: Recipe } | undefined;
        return document?.recipe?.version === 2 ? document.recipe : undefined;
      }, undefined),

    async keep(build, workspace, { replace }) {
      checkPath(directory, place);
      const written = await asked(() => {
        return withLayout(directory, workspace, async () => {
          // Who was first: looked at under the lock, as another machine may have written while we waited.
          const before = replace ? undefined : await look(build.recipeKey);
          return before?.build ?? write(directory, place, build, workspace);
        });
      }, undefined);
      if (written === undefined) throw new MemoryUnreachable(`${place} is damaged: the build is not shared`);
      return written;
    },

    async keepInputSet(key, set) {
      await asked(async () => {
        const text = JSON.stringify(set);
        const before = await sets(key);
        if (JSON.stringify(before[0]) === text) return;
        await withLayout(directory, { runId: 'sets', say: () => undefined, warn, signal }, async () => {
          const others = (await sets(key)).filter((one) => JSON.stringify(one) !== text);
          const document = { version: 1, sets: [set, ...others].slice(0, MOST_INPUT_SETS) };
          const entry = [inputSetsTagOf(key), await writeArtefact(directory, key, document)] as const;
          if (await setTags(directory, new Map([entry]))) await removeUnreachable(directory);
        });
      }, undefined);
    },

    async pull(build, workspace) {
      const digest = build.image.shared?.digest ?? '';
      const manifest = await asked(() => readManifest(directory, digest), undefined);
      if (manifest === undefined || !(await isWhole(directory, manifest))) {
        throw new ImageGone(`${place}@${digest} is there no more, or damaged`);
      }
      return copyToStorage(directory, digest, manifest, workspace);
    },
  };
}

/** Under the layout's lock. */
async function write(directory: string, place: string, build: ToKeep, workspace: Workspace): Promise<KnownBuild> {
  const { layer: _layer, recipe, ...known } = build;
  const pushed = await pushIntoLayout(build.image.local.id, directory, workspace);
  const annotations = { ...foreignAnnotations(pushed.manifest.annotations), ...annotationsOf(known) };
  const descriptor = await writeBlob(directory, MANIFEST_TYPE, { ...pushed.manifest, annotations });
  const document = await writeArtefact(directory, build.recipeKey, { version: 1, recipe });
  const entries = [
    [keyTagOf(build.recipeKey), descriptor],
    [recipeTagOf(build.recipeKey), document],
  ] as const;
  if (await setTags(directory, new Map(entries))) await removeUnreachable(directory);
  const size = pushed.manifest.layers.reduce((sum, one) => sum + one.size, 0);
  return { ...known, image: { ...known.image, shared: { place, digest: descriptor.digest, size } } };
}

/** What the disk or a program says becomes "cannot be asked"; a damaged index is said and holds nothing. */
async function reachable<T>(
  place: string,
  warn: (message: string) => void,
  work: () => Promise<T>,
  otherwise: T,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DamagedIndex) {
      warn(`${error.message}; nothing in it is used`);
      return otherwise;
    }
    const isDisk = typeof (error as NodeJS.ErrnoException).syscall === 'string';
    const isProgram = error instanceof CommandFailure && error.reason !== 'cancelled';
    if (!isDisk && !isProgram) throw error;
    throw new MemoryUnreachable(`${place}: ${(error as Error).message}`, { cause: error });
  }
}

function checkPath(directory: string, place: string): void {
  if (directory.includes(':')) {
    throw new MemoryUnreachable(`${place}: an oci: folder cannot have a colon in its path: ${directory}`);
  }
}
