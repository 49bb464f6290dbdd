import type { BuildPart } from '../build/builder.ts';
import { settingsOfPart } from '../config/recipe-settings.ts';
import {
  buildStampOf,
  type Checkpoint,
  type CheckpointGround,
  type CheckpointPart,
  checkpointKeyOf,
} from '../recipe/checkpoint.ts';
import type { KeptImage } from '../recipe/known-build.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { openCheckpoints } from '../records/checkpoints.ts';
import type { Workspace } from '../system/workspace.ts';
import { checkpointName } from './kept-name.ts';

/** Checkpoints as the build of one layer uses them. */
export interface LayerCheckpoints {
  /** What the layer itself begins on. */
  readonly ground: CheckpointGround;
  /** The image of this part, if it was made of the same and may be started from. */
  find(part: CheckpointPart, on: CheckpointGround): Promise<Checkpoint | undefined>;
  /** Remembers a part that was committed, unless what it was made of changed meanwhile. Never rejects for that. */
  keep(part: CheckpointPart, on: CheckpointGround, made: MadePart): Promise<void>;
  /** Its image cannot be used. */
  forget(checkpoint: Checkpoint): Promise<void>;
}

/** How far the parts of a layer were built before, one on the other; nothing without checkpoints. */
export async function furthest<Part extends Pick<BuildPart, 'name'>>(
  parts: readonly Part[],
  checkpoints: LayerCheckpoints | undefined,
): Promise<{ readonly checkpoint?: Checkpoint; readonly remaining: readonly Part[] }> {
  let checkpoint: Checkpoint | undefined;
  for (const [index, { name }] of parts.entries()) {
    const on = checkpoint === undefined ? checkpoints?.ground : { part: checkpoint.part, image: checkpoint.image.id };
    const found = name === 'commands' || on === undefined ? undefined : await checkpoints?.find(name, on);
    if (found === undefined) return { ...(checkpoint && { checkpoint }), remaining: parts.slice(index) };
    checkpoint = found;
  }
  return { ...(checkpoint && { checkpoint }), remaining: [] };
}

/** The same, with everything built now. */
export function withoutEarlier(checkpoints: LayerCheckpoints | undefined): { checkpoints?: LayerCheckpoints } {
  return checkpoints === undefined ? {} : { checkpoints: { ...checkpoints, find: async () => undefined } };
}

/** What of a part is remembered. */
interface MadePart extends Pick<Checkpoint, 'builtAt' | 'repositories'> {
  readonly image: KeptImage;
}

interface Use {
  readonly id: string;
  /** State folder of the tree. */
  readonly tree: string;
  readonly ground: CheckpointGround;
  /** Of the builder. */
  readonly stepVersion: number;
  /** As the layer would have it if nothing changed meanwhile. */
  readonly recipe: Recipe;
  /** Names of `recipe.files` that package managers read. */
  readonly keyFiles: readonly string[];
  /** Whether the build may start from an earlier one: not where the outside of now is wanted. */
  readonly starts: boolean;
  /** Whether a checkpoint of that age may be started from. */
  isYoungEnough(builtAt: string): boolean;
  /** Reads the inputs again. */
  areUnchanged(): Promise<boolean>;
}

/** Checkpoints beside the images of the storage that the workspace builds in. */
export function layerCheckpoints(use: Use, workspace: Workspace): LayerCheckpoints {
  const { recipe } = use;
  const user = { tree: use.tree, layer: use.id, build: buildStampOf(recipe) };
  const store = async () => openCheckpoints((await workspace.buildah.store()).graphRoot);
  const keyOf = (part: CheckpointPart, on: CheckpointGround) =>
    checkpointKeyOf({
      part,
      on,
      stepVersion: use.stepVersion,
      settings: settingsOfPart(recipe.settings, part),
      files: part === 'packages' ? only(recipe.files, use.keyFiles) : recipe.files,
      machine: recipe,
    });
  return {
    ground: use.ground,
    async find(part, on) {
      if (!use.starts) return undefined;
      const checkpoints = await store();
      const found = checkpoints.find(keyOf(part, on));
      if (found === undefined || !use.isYoungEnough(found.builtAt) || !isLocked(found, recipe.lock)) return undefined;
      checkpoints.use(found, user);
      return found;
    },
    async keep(part, on, made) {
      const readsFiles = part === 'files' || use.keyFiles.length > 0;
      if (readsFiles && !(await use.areUnchanged())) return;
      const checkpoint: Checkpoint = { version: 1, key: keyOf(part, on), layer: use.id, part, ...made };
      try {
        await workspace.buildah.tag(made.image.id, [checkpointName(checkpoint)]);
        await (await store()).keep(checkpoint, user);
      } catch (error) {
        workspace.signal.throwIfAborted();
        workspace.say(`no checkpoint of its ${part} is kept: ${(error as Error).message}`);
      }
    },
    async forget({ key }) {
      (await store()).remove(key);
    },
  };
}

function only(files: Recipe['files'], names: readonly string[]): Recipe['files'] {
  return Object.fromEntries(Object.entries(files).filter(([name]) => names.includes(name)));
}

/** Whether the package repositories that it used are those of the lock, as far as there is one. */
function isLocked({ repositories }: Checkpoint, lock: Recipe['lock']): boolean {
  return lock === undefined || Object.entries(repositories).every(([url, digest]) => lock[url] === digest);
}
