import type { z } from 'zod';
import type { Diagnostic } from './diagnostic.ts';
import { find, type Located, type Path, type Scalar } from './located.ts';
import { problemAt } from './report.ts';

/** A value of the right type, and what to say about it. */
interface Mended {
  readonly value: Located;
  readonly wanted: string;
  readonly taken: string;
  readonly hint?: string;
}

/** What image-build made of a value of that type. Undefined: it is not mended, and stays an error. */
export function mendValue(place: Located, path: Path, issue: z.core.$ZodIssue): Mended | undefined {
  const expected = expectedBy(issue);
  if (expected.has('boolean') && place.kind === 'scalar') {
    const truth = booleanOf(place.value);
    const taken = `\`${truth}\``;
    return { value: scalar(place, truth), wanted: '`true` or `false`', taken, hint: `write ${truth} without quotes` };
  }
  if (expected.has('string') && isExactNumber(place) && path[1] !== 'publish_tags') {
    return { value: { ...scalar(place, place.text), plain: false }, wanted: 'text', taken: `the text '${place.text}'` };
  }
  if (expected.has('array') && (place.kind === 'map' || (place.kind === 'scalar' && typeof place.value === 'string'))) {
    const { key: _name, ...item } = place;
    const value: Located = { ...bare(place), kind: 'list', items: [item as Located] };
    return { value, wanted: 'a list', taken: 'a list of one' };
  }
  if ((expected.has('object') || expected.has('record')) && place.kind === 'list') {
    if (!place.items.every((item) => item.kind === 'map')) return undefined;
    const entries = new Map(place.items.flatMap((item) => (item.kind === 'map' ? [...item.entries] : [])));
    return { value: { ...bare(place), kind: 'map', entries }, wanted: 'a map', taken: 'one map of all its items' };
  }
  return clamped(place, issue);
}

/** Whether a word means yes. image-build takes any text for yes, `False` too; that one is what it says here. */
export function booleanOf(value: Scalar): boolean {
  if (typeof value !== 'string') return value !== 0 && value !== false && value !== null;
  return !/^(|false|no|off|n|0|none)$/i.test(value.trim().replace(/^["']+|["']+$/g, ''));
}

/** `ansible_verbosity: 6` is as much as there is. */
function clamped(place: Located, issue: z.core.$ZodIssue): Mended | undefined {
  const limit = deepest(issue).find((one) => one.code === 'too_big' && one.origin === 'number');
  if (limit?.code !== 'too_big') return undefined;
  const most = Number(limit.maximum);
  return { value: scalar(place, most), wanted: `at most ${most}`, taken: String(most) };
}

function deepest(issue: z.core.$ZodIssue): readonly z.core.$ZodIssue[] {
  return issue.code === 'invalid_union' ? issue.errors.flat() : [issue];
}

function expectedBy(issue: z.core.$ZodIssue): ReadonlySet<string> {
  return new Set(deepest(issue).flatMap((one) => (one.code === 'invalid_type' ? [String(one.expected)] : [])));
}

/** A number that reads as it is written: `9.5`, not `8.10` or `0644`. */
function isExactNumber(place: Located): place is Located & { readonly kind: 'scalar' } {
  return place.kind === 'scalar' && typeof place.value === 'number' && String(place.value) === place.text;
}

/** Items of lists with nothing after the dash; those under `vars` and `labels` are the user's own. */
export function dropNulls(located: Located, warnings: Diagnostic[], path: Path = []): Located {
  if (located.kind === 'scalar' || (path[0] === 'options' && /^(vars|labels)$/.test(String(path[1])))) return located;
  if (located.kind === 'map') {
    const entries = [...located.entries].map(([key, value]) => {
      return [key, dropNulls(value, warnings, [...path, key])] as const;
    });
    return { ...located, entries: new Map(entries) };
  }
  const items = located.items.filter((item) => {
    if (item.kind !== 'scalar' || item.value !== null) return true;
    const message = 'An item of the list is empty; it is left out';
    warnings.push(problemAt(item, { severity: 'warning', code: 'empty-item', message }));
    return false;
  });
  return { ...located, items: items.map((item, index) => dropNulls(item, warnings, [...path, index])) };
}

/** Aliases that image-build never used or did not check, and destinations that it took from the image's working folder. */
export function mendEntries(root: Located, warnings: Diagnostic[]): Located {
  if (root.kind !== 'map') return root;
  const entries = new Map(root.entries);
  for (const list of ['repos', 'exclusive_repos']) {
    const seen = new Set<string>();
    change(entries, list, (repo, index) => withKey(repo, 'alias', safeAlias(repo, index, seen), warnings));
  }
  change(entries, 'copyfiles', (file) => {
    const dest = find(file, ['dest']);
    if (dest?.kind !== 'scalar' || typeof dest.value !== 'string' || dest.value.startsWith('/')) return file;
    return withKey(file, 'dest', `/${dest.value.trim().replace(/^(?:\.\/)+/, '')}`, warnings);
  });
  return { ...root, entries };
}

function change(
  entries: Map<string, Located>,
  key: string,
  mend: (item: Located & { readonly kind: 'map' }, index: number) => Located,
): void {
  const list = entries.get(key);
  if (list?.kind === 'map') entries.set(key, mend(list, 0));
  if (list?.kind !== 'list') return;
  entries.set(key, { ...list, items: list.items.map((item, at) => (item.kind === 'map' ? mend(item, at) : item)) });
}

function safeAlias(repo: Located, index: number, seen: Set<string>): string {
  const given = find(repo, ['alias']);
  const text = given?.kind === 'scalar' && given.value !== null ? given.text : `repo-${index + 1}`;
  const word = text.replaceAll(/[^A-Za-z0-9_.:+-]+/g, '-').replace(/^[-.:+]+|-+$/g, '');
  const safe = word === '' ? `repo-${index + 1}` : word;
  let alias = safe;
  for (let count = 2; seen.has(alias.toLowerCase()); count += 1) alias = `${safe}-${count}`;
  seen.add(alias.toLowerCase());
  return alias;
}

function withKey(map: Located & { readonly kind: 'map' }, key: string, text: string, warnings: Diagnostic[]): Located {
  const given = map.entries.get(key);
  if (given?.kind === 'scalar' && given.text === text) return map;
  const message = `\`${key}\` ${given?.kind === 'scalar' ? `\`${given.text}\`` : 'is missing; it'} is taken as \`${text}\``;
  warnings.push(problemAt(given ?? map, { severity: 'warning', code: 'odd-value', message }));
  const value: Located = { ...scalar(given ?? map, text), plain: false };
  return { ...map, entries: new Map(map.entries).set(key, value) };
}

function scalar(place: Located, value: Scalar): Located & { readonly kind: 'scalar' } {
  return { ...bare(place), kind: 'scalar', plain: true, text: String(value), value };
}

function bare({ source, span, key }: Located): Pick<Located, 'source' | 'span' | 'key'> {
  return { source, span, ...(key === undefined ? {} : { key }) };
}
