import type { PublishedReference } from '../config/destinations.ts';
import type { LayerSummary } from '../run/events.ts';
import { count, formatBytes } from './format.ts';
import type { Paint } from './palette.ts';
import { plainText } from './plain-text.ts';

/** Images are listed of so many layers; a run of a thousand names the others by number. */
const LISTED_LAYERS = 40;
const DIGEST_CHARACTERS = 'sha256:'.length + 12;

/** Where to get what was published. References and URLs are whole, on lines of their own: they are pasted elsewhere. */
export function referenceLines(layers: readonly LayerSummary[], paint: Paint): string[] {
  const published = layers.filter((layer) => layer.references.length > 0);
  const lines = published
    .slice(0, LISTED_LAYERS)
    .flatMap((layer) => [
      paint('bold', plainText(layer.id)),
      ...layer.references.map((reference) => `  ${referenceLine(reference, paint)}`),
    ]);
  const more = published.length - LISTED_LAYERS;
  return more <= 0 ? lines : [...lines, paint('dim', `and the images of ${count(more, 'layer')} more`)];
}

function referenceLine(reference: PublishedReference, paint: Paint): string {
  if (reference.kind === 'image') {
    const digest = reference.digest.slice(0, DIGEST_CHARACTERS);
    return `${'image'.padEnd(9)}  ${plainText(reference.reference)}  ${paint('dim', plainText(digest))}`;
  }
  return `${reference.kind.padEnd(9)}  ${plainText(reference.url)}  ${paint('dim', formatBytes(reference.size))}`;
}
