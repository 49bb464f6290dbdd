import type { ImageList } from '../config/destinations.ts';
import { tagsOf } from '../records/oci-index.ts';
import { type Descriptor, readBlob, readManifest, writeBlob } from '../records/oci-layout.ts';
import { OCI_INDEX } from '../system/registry/manifest.ts';
import { architectureIn, entriesOf, entryFor, type ListEntry, listWith } from './image-list.ts';

/**
 * Writes the list that a tag of a layout is to name, `own` in it; only who holds the layout's lock calls this. A single image that the
 * tag names becomes part of it. Gives the list's descriptor.
 */
export async function joinedList(
  layout: string,
  tag: string,
  own: Descriptor,
  { architecture, architectures }: ImageList,
): Promise<Descriptor> {
  const before = (await tagsOf(layout)).get(tag);
  const entry = { ...own, platform: { architecture, os: 'linux' } };
  return writeBlob(layout, OCI_INDEX, listWith(await entriesAt(layout, before), entry, architectures));
}

/** What is ours of what a tag names: in a list the image of our architecture. */
export async function ownPart(
  layout: string,
  found: Descriptor | undefined,
  list: ImageList | undefined,
): Promise<Descriptor | undefined> {
  if (found === undefined || list === undefined) return found;
  return entryFor(await listAt(layout, found), list.architecture);
}

async function listAt(layout: string, { digest }: Descriptor): Promise<ListEntry[] | undefined> {
  const bytes = await readBlob(layout, digest);
  return bytes && entriesOf(bytes);
}

async function entriesAt(layout: string, found: Descriptor | undefined): Promise<readonly ListEntry[]> {
  if (found === undefined) return [];
  const entries = await listAt(layout, found);
  if (entries !== undefined) return entries;
  const manifest = await readManifest(layout, found.digest);
  const architecture = architectureIn(manifest && (await readBlob(layout, manifest.config.digest)));
  const { digest, size, mediaType } = found;
  return architecture === undefined ? [] : [{ mediaType, digest, size, platform: { architecture, os: 'linux' } }];
}
