import type { SourceFile, Span } from './source.ts';

export type Scalar = string | number | boolean | null;
export type Json = Scalar | readonly Json[] | { readonly [key: string]: Json };
export type Path = readonly (string | number)[];

interface Place {
  readonly source: SourceFile;
  readonly span: Span;
  /** The key that names it, where a map holds it: where it is written and how it is spelt there. */
  readonly key?: { readonly span: Span; readonly text: string };
}

/** A value of a YAML file with the place where it is written, so that every later problem can be shown there. */
export type Located = Place &
  (
    | { readonly kind: 'map'; readonly entries: ReadonlyMap<string, Located> }
    | { readonly kind: 'list'; readonly items: readonly Located[] }
    /** `text` is what the file says, before YAML made a number or a boolean of it. */
    | { readonly kind: 'scalar'; readonly value: Scalar; readonly text: string; readonly plain: boolean }
  );

/** The member under a key or index, if there is one. */
function member(parent: Located, step: string | number): Located | undefined {
  if (parent.kind === 'map') return parent.entries.get(String(step));
  if (parent.kind === 'list') return parent.items[Number(step)];
  return undefined;
}

/** What the path leads to, or undefined. */
export function find(root: Located, path: Path): Located | undefined {
  let here: Located | undefined = root;
  for (const step of path) {
    if (here === undefined) return undefined;
    here = member(here, step);
  }
  return here;
}

/** What the path leads to, or as far along it as the file goes: a string may stand for a list. */
export function nearestPlace(root: Located, path: Path): Located {
  let here = root;
  for (const step of path) {
    const next = member(here, step);
    if (next === undefined) return here;
    here = next;
  }
  return here;
}

/** The plain value. Scalars for which `keepsText` holds stay as the file spells them (`8.10`, not 8.1). */
export function toValue(located: Located, keepsText: (path: Path) => boolean, path: Path = []): Json {
  switch (located.kind) {
    case 'scalar':
      return keepsText(path) ? located.text : located.value;
    case 'list':
      return located.items.map((item, index) => toValue(item, keepsText, [...path, index]));
    case 'map':
      return Object.fromEntries(
        [...located.entries].map(([key, value]) => [key, toValue(value, keepsText, [...path, key])]),
      );
  }
}

/**
 * `own` over `base`: maps named by `mergesDeep` are merged key by key, anything else in `own` replaces. Both keep their places.
 * An empty value of `own` (`packages:` with nothing) does not replace.
 */
export function overlay(base: Located, own: Located, mergesDeep: (key: string) => boolean): Located {
  if (base.kind !== 'map' || own.kind !== 'map') return own;
  const entries = new Map(base.entries);
  for (const [key, value] of own.entries) {
    const below = entries.get(key);
    if (below !== undefined && isEmpty(value)) continue;
    entries.set(key, below !== undefined && mergesDeep(key) ? overlay(below, value, () => false) : value);
  }
  return { ...own, entries };
}

export function isEmpty(located: Located): boolean {
  return located.kind === 'scalar' && located.value === null;
}
