import { hashOf, type Json } from './canonical.ts';
import type { KeptImage } from './known-build.ts';
import type { Recipe, RecipeImages } from './recipe.ts';

/** Parts of a base layer that are committed on their own and that a later build may start from. */
export type CheckpointPart = 'packages' | 'files';

/** Hex SHA-256 of what decides one part. */
export type CheckpointKey = string & { readonly __brand: 'CheckpointKey' };

/** The image of a layer as it was after one of its parts. Plain JSON; no secrets. */
export interface Checkpoint {
  readonly version: 1;
  readonly key: CheckpointKey;
  /** Layer id. */
  readonly layer: string;
  readonly part: CheckpointPart;
  readonly image: KeptImage;
  /** ISO 8601: when the oldest part in it was built; what `rebuild_after` counts from. */
  readonly builtAt: string;
  /** Package repositories as all parts in it used them; as in KnownBuild. */
  readonly repositories: Readonly<Record<string, string>>;
}

/** Hex SHA-256 of what a build was of: equal for all builds of one recipe, whatever their lock says by the end. */
export type BuildStamp = string & { readonly __brand: 'BuildStamp' };

export function buildStampOf({ lock: _, ...recipe }: Recipe): BuildStamp {
  return hashOf(recipe) as BuildStamp;
}

/** What a part begins on: the layer's images, the parent by content and by the very image, or the image of the part before. */
export type CheckpointGround =
  | (RecipeImages & { readonly image?: string })
  | { readonly part: CheckpointPart; readonly image: string };

/**
 * Raise it when parts are divided or committed in another way (times, package databases): what was kept before is then not
 * started from. Commands of package managers have step versions.
 */
const VERSION = 1;

/**
 * The key of a part: what it begins on, and only what counts in it. The lock is no part of it: whoever looks compares the metadata that was
 * used with what the lock says now.
 */
export function checkpointKeyOf(of: {
  readonly part: CheckpointPart;
  readonly on: CheckpointGround;
  /** Of the builder alone, without what comes at the end of a layer. */
  readonly stepVersion: number;
  /** Of `recipe.settings`, those that count in the part. */
  readonly settings: Readonly<Record<string, Json>>;
  /** Of `recipe.files`, those that the part reads. */
  readonly files: Recipe['files'];
  readonly machine: Pick<Recipe, 'architecture' | 'tools' | 'environment'>;
}): CheckpointKey {
  const { architecture, tools, environment } = of.machine;
  return hashOf({ ...of, machine: { architecture, tools, environment }, checkpoint: VERSION }) as CheckpointKey;
}
