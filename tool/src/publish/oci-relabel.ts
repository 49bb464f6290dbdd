import path from 'node:path';
import { foreignAnnotations } from '../records/build-document.ts';
import {
  isWhole,
  linkBlob,
  type OciManifest,
  parsed,
  readBlob,
  readManifest,
  writeBlob,
} from '../records/oci-layout.ts';
import { isSound } from '../records/oci-sound.ts';
import type { PublishedImage } from './publisher.ts';

/** buildah's own; everything else is what `image.labels` says. */
const KEPT = 'io.buildah.version';

interface Config {
  readonly config?: { readonly Labels?: Readonly<Record<string, string>> };
}

/**
 * The image of a key tag that lies in a layout on this disk, as it belongs into `layout`: the same file system layers under its own
 * labels. Gives its manifest, all of whose blobs are in `layout` then, and the bytes that are new there. Undefined where the
 * image is shared elsewhere or is not whole: local storage has it, or gets it.
 */
export async function relabelled(
  image: Pick<PublishedImage, 'labels' | 'shared'>,
  layout: string,
  root: string,
): Promise<{ readonly manifest: OciManifest; readonly bytes: number } | undefined> {
  const { shared } = image;
  if (shared === undefined || !shared.place.startsWith('oci:')) return undefined;
  const from = path.resolve(root, shared.place.slice('oci:'.length));
  const found = await readManifest(from, shared.digest).catch(() => undefined);
  if (found === undefined || !(await isWhole(from, found))) return undefined;
  const before = parsed(await readBlob(from, found.config.digest)) as Config | undefined;
  if (before === undefined) return undefined;
  const kept = Object.entries(before.config?.Labels ?? {}).filter(([name]) => name === KEPT);
  const sorted = [...kept, ...Object.entries(image.labels)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const Labels = Object.fromEntries(sorted);
  let bytes = 0;
  for (const layer of found.layers) if (!(await isSound(from, layer.digest))) return undefined;
  for (const layer of found.layers) bytes += await linkBlob(from, layout, layer);
  const config = await writeBlob(layout, found.config.mediaType, { ...before, config: { ...before.config, Labels } });
  const annotations = foreignAnnotations(found.annotations);
  const { annotations: _ours, ...rest } = found;
  const isEmpty = Object.keys(annotations).length === 0;
  return { manifest: { ...rest, config, ...(isEmpty ? {} : { annotations }) }, bytes: bytes + config.size };
}
