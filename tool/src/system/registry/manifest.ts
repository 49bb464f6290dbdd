import { parsedJson } from './json.ts';

/** The parts of OCI and docker image manifests that count here; both have them. */
export interface Manifest {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Descriptor {
  readonly mediaType: string;
  /** `sha256:…` */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  /** The content itself in base64, where it is small. */
  readonly data?: string;
  /** Of layers that may not be distributed. */
  readonly urls?: readonly string[];
}

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

/** Undefined for what is no image manifest: a list for several architectures, an old schema, anything else. */
export function parseManifest(bytes: Uint8Array): Manifest | undefined {
  const value = parsedJson<Partial<Manifest> | null>(bytes);
  if (typeof value !== 'object' || value === null || value.schemaVersion !== 2) return undefined;
  const isDescriptor = (one: Partial<Descriptor> | undefined) =>
    typeof one?.mediaType === 'string' &&
    typeof one.size === 'number' &&
    /^sha256:[0-9a-f]{64}$/.test(one.digest ?? '');
  const isImage = isDescriptor(value.config) && Array.isArray(value.layers) && value.layers.every(isDescriptor);
  return isImage ? (value as Manifest) : undefined;
}
