import type { Destination } from '../config/destinations.ts';
import type { Layer } from '../config/layer.ts';
import { labelsOf } from '../recipe/labels.ts';
import { publishDifference, publishKeyOf, publishRecipeOf } from '../recipe/publish-key.ts';
import type { LayerRecord } from '../recipe/record.ts';
import type { Facts } from './facts.ts';
import type { Reason } from './reason.ts';

interface StalePublication {
  readonly destination: Destination;
  readonly reasons: readonly Reason[];
}

/** Destinations that do not hold the record's content with today's settings, and why. Also used after a build. */
export function stalePublications(
  layer: Layer,
  record: Pick<LayerRecord, 'content' | 'publications'>,
  destinations: readonly Destination[],
  facts: Pick<Facts, 'missingPublications'>,
): StalePublication[] {
  const labels = labelsOf(layer);
  const missing = facts.missingPublications.get(layer.id);
  return destinations.flatMap((destination) => {
    const now = publishRecipeOf(record.content, destination, labels);
    const before = record.publications[destination.key];
    if (before?.publishKey !== publishKeyOf(now)) {
      return [{ destination, reasons: publishDifference(before?.recipe, now) }];
    }
    if (missing?.has(destination.key)) {
      const text = `${destination.key} does not hold it any more`;
      return [{ destination, reasons: [{ code: 'publication-missing', text }] }];
    }
    return [];
  });
}

/** A new tag goes to several destinations; it is one reason. */
export function reasonsOf(stale: readonly StalePublication[]): Reason[] {
  const all = stale.flatMap((one) => one.reasons);
  return [...new Map(all.map((reason) => [reason.text, reason])).values()];
}
