import { tagsOf } from './oci-index.ts';
import { type Descriptor, MANIFEST_TYPE, parsed, readBlob, readManifest, writeBlob } from './oci-layout.ts';

const JSON_TYPE = 'application/vnd.openchami.layers.v1+json';
/** https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidance-for-an-empty-descriptor */
const EMPTY_TYPE = 'application/vnd.oci.empty.v1+json';
/** A tag holds half of a key; the whole is compared. */
const KEY = 'org.openchami.layers.artefact-key';

/** A JSON document under a tag: a manifest with one layer. Undefined where there is none, or none of this key that is sound. */
export async function readArtefact(layout: string, tag: string, key: string): Promise<object | undefined> {
  const descriptor = (await tagsOf(layout)).get(tag);
  if (descriptor === undefined) return undefined;
  const manifest = await readManifest(layout, descriptor.digest);
  const [layer] = manifest?.layers ?? [];
  if (manifest?.annotations?.[KEY] !== key || layer?.mediaType !== JSON_TYPE) return undefined;
  return parsed(await readBlob(layout, layer.digest));
}

/** Writes the document's blobs; gives the descriptor to tag. Only who holds the layout's lock calls this. */
export async function writeArtefact(layout: string, key: string, document: object): Promise<Descriptor> {
  const config = await writeBlob(layout, EMPTY_TYPE, {});
  const layers = [await writeBlob(layout, JSON_TYPE, document)];
  return writeBlob(layout, MANIFEST_TYPE, {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    artifactType: JSON_TYPE,
    config,
    layers,
    annotations: { [KEY]: key },
  });
}
