import type { PublishedReference } from '../config/destinations.ts';

/** Stands for the root of the tree in records, so that they hold in a copy of the tree that lies elsewhere. */
const ROOT = '<root>';

/** References as records keep them. `root`: absolute. */
export function portableReferences(references: readonly PublishedReference[], root: string): PublishedReference[] {
  return references.map((one) => replaced(one, root, ROOT));
}

/** The same, as they are in the tree at `root`. */
export function referencesAt(references: readonly PublishedReference[], root: string): PublishedReference[] {
  return references.map((one) => replaced(one, ROOT, root));
}

function replaced(one: PublishedReference, from: string, to: string): PublishedReference {
  if (one.kind === 'image') return { ...one, reference: moved(one.reference, `oci:${from}/`, `oci:${to}/`) };
  return { ...one, url: moved(one.url, `file://${inUrl(from)}/`, `file://${inUrl(to)}/`) };
}

function moved(text: string, from: string, to: string): string {
  return text.startsWith(from) ? to + text.slice(from.length) : text;
}

/** As `pathToFileURL` writes a path; the placeholder stays as it is. */
function inUrl(path: string): string {
  if (path === ROOT) return path;
  const url = new URL('file:///');
  url.pathname = path.replaceAll('%', '%25');
  return url.pathname;
}
