import { canonicalJson } from '../recipe/canonical.ts';
import { parsedJson } from '../system/registry/json.ts';
import { type Descriptor, OCI_MANIFEST, parseManifest } from '../system/registry/manifest.ts';
import { digestOf, type Repository } from '../system/registry/repository.ts';

export const RECIPE_TYPE = 'application/vnd.openchami.layers.recipe.v1+json';
export const INPUT_SETS_TYPE = 'application/vnd.openchami.layers.input-sets.v1+json';

const EMPTY = Buffer.from('{}');
const EMPTY_TYPE = 'application/vnd.oci.empty.v1+json';

/** Up to this size the document stands in its manifest too, so that one request reads it. Some registries take no manifest above 4 MiB. */
const INLINE_BYTES = 48 * 1024;

/**
 * Puts a small JSON document under a tag: an OCI artefact with an empty configuration and one layer. Equal documents have equal
 * digests, if they have equal annotations. Throws RegistryError.
 */
export async function putDocument(
  repository: Repository,
  tag: string,
  type: string,
  document: unknown,
  annotations?: Readonly<Record<string, string>>,
): Promise<void> {
  const bytes = Buffer.from(canonicalJson(document));
  const [config, layer] = await Promise.all([repository.putBlob(EMPTY), repository.putBlob(bytes)]);
  const data = bytes.length <= INLINE_BYTES ? { data: bytes.toString('base64') } : {};
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: type,
    config: { mediaType: EMPTY_TYPE, digest: config, size: EMPTY.length },
    layers: [{ mediaType: type, digest: layer, size: bytes.length, ...data }],
    ...(annotations && { annotations }),
  };
  await repository.putManifest(tag, OCI_MANIFEST, Buffer.from(canonicalJson(manifest)));
}

/**
 * The document under a tag. Undefined: there is none; `damaged`: there is something else. Throws RegistryError, kind `digest` where
 * the bytes are not those that the digest names.
 */
export async function getDocument(
  repository: Repository,
  tag: string,
  type: string,
  reading: { readonly direct?: boolean } = {},
): Promise<{ readonly document: unknown } | 'damaged' | undefined> {
  const found = await repository.manifest(tag, reading);
  if (found === undefined) return undefined;
  const layer = parseManifest(found.bytes)?.layers[0];
  if (layer?.mediaType !== type) return 'damaged';
  const bytes = inline(layer) ?? (await repository.blob(layer.digest, reading));
  const document = bytes === undefined ? undefined : parsedJson<unknown>(bytes);
  return document === undefined ? 'damaged' : { document };
}

function inline({ data, digest }: Descriptor): Buffer | undefined {
  if (data === undefined) return undefined;
  const bytes = Buffer.from(data, 'base64');
  return digestOf(bytes) === digest ? bytes : undefined;
}
