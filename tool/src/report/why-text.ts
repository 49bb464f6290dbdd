import type { Change } from '../recipe/change.ts';
import { describe, type ImageNames, isInherited } from '../recipe/difference.ts';
import { plainText } from './plain-text.ts';

/** What a comparison of two recipes found. */
export interface Comparison {
  readonly id: string;
  readonly names: ImageNames;
  /** Where the other recipe is from. */
  readonly source: string;
  readonly keys: { readonly before: string; readonly now: string };
  readonly changes: readonly Change[];
}

/** For people: the layer's own changes, then what it inherits. Names, never values. */
export function whyLines({ id, names, source, keys, changes }: Comparison): string[] {
  if (keys.before === keys.now)
    return [`${plainText(id)}: same recipe as ${plainText(source)} (${keys.now.slice(0, 12)})`];
  const words = (some: readonly Change[]) => some.map((change) => `  ${plainText(describe(change, names))}`);
  const inherited = changes.filter(isInherited);
  return [
    `${plainText(id)} against ${plainText(source)}: recipe ${keys.before.slice(0, 12)} → ${keys.now.slice(0, 12)}`,
    ...words(changes.filter((change) => !isInherited(change))),
    ...(inherited.length === 0 ? [] : ['  inherited:', ...words(inherited).map((line) => `  ${line}`)]),
  ];
}

/** The document of `why --against … --json`. */
export function whyJson({ id, names, source, keys, changes }: Comparison): object {
  const reasons = changes.map((change) => {
    return { code: change.code, text: describe(change, names), inherited: isInherited(change) };
  });
  return { version: 1, layer: id, against: source, same: keys.before === keys.now, recipeKeys: keys, reasons };
}
