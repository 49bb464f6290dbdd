import type { KnownBuild } from '../recipe/known-build.ts';
import type { RecipeKey } from '../recipe/recipe.ts';
import { type Manifest, parseManifest } from '../system/registry/manifest.ts';
import { RegistryError } from '../system/registry/registry-error.ts';
import type { FoundManifest, Repository } from '../system/registry/repository.ts';
import { knownBuildFrom } from './build-document.ts';
import { keyTagOf } from './key-tag.ts';

/** What a key tag says. `damaged`: something is there that is not the build of this key; `why` says it in words. */
export type Looked =
  | { readonly kind: 'none' }
  | { readonly kind: 'build'; readonly build: KnownBuild }
  | { readonly kind: 'damaged'; readonly why: string };

/** One request. `place`: how the memory is named in records. Throws RegistryError, but not for what is damaged. */
export async function lookUp(
  repository: Repository,
  place: string,
  key: RecipeKey,
  reading: { readonly direct?: boolean } = {},
): Promise<Looked> {
  const tag = keyTagOf(key);
  let found: FoundManifest | undefined;
  try {
    found = await repository.manifest(tag, reading);
  } catch (error) {
    if (error instanceof RegistryError && error.kind === 'digest') return { kind: 'damaged', why: error.message };
    throw error;
  }
  if (found === undefined) return { kind: 'none' };
  const manifest = parseManifest(found.bytes);
  if (manifest === undefined) return { kind: 'damaged', why: `${place}:${tag} is no image` };
  const shared = { place, digest: found.digest, size: sizeOf(manifest) };
  const build = knownBuildFrom(manifest.annotations, shared, key);
  if (build !== undefined) return { kind: 'build', build };
  return { kind: 'damaged', why: `${place}:${tag} does not say that it is the build of ${key.slice(0, 12)}` };
}

/** Bytes of its layers as they are stored. */
function sizeOf({ layers }: Manifest): number {
  return layers.reduce((sum, layer) => sum + layer.size, 0);
}
