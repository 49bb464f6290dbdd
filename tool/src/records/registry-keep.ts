import { canonicalJson } from '../recipe/canonical.ts';
import type { KnownBuild } from '../recipe/known-build.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { CommandFailure } from '../system/command.ts';
import { OCI_MANIFEST, parseManifest } from '../system/registry/manifest.ts';
import { lastLine } from '../system/registry/program-errors.ts';
import { RegistryError } from '../system/registry/registry-error.ts';
import type { Repository } from '../system/registry/repository.ts';
import { pushImage } from '../system/registry/transfer.ts';
import { withOciFormat } from '../system/registry-options.ts';
import type { RetryPolicy } from '../system/retry.ts';
import type { Workspace } from '../system/workspace.ts';
import { annotationsOf, foreignAnnotations } from './build-document.ts';
import { keyTagOf, recipeTagOf } from './key-tag.ts';
import { MemoryUnreachable, type ToKeep } from './memory.ts';
import { getDocument, putDocument, RECIPE_TYPE } from './registry-document.ts';
import { lookUp } from './registry-lookup.ts';
import { settled } from './registry-settled.ts';

interface Keeping {
  readonly place: string;
  readonly repository: Repository;
  readonly replace: boolean;
  readonly options: readonly string[];
  readonly policy?: RetryPolicy;
}

/**
 * Where an image stands until its manifest has annotations: no key tag must ever name one without. Every push takes the same tag and
 * goes on by digest, so that it does not matter who has it.
 */
export const PUSH_TAG = 'layers-push';

/** The build under its key tag, ours or that of who was first. Throws MemoryUnreachable, and CommandFailure of an abort. */
export async function keepImage(build: ToKeep, workspace: Workspace, keeping: Keeping): Promise<KnownBuild> {
  try {
    return await keep(build, workspace, keeping);
  } catch (error) {
    workspace.signal.throwIfAborted();
    throw asUnreachable(error, keeping.place);
  }
}

async function keep(build: ToKeep, workspace: Workspace, keeping: Keeping): Promise<KnownBuild> {
  const { place, repository, replace, options, policy } = keeping;
  const tag = keyTagOf(build.recipeKey);
  const standing = async () => {
    const looked = await lookUp(repository, place, build.recipeKey, { direct: true });
    return looked.kind === 'build' ? looked.build : undefined;
  };
  const before = await lookUp(repository, place, build.recipeKey, { direct: true });
  if (before.kind === 'build' && !replace) {
    await keepRecipe(build, workspace, repository);
    return before.build;
  }
  if (before.kind === 'damaged') workspace.warn(`${before.why}; replaced`);

  const words = withOciFormat(options);
  const pushing = { repository: place, words, workspace, ...(policy ? { policy } : {}) };
  const pushed = await pushImage(build.image.local.id, PUSH_TAG, pushing);
  const bytes = await annotated(repository, pushed, build);
  await keepRecipe(build, workspace, repository);

  // Who was first while we pushed is the winner.
  const started = performance.now();
  const winner = replace ? undefined : await standing();
  if (winner !== undefined) return winner;
  await repository.putManifest(tag, OCI_MANIFEST, bytes);
  await settled(started, workspace.signal);
  const kept = await standing();
  if (kept !== undefined) return kept;
  throw new RegistryError('unexpected', `${place}:${tag} does not hold what was put there`);
}

/** The manifest of what was pushed, with what the build is; the same build gives the same bytes. */
async function annotated(repository: Repository, digest: string, build: ToKeep): Promise<Buffer> {
  const found = await repository.manifest(digest, { direct: true });
  const manifest = found && parseManifest(found.bytes);
  if (manifest === undefined)
    throw new RegistryError('unexpected', `${repository.name}@${digest} is not there as an image`);
  const annotations = { ...foreignAnnotations(manifest.annotations), ...annotationsOf(build) };
  return Buffer.from(canonicalJson({ ...manifest, mediaType: OCI_MANIFEST, annotations }));
}

/** For `why` alone, so its failure is a warning. What stands there and is another document, or damaged, is replaced. */
async function keepRecipe({ recipe, recipeKey }: ToKeep, workspace: Workspace, repository: Repository): Promise<void> {
  const tag = recipeTagOf(recipeKey);
  try {
    if (!(await holdsRecipe(repository, tag, recipe))) await putDocument(repository, tag, RECIPE_TYPE, recipe);
  } catch (error) {
    workspace.signal.throwIfAborted();
    if (!(error instanceof RegistryError)) throw error;
    workspace.warn(
      `the recipe was not kept beside the image, 'layers why' will not know it elsewhere: ${error.message}`,
    );
  }
}

async function holdsRecipe(repository: Repository, tag: string, recipe: Recipe): Promise<boolean> {
  try {
    const found = await getDocument(repository, tag, RECIPE_TYPE, { direct: true });
    return typeof found === 'object' && canonicalJson(found.document) === canonicalJson(recipe);
  } catch (error) {
    if (error instanceof RegistryError && error.kind === 'digest') return false;
    throw error;
  }
}

/** What a registry or a program said, as a memory that cannot be used. Everything else stays as it is. */
export function asUnreachable(error: unknown, place: string): unknown {
  if (error instanceof MemoryUnreachable || !(error instanceof Error) || error.name === 'AbortError') return error;
  if (error instanceof CommandFailure) {
    if (error.reason === 'cancelled' || error.reason === 'not-found') return error;
    return new MemoryUnreachable(`${place}: ${lastLine(error)}`, { cause: error });
  }
  if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) return error;
  return new MemoryUnreachable(error.message, { cause: error });
}
