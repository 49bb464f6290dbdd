import type { Destination } from '../config/destinations.ts';

/** A destination on one line, with its tags: `registry.example/hpc/base:12,latest`. May hold credentials of a URL. */
export function destinationText(destination: Destination): string {
  const tags = destination.tags.join(',');
  switch (destination.kind) {
    case 'local':
      return `local ${destination.name}:${tags}`;
    case 'registry':
      return `${destination.repository}:${tags}`;
    case 'oci':
      return `oci:${destination.directory}:${tags}`;
    case 's3':
      return `${destination.endpoint}/${destination.bucket}/${destination.prefix}…-${destination.name}-${tags}`;
    case 'file':
      return `file:${destination.directory}/${destination.prefix}…-${destination.name}-${tags}`;
  }
}
