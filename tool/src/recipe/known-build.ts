import type { ContentDigest, RecipeKey } from './recipe.ts';

/** What a recipe key stands for, wherever that is remembered: everything but the recipe itself. Plain JSON; no secrets. */
export interface KnownBuild {
  readonly recipeKey: RecipeKey;
  readonly content: ContentDigest;
  /** Where its image can be had: at least one of the two. */
  readonly image: ImagePlaces;
  /** Labels that came from an external parent; the layer's children inherit them. */
  readonly inheritedLabels: Readonly<Record<string, string>>;
  /** ISO 8601: when this content was first built. It is the `build-date` of what is published. */
  readonly builtAt: string;
  /** ISO 8601: when it was last built, to this same content; what `rebuild_after` counts from. */
  readonly lastBuiltAt: string;
  /** Of the last build, without publishing. */
  readonly durationMs: number;
  /** Package repositories as the build used them: URL of the metadata without credentials → `sha256:…`. */
  readonly repositories: Readonly<Record<string, string>>;
}

/** Of something that is a known build among other things, such as a record: just that, as it is kept. */
export function knownBuildOf(from: KnownBuild): KnownBuild {
  const { recipeKey, content, image, inheritedLabels, builtAt, lastBuiltAt, durationMs, repositories } = from;
  return { recipeKey, content, image, inheritedLabels, builtAt, lastBuiltAt, durationMs, repositories };
}

interface ImagePlaces {
  readonly local?: KeptImage;
  readonly shared?: SharedImage;
}

/** The image in local storage: there when the folder `<graphRoot>/<driver>-images/<id>` is. */
export interface KeptImage {
  readonly id: string;
  readonly graphRoot: string;
  readonly driver: string;
  /** Bytes. */
  readonly size: number;
}

/** The image under its key tag. */
export interface SharedImage {
  /** `HOST[:PORT]/REPOSITORY`, or `oci:DIR` as the layer file or layers.yaml names it. */
  readonly place: string;
  /** `sha256:…` of the manifest. */
  readonly digest: string;
  /** Bytes of its layers as they are stored there. */
  readonly size: number;
}
