import type { Destination } from '../config/destinations.ts';
import type { LayerId } from '../config/layer.ts';
import { plainText } from './plain-text.ts';

const LISTED = 20;

/** What of a decision tells where it publishes to. */
interface Publishing {
  readonly id: LayerId;
  readonly publish: readonly Destination[];
}

/** Where a plan publishes to, one line a destination; none where it publishes nothing, as with `--no-publish`. */
export function publicationLines(decisions: Iterable<Publishing>): string[] {
  const places = [...decisions].flatMap(({ publish }) => publish.map(placeOf));
  if (places.length === 0) return [];
  const more = places.length > LISTED ? [`  and ${(places.length - LISTED).toLocaleString('en-US')} more`] : [];
  const listed = places.slice(0, LISTED).map((place) => `  ${plainText(place)}`);
  return ['publishes, where it is not there yet:', ...listed, ...more];
}

function placeOf(destination: Destination): string {
  const tags = destination.tags.join(', ');
  switch (destination.kind) {
    case 'local':
      return `local storage ${destination.name}: ${tags}`;
    case 'registry':
      return `${destination.repository}: ${tags}`;
    case 'oci':
      return `oci:${destination.directory}: ${tags}`;
    case 's3':
      return `${destination.endpoint}/${destination.bucket}/${destination.prefix}${destination.name}: ${tags}`;
    case 'file':
      return `file:${destination.directory}/${destination.prefix}${destination.name}: ${tags}`;
  }
}
