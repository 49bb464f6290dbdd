import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidInput } from '../config/diagnostic.ts';
import type { Layer } from '../config/layer.ts';
import { LOCK_FILE } from '../config/lock.ts';
import { parseReference } from '../graph/reference.ts';
import { recipeOf } from '../plan/candidates.ts';
import type { Facts } from '../plan/facts.ts';
import { imagesOf, type Recipe, type RecipeKey } from '../recipe/recipe.ts';
import { knownRecipe } from '../records/layer-memory.ts';
import { recipesOfRun, runsNamed } from '../run/run-recipes.ts';
import { GitProblem, openGit } from '../system/git.ts';
import { openAsking } from './asking.ts';
import { openBaseTree } from './base-tree.ts';
import type { CommandContext } from './command.ts';
import type { RecipeSources } from './compare.ts';
import { openInputs } from './open-inputs.ts';
import type { Prepared } from './prepare.ts';

const RECIPE_KEY = 'org.openchami.layers.recipe-key';

/** Where `why --against` looks: runs of this state folder, git, images and their key tags, recipes that are known by key. */
export function recipeSources(context: CommandContext, prepared: Prepared): RecipeSources {
  const { root, stateDir, facts } = prepared;
  const { exec } = openAsking(context, root);
  const git = async () => openGit(exec, root);
  // Of the last builds, and of runs that are kept: whoever has a key from an earlier answer has its beginning only.
  const knownHere = () => [
    ...facts.records.values(),
    ...runsNamed(stateDir, '').flatMap((run) => [...(recipesOfRun(stateDir, run)?.values() ?? [])]),
  ];
  return {
    runs: (prefix) => (prefix === '' ? [] : runsNamed(stateDir, prefix)),
    ofRun: async (run, { id }) => recipesOfRun(stateDir, run)?.get(id)?.recipe,
    async commit(ref) {
      try {
        return await (await git()).commit(ref);
      } catch (error) {
        if (error instanceof GitProblem) return undefined;
        throw error;
      }
    },
    async ofCommit(commit, layer) {
      using tree = await openBaseTree(await git(), commit, { temporary: tmpdir(), env: context.env });
      // Awaited here, as the tree goes when this returns.
      return await recipeThen(context, tree, layer, facts);
    },
    async keyOfImage(text, layer) {
      const shared = (await prepared.memoryOf(layer)).shared?.place;
      const reference = /^layers-[0-9a-f]{32}$/.test(text) ? shared && `${shared}:${text}` : text;
      if (reference === undefined) return undefined;
      const key = (await annotationsAt(reference, layer, { root, exec }))?.[RECIPE_KEY];
      return typeof key === 'string' ? key : undefined;
    },
    keys: (prefix) =>
      [...new Set(knownHere().map(({ recipeKey }) => recipeKey))].filter((key) => key.startsWith(prefix)),
    async ofKey(key, layer) {
      const here = knownHere().find(({ recipeKey }) => recipeKey === key)?.recipe;
      return here ?? knownRecipe(await prepared.memoryOf(layer), key as RecipeKey);
    },
  };
}

/**
 * The recipe that a layer had on another tree, by today's tool and on today's images: what only those contain is told only by
 * building it.
 */
async function recipeThen(
  context: CommandContext,
  then: Awaited<ReturnType<typeof openBaseTree>>,
  { id }: Layer,
  facts: Facts,
): Promise<Recipe> {
  const layer = then.graph.layers.get(id);
  if (layer === undefined) throw new InvalidInput(`${id} was not in the tree then`);
  const { tree, stateDir } = then;
  const { reader } = openInputs({ root: tree.root, stateDir, env: context.env, layers: tree.layers });
  const record = facts.records.get(id);
  const { files, tools, environment } = await reader.fixed(layer);
  const ofSet = record?.inputSet === undefined ? {} : (await reader.ofSet(layer, record.inputSet)).files;
  const locks = await locksOf(then.tree.root, id);
  const world: Facts = { ...facts, inputs: new Map([[id, { files, tools, environment }]]), locks };
  const images = record === undefined ? { parent: { kind: 'scratch' } as const } : imagesOf(record.recipe);
  return recipeOf(layer, images, world, { ...files, ...ofSet });
}

async function locksOf(root: string, id: Layer['id']): Promise<Facts['locks']> {
  let text: string;
  try {
    text = readFileSync(join(root, LOCK_FILE), 'utf8');
  } catch {
    return new Map();
  }
  const { parseLock } = await import('../config/lock-parse.ts');
  const entry = parseLock(text).lock?.get(id);
  return new Map(entry === undefined ? [] : [[id, entry]]);
}

/** Annotations of an image's manifest; of a registry by the layer's own options. Undefined where there is none. */
async function annotationsAt(
  reference: string,
  layer: Layer,
  { root, exec }: { readonly root: string; readonly exec: ReturnType<typeof openAsking>['exec'] },
): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (reference.startsWith('oci:')) {
    const { stdout, exitCode } = await exec('skopeo', ['inspect', '--raw', reference], {
      accept: [0, 1, 125],
      cwd: root,
    });
    return exitCode === 0 ? (JSON.parse(stdout) as { annotations?: Record<string, string> }).annotations : undefined;
  }
  const parsed = parseReference(reference.replace(/^docker:\/\//, ''));
  if (parsed === undefined) return undefined;
  const { sharedRegistries } = await import('../system/registry/registries.ts');
  const { parseManifest } = await import('../system/registry/manifest.ts');
  const { registryAccess } = await import('../system/registry-options.ts');
  const access = registryAccess(layer.options.registry_opts_push, root);
  const repository = sharedRegistries().repository(parsed.repository, access, { effort: 'question' });
  const { RegistryError } = await import('../system/registry/registry-error.ts');
  const found = await repository.manifest(parsed.digest ?? parsed.tag ?? 'latest').catch((error: unknown) => {
    if (!(error instanceof RegistryError)) throw error;
    throw new InvalidInput(`--against ${reference}: ${error.message}`, { cause: error });
  });
  return found && parseManifest(found.bytes)?.annotations;
}
