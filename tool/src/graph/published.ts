import { destinationsOf } from '../config/destinations.ts';
import type { Layer } from '../config/layer.ts';
import { formatReference, localRepository, parseReference, type Reference } from './reference.ts';

/** The references that others can name a layer's image by, in the order local, registry; S3 objects are no parents. */
export function publishedReferences(layer: Layer): Reference[] {
  return destinationsOf(layer).flatMap((destination): Reference[] => {
    switch (destination.kind) {
      case 'local':
        return destination.tags.map((tag) => ({ transport: '', repository: localRepository(destination.name), tag }));
      case 'registry':
        return destination.tags.map((tag) => ({ transport: '', repository: clean(destination.repository), tag }));
      case 'oci':
        return destination.tags.map((tag) => ({ transport: 'oci:', repository: destination.directory, tag }));
      default:
        return [];
    }
  });
}

/** The reference to speak of a layer by: the first it publishes, else its id. */
export function mainReference(layer: Layer): string {
  const [first] = publishedReferences(layer);
  return first === undefined ? layer.id : formatReference(first);
}

function clean(repository: string): string {
  return parseReference(`${repository}:latest`)?.repository ?? repository;
}
