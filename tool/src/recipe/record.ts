import type { PublishedReference } from '../config/destinations.ts';
import type { InputSet } from './input-set.ts';
import type { KnownBuild } from './known-build.ts';
import type { PublishKey, PublishRecipe } from './publish-key.ts';
import type { Recipe } from './recipe.ts';

/** What is remembered of a layer's last good build and of each destination. Plain JSON; no secrets. */
export interface LayerRecord extends KnownBuild {
  readonly version: 2;
  /** Layer id. */
  readonly id: string;
  readonly recipe: Recipe;
  /** Of an Ansible layer: what the build depended on. */
  readonly inputSet?: InputSet;
  /** The external parent as it was called, so that its digest is asked for again only when the name changes. */
  readonly externalParent?: string;
  /** The same for a tools image from elsewhere. */
  readonly externalTools?: string;
  /** By destination key. */
  readonly publications: Readonly<Record<string, PublicationRecord>>;
}

export interface PublicationRecord {
  readonly publishKey: PublishKey;
  readonly recipe: PublishRecipe;
  readonly references: readonly PublishedReference[];
  readonly bytes: number;
  readonly at: string;
  readonly durationMs: number;
}
