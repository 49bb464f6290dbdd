import { canonicalJson, hashOf } from '../recipe/canonical.ts';
import { type InputSet, MOST_INPUT_SETS } from '../recipe/input-set.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { type Registries, sharedRegistries } from '../system/registry/registries.ts';
import { RegistryError } from '../system/registry/registry-error.ts';
import type { Effort } from '../system/registry/repository-places.ts';
import { registryAccess } from '../system/registry-options.ts';
import type { RetryPolicy } from '../system/retry.ts';
import { createdAnnotation } from './build-document.ts';
import { inputSetsIn } from './input-sets.ts';
import { inputSetsTagOf, recipeTagOf } from './key-tag.ts';
import { type Memory, MemoryUnreachable } from './memory.ts';
import { getDocument, INPUT_SETS_TYPE, putDocument, RECIPE_TYPE } from './registry-document.ts';
import { asUnreachable, keepImage } from './registry-keep.ts';
import { lookUp } from './registry-lookup.ts';
import { pullKnown } from './registry-pull.ts';
import { settled } from './registry-settled.ts';

export interface RegistryMemorySettings {
  /** `registry_opts_push`: how the registry is reached, and how layers are compressed. */
  readonly options: readonly string[];
  /** Absolute; relative paths in the options start here. */
  readonly root: string;
  /** What a person should know of what was found there; each thing is said once a process. */
  warn(message: string): void;
  /** For questions, which no workspace's signal ends. */
  readonly signal?: AbortSignal;
  /**
   * For who deletes by the answers: questions are tried as long as work is, what is refused or damaged throws MemoryUnreachable instead of
   * counting as none. Gets what is waited for.
   */
  insist?(line: string): void;
  /** Default: those of this process. */
  readonly registries?: Registries;
  /** Of what is done while a layer is built. */
  readonly policy?: RetryPolicy;
}

/** Two machines add to one list at once: who finds its own missing adds again. */
const ADDITIONS = 3;

/** Builds by key tags of one repository (`HOST[:PORT]/PATH`). */
export function createRegistryMemory(place: string, settings: RegistryMemorySettings): Memory {
  const { registries = sharedRegistries(), root, options, insist } = settings;
  const open = (effort: Effort) =>
    registries.repository(place, registryAccess(options, root), {
      effort,
      ...(effort === 'work' && settings.policy ? { policy: settings.policy } : {}),
      ...(settings.signal ? { signal: settings.signal } : {}),
      ...(insist && { say: insist }),
    });
  const asking = open(insist === undefined ? 'question' : 'work');
  const warnOnce = (message: string) => {
    if (registries.isFirst(message)) settings.warn(message);
  };
  const ignore = (why: string) => {
    if (insist !== undefined) throw new MemoryUnreachable(why);
    warnOnce(`${why}; ignored`);
  };

  /** A question whose answer may be that it is not there; a host that will not tell counts as such. */
  const ask = async <T>(question: () => Promise<T | undefined>): Promise<T | undefined> => {
    try {
      return await question();
    } catch (error) {
      settings.signal?.throwIfAborted();
      const isNone = insist === undefined && error instanceof RegistryError;
      if (isNone && (error.kind === 'refused' || error.kind === 'digest')) {
        const host = place.split('/')[0];
        // Many registries say that of a repository that nobody has pushed to yet.
        if (error.kind === 'digest') warnOnce(`${error.message}; ignored`);
        else warnOnce(`${host} does not let us read its key tags, which counts as none there: ${error.message}`);
        return undefined;
      }
      throw asUnreachable(error, place);
    }
  };

  const document = async (tag: string, type: string, reading = {}) => {
    const found = await getDocument(asking, tag, type, reading);
    if (found === 'damaged') ignore(`${place}:${tag} is damaged or of another tool`);
    return found === 'damaged' ? undefined : found?.document;
  };

  return {
    place,

    find: (key) =>
      ask(async () => {
        const looked = await lookUp(asking, place, key);
        if (looked.kind === 'damaged') ignore(looked.why);
        return looked.kind === 'build' ? looked.build : undefined;
      }),

    inputSets: async (key) =>
      (await ask(async () => setsIn(await document(inputSetsTagOf(key), INPUT_SETS_TYPE), key))) ?? [],

    recipe: (key) =>
      ask(async () => {
        const found = await document(recipeTagOf(key), RECIPE_TYPE);
        if (found === undefined) return undefined;
        if (hashOf(found) === key) return found as Recipe;
        ignore(`${place}:${recipeTagOf(key)} holds another recipe than its name says`);
        return undefined;
      }),

    keep: (build, workspace, { replace }) =>
      keepImage(build, workspace, { place, replace, repository: open('work'), ...settings }),

    async keepInputSet(key, set) {
      const repository = open('work');
      const tag = inputSetsTagOf(key);
      const text = canonicalJson(set);
      const isOther = (one: InputSet) => canonicalJson(one) !== text;
      try {
        for (let attempt = 0; attempt < ADDITIONS; attempt += 1) {
          const started = performance.now();
          const known = setsIn(await document(tag, INPUT_SETS_TYPE, { direct: true }), key);
          if (known[0] !== undefined && !isOther(known[0])) return;
          // Another machine's addition took ours away, or this is the first look.
          if (attempt > 0 && !known.every(isOther)) return;
          const sets = [set, ...known.filter(isOther)].slice(0, MOST_INPUT_SETS);
          // So that its age is known to whoever prunes.
          const created = createdAnnotation(new Date());
          await putDocument(repository, tag, INPUT_SETS_TYPE, { key, sets }, created);
          await settled(started, settings.signal);
        }
      } catch (error) {
        settings.signal?.throwIfAborted();
        throw asUnreachable(error, place);
      }
    },

    pull: (build, workspace) => pullKnown(build, workspace, { place, repository: open('work'), ...settings }),
  };
}

function setsIn(document: unknown, key: string): readonly InputSet[] {
  const { key: of, sets } = (document ?? {}) as { key?: unknown; sets?: unknown };
  return of === key ? inputSetsIn(sets) : [];
}
