import type { Destination, PublishedReference } from '../config/destinations.ts';
import { type BootContents, type BootNames, objectsOf } from './object-keys.ts';

type S3Destination = Extract<Destination, { kind: 's3' }>;

/** Path-style, as a boot configuration takes it. */
export function referencesOf(
  destination: S3Destination,
  names: BootNames,
  contents: BootContents,
): PublishedReference[] {
  return objectsOf(destination, names).map(({ kind, key }) => {
    const { size, sha256 } = contents[kind];
    const url = `${baseOf(destination)}/${key.split('/').map(encodeURIComponent).join('/')}`;
    return { kind, url, size, sha256 };
  });
}

/** The key behind such a URL. */
export function keyOf(url: string, destination: S3Destination): string {
  return url
    .slice(baseOf(destination).length + 1)
    .split('/')
    .map(decodeURIComponent)
    .join('/');
}

function baseOf({ endpoint, bucket }: S3Destination): string {
  return `${endpoint}/${bucket}`;
}
