import type { Destination } from '../config/destinations.ts';
import type { Asking, Publication, WantedPublication } from './publisher.ts';
import { publisherOf } from './publishers.ts';

/**
 * What a destination holds that this machine has no record of: the publication where all of it is what is wanted, else undefined.
 * Throws where it cannot be asked.
 */
export async function observe(
  wanted: WantedPublication,
  destination: Destination,
  asking: Asking,
): Promise<Publication | undefined> {
  const publisher = await publisherOf(destination.kind);
  return publisher.observe(wanted, destination as never, asking);
}
