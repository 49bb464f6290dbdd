import { canonicalJson } from '../recipe/canonical.ts';
import { foreignAnnotations, type PublicationFacts, publicationAnnotations } from '../records/build-document.ts';
import { parsedJson } from '../system/registry/json.ts';
import { type Manifest, OCI_MANIFEST } from '../system/registry/manifest.ts';
import { digestOf } from '../system/registry/repository.ts';

/** Say by which name and digest the parent was called when this was committed; the same parent has many names. */
const BASE_ANNOTATION = /^org\.opencontainers\.image\.base\./;

interface DerivedImage {
  readonly config: Buffer;
  readonly manifest: Buffer;
}

/**
 * The same file system layers with exactly these labels (not even buildah's own stays, which names its version) and annotations that
 * say what it is. Equal arguments give equal bytes on every machine. Undefined: the configuration is none. Pure.
 */
export function deriveImage(
  manifest: Manifest,
  config: Uint8Array,
  labels: Readonly<Record<string, string>>,
  facts: PublicationFacts,
): DerivedImage | undefined {
  const image = parsedJson<{ config?: object | null } | null>(config);
  if (typeof image !== 'object' || image === null) return undefined;
  const bytes = Buffer.from(canonicalJson({ ...image, config: { ...image.config, Labels: labels } }));
  const foreign = Object.entries(foreignAnnotations(manifest.annotations));
  const derived = {
    ...manifest,
    mediaType: OCI_MANIFEST,
    config: { ...manifest.config, digest: digestOf(bytes), size: bytes.length },
    annotations: {
      ...Object.fromEntries(foreign.filter(([name]) => !BASE_ANNOTATION.test(name))),
      ...publicationAnnotations(facts),
    },
  };
  return { config: bytes, manifest: Buffer.from(canonicalJson(derived)) };
}
