import { plainText } from './plain-text.ts';

const NAMED = 8;

/** Which layers every machine builds for itself; nothing where there is none. Pure. */
export function unsharedLines(ids: readonly string[]): string[] {
  if (ids.length === 0) return [];
  const named = ids.slice(0, NAMED).map(plainText);
  const more = ids.length > NAMED ? ` and ${ids.length - NAMED} more` : '';
  return [
    `not shared: ${named.join(', ')}${more} (no registry or layout; \`cache:\` in layers.yaml names one for all)`,
  ];
}
