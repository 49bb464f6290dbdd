import type { Destination } from '../config/destinations.ts';
import type { Layer } from '../config/layer.ts';
import type { Asking, Publication } from './publisher.ts';
import { publisherOf } from './publishers.ts';

/**
 * Whether the destination still holds what was published there, by a look at this disk or a request an object. Throws where it
 * cannot be asked.
 */
export async function verify(
  publication: Pick<Publication, 'references'>,
  destination: Destination,
  layer: Layer,
  asking: Asking,
): Promise<boolean> {
  const publisher = await publisherOf(destination.kind);
  return publisher.verify(publication, destination as never, layer, asking);
}
