import type { Architecture } from '../config/architectures.ts';
import { canonicalJson } from '../recipe/canonical.ts';
import { parsedJson } from '../system/registry/json.ts';
import { type Descriptor, OCI_INDEX } from '../system/registry/manifest.ts';

/** An image of a list of images (an OCI index, a docker manifest list). */
export interface ListEntry extends Descriptor {
  readonly platform: { readonly architecture: string; readonly os: string };
}

/** Undefined for what is no list. Entries without a platform are no images. */
export function entriesOf(bytes: Uint8Array): ListEntry[] | undefined {
  const value = parsedJson<{ manifests?: unknown } | null>(bytes);
  if (typeof value !== 'object' || value === null || !Array.isArray(value.manifests)) return undefined;
  return (value.manifests as ListEntry[]).filter(
    (one) => typeof one?.platform?.architecture === 'string' && typeof one.digest === 'string',
  );
}

export function entryFor(entries: readonly ListEntry[] | undefined, architecture: Architecture): ListEntry | undefined {
  return entries?.find(({ platform }) => platform.os === 'linux' && platform.architecture === architecture);
}

/**
 * A list with `own` in place of what it had for that architecture; of the others those stay that are wanted. The same images give the
 * same bytes, whoever joined last. Pure.
 */
export function listWith(
  entries: readonly ListEntry[],
  own: ListEntry,
  wanted: readonly Architecture[],
): { readonly schemaVersion: 2; readonly mediaType: string; readonly manifests: readonly ListEntry[] } {
  const others = wanted.flatMap((architecture) => {
    const entry = architecture === own.platform.architecture ? undefined : entryFor(entries, architecture);
    return entry === undefined ? [] : [entry];
  });
  const manifests = [...others, own].toSorted((a, b) => (a.platform.architecture < b.platform.architecture ? -1 : 1));
  return { schemaVersion: 2, mediaType: OCI_INDEX, manifests };
}

export function listBytes(list: ReturnType<typeof listWith>): Buffer {
  return Buffer.from(canonicalJson(list));
}

/** What an image's configuration says that it is for; undefined for what says nothing. */
export function architectureIn(config: Uint8Array | undefined): string | undefined {
  return config && parsedJson<{ architecture?: string } | null>(config)?.architecture;
}
