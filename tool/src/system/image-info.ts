import type { ImageInfo } from './buildah.ts';

/** What `buildah inspect --type image` prints; `Config` and `Manifest` are JSON texts as stored. */
interface Inspection {
  readonly FromImageID: string;
  readonly FromImageDigest: string;
  readonly Config: string;
  readonly Manifest: string;
}

interface ImageConfig {
  readonly architecture?: string;
  readonly created?: string;
  readonly config?: { readonly Labels?: Record<string, string> | null; readonly Env?: string[] | null };
  readonly rootfs?: { readonly diff_ids?: string[] };
  readonly [key: string]: unknown;
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

interface Manifest {
  readonly mediaType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** `ImageInfo` with the manifest as it is in storage. */
export interface StoredImage {
  readonly manifest: Manifest;
}

/** Reads the output of `buildah inspect --type image`. */
export function parseImageInfo(text: string): ImageInfo & StoredImage {
  const inspection = JSON.parse(text) as Inspection;
  const config = JSON.parse(inspection.Config) as ImageConfig;
  const manifest = JSON.parse(inspection.Manifest) as Manifest;
  return {
    id: inspection.FromImageID,
    digest: inspection.FromImageDigest,
    // Uncompressed for what was committed here; of a pulled image, what was transferred.
    size: manifest.layers.reduce((sum, layer) => sum + layer.size, 0),
    labels: config.config?.Labels ?? {},
    env: config.config?.Env ?? [],
    architecture: config.architecture ?? '',
    diffIds: config.rootfs?.diff_ids ?? [],
    config,
    manifest,
  };
}

/** Reads the output of `buildah inspect --type container`: the parent's configuration, a text as stored and empty for scratch. */
export function parseOrigin(text: string): { labels: Readonly<Record<string, string>>; created?: string } {
  const { Config } = JSON.parse(text) as { Config?: string };
  // Where the image does not say when it was made, buildah's own reading of it says now.
  const { config, created } = (Config ? JSON.parse(Config) : {}) as ImageConfig;
  return { labels: config?.Labels ?? {}, ...(created === undefined ? {} : { created }) };
}
