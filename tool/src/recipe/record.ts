import type { PublishedReference } from '../config/destinations.ts';
import type { PublishKey, PublishRecipe } from './publish-key.ts';
import type { ContentDigest, Recipe, RecipeKey } from './recipe.ts';

/** What is remembered of a layer's last good build and of each destination. Plain JSON; no secrets. */
export interface LayerRecord {
  readonly version: 1;
  /** Layer id. */
  readonly id: string;
  readonly recipe: Recipe;
  readonly recipeKey: RecipeKey;
  readonly content: ContentDigest;
  readonly image: KeptImage;
  /** The external parent as it was called, so that its digest is asked for again only when the name changes. */
  readonly externalParent?: string;
  /** Labels that came from an external parent; the layer's children inherit them. */
  readonly inheritedLabels: Readonly<Record<string, string>>;
  /** ISO 8601: when this content was first built. */
  readonly builtAt: string;
  /** Of the last build, without publishing. */
  readonly durationMs: number;
  /** By destination key. */
  readonly publications: Readonly<Record<string, PublicationRecord>>;
}

/** The image in local storage: there when the folder `<graphRoot>/<driver>-images/<id>` is. */
export interface KeptImage {
  readonly id: string;
  readonly graphRoot: string;
  readonly driver: string;
  /** Bytes. */
  readonly size: number;
}

export interface PublicationRecord {
  readonly publishKey: PublishKey;
  readonly recipe: PublishRecipe;
  readonly references: readonly PublishedReference[];
  readonly bytes: number;
  readonly at: string;
  readonly durationMs: number;
}
