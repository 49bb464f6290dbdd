import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ImageInfo, ImageSettings } from './buildah.ts';
import type { Descriptor, StoredImage } from './image-info.ts';

/** Say by which name and digest the parent was called when this was committed; the same parent has many names. */
const BASE_ANNOTATIONS = /^org\.opencontainers\.image\.base\./;

interface Relabelling {
  readonly info: ImageInfo & Partial<StoredImage>;
  readonly labels: Readonly<Record<string, string>>;
  /** ISO 8601. */
  readonly created?: string;
  /** Makes other settings of those that the image has. */
  readonly settings?: (config: ImageSettings) => ImageSettings;
  /** An empty folder. */
  readonly folder: string;
  readonly skopeo: (args: readonly string[]) => Promise<unknown>;
  /** `containers-storage:` with the store's place, if it is not the default one. */
  readonly storage: string;
}

/**
 * Stores an image with the layers of `info`, exactly these labels, and date and settings if they are given; gives its id. An OCI layout is written that holds only a
 * manifest and a configuration: skopeo asks the storage for each layer first, finds it, and never reads a blob. It
 * takes hundredths of a second whatever the size (`buildah commit` would add an empty layer, and `buildah build` cannot
 * take a label away). The same labels on the same image give the same id.
 */
export async function relabelImage(wanted: Relabelling): Promise<string> {
  const { info, labels, settings = (config) => config, folder, skopeo, storage } = wanted;
  const { manifest } = info;
  if (manifest === undefined) throw new Error(`no manifest of ${info.id}`);
  const inner = settings((info.config.config ?? {}) as ImageSettings);
  const Labels = Object.fromEntries(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const dated = { ...info.config, ...datesOf(wanted), config: { ...inner, Labels } };
  const config = await blob(folder, manifest.config.mediaType, dated);
  const annotations = Object.entries(manifest.annotations ?? {}).filter(([name]) => !BASE_ANNOTATIONS.test(name));
  const mediaType = manifest.mediaType ?? 'application/vnd.oci.image.manifest.v1+json';
  const { annotations: _dropped, ...rest } = manifest;
  const described = {
    ...rest,
    config,
    ...(annotations.length > 0 ? { annotations: Object.fromEntries(annotations) } : {}),
  };
  const top = await blob(folder, mediaType, described);
  await writeFile(path.join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  await writeFile(path.join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [top] }));
  const id = config.digest.slice('sha256:'.length);
  await skopeo(['copy', '--quiet', `oci:${folder}`, `${storage}@${id}`]);
  return id;
}

/** A history has an entry a layer, of which the last is the one that was just committed. */
function datesOf({ info, created }: Relabelling): Readonly<Record<string, unknown>> {
  if (created === undefined) return {};
  const history = (info.config.history ?? []) as unknown[];
  return { created, history: [...history.slice(0, -1), { created, created_by: 'layers' }] };
}

async function blob(folder: string, mediaType: string, content: unknown): Promise<Descriptor> {
  const data = Buffer.from(JSON.stringify(content));
  const hex = createHash('sha256').update(data).digest('hex');
  const blobs = path.join(folder, 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true });
  await writeFile(path.join(blobs, hex), data);
  return { mediaType, digest: `sha256:${hex}`, size: data.length };
}
