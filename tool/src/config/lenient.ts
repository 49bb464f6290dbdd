import type { z } from 'zod';
import type { Diagnostic } from './diagnostic.ts';
import { keepsText, withoutEmpty } from './empty-keys.ts';
import { found, nameOf } from './issue-words.ts';
import { dropNulls, mendEntries, mendValue } from './lenient-values.ts';
import { LAYER_LEVELS } from './levels.ts';
import { find, type Located, overlay, type Path, toValue } from './located.ts';
import { problemAt } from './report.ts';
import { layerFileSchema } from './schema.ts';
import { explainIssues } from './schema-issues.ts';
import type { SourceFile } from './source.ts';

type Issue = z.core.$ZodIssue;
type LocatedMap = Located & { readonly kind: 'map' };

/** Each round takes one layer of mistakes off; a file that is still wrong after so many is told as it is. */
const ROUNDS = 8;

/** What lenient reading goes by: the flags of a command line, which beat the file. */
export interface Leniency {
  /** Entries of `options`. */
  readonly flags?: LocatedMap;
}

/**
 * A layer file as image-build takes it: what it never looked at is left out, what it took in another type is turned into the right
 * one, each with a warning. What is left wrong is for the schema to refuse. Pure.
 * @param own the file; undefined where there is nothing in it
 */
export function mendLayer(
  own: Located | undefined,
  source: SourceFile,
  { flags }: Leniency,
): { readonly content: Located; readonly warnings: Diagnostic[] } {
  const warnings: Diagnostic[] = [];
  let root = withOptions(own, source, flags, warnings);
  if (root.kind !== 'map') return { content: root, warnings };
  root = mendEntries(dropNulls(root, warnings), warnings);
  for (let round = 0; round < ROUNDS; round += 1) {
    const result = layerFileSchema.safeParse(toValue(withoutEmpty(root), keepsText));
    if (result.success) break;
    const before = root;
    for (const issue of result.error.issues) root = mendIssue(root, issue, [], warnings);
    if (root === before) break;
  }
  return { content: root, warnings };
}

/** The file with flags over its options; a file without any is one of flags only. */
function withOptions(
  own: Located | undefined,
  source: SourceFile,
  flags: LocatedMap | undefined,
  warnings: Diagnostic[],
): Located {
  const start: Located = { source, span: { start: 0, end: 0 }, kind: 'map', entries: new Map() };
  const isNothing = own === undefined || (own.kind === 'scalar' && own.value === null);
  const root = isNothing ? start : own;
  if (root.kind !== 'map') return root;
  const given = root.entries.get('options');
  const isMissing = given === undefined || (given.kind === 'scalar' && given.value === null);
  if (isMissing) {
    const message = isNothing ? 'The file is empty' : 'The `options` of the layer are missing';
    warnings.push(
      problemAt(root, { severity: 'warning', code: isNothing ? 'empty-file' : 'missing-options', message }),
    );
  }
  const options = isMissing ? start : given;
  // Where the file has its options is where problems of all of them are shown.
  const { source: file, span, key } = options;
  const merged = flags === undefined ? options : overlay(options, flags, (name) => name === 'vars');
  const there = { ...merged, source: file, span, ...(key && { key }) };
  return { ...root, entries: new Map(root.entries).set('options', there) };
}

function mendIssue(root: Located, issue: Issue, outer: Path, warnings: Diagnostic[]): Located {
  const path = [...outer, ...(issue.path as Path)];
  if (issue.code === 'unrecognized_keys') {
    const told = explainIssues([{ ...issue, path: [...path] } as Issue], root, LAYER_LEVELS);
    for (const one of told) warnings.push({ ...one, severity: 'warning', message: `${one.message}; it is left out` });
    return issue.keys.reduce((here, key) => replaced(here, [...path, key], undefined), root);
  }
  if (issue.code === 'invalid_union') {
    const isShallow = (inner: Issue) => inner.path.length === 0;
    const furthest = issue.errors.find((one) => one.length > 0 && !one.some(isShallow));
    if (furthest !== undefined) return furthest.reduce((here, inner) => mendIssue(here, inner, path, warnings), root);
  }
  const place = find(root, path);
  if (place === undefined) return root;
  const mended = mendValue(place, path, issue);
  if (mended === undefined) return root;
  const message = `${nameOf(path)} should be ${mended.wanted}, not ${found(place)}; it is taken as ${mended.taken}`;
  const { hint } = mended;
  warnings.push(problemAt(place, { severity: 'warning', code: 'odd-value', message, ...(hint && { hint }) }));
  return replaced(root, path, mended.value);
}

/** The tree with another value at the end of the path; undefined takes the key away. */
function replaced(root: Located, path: Path, value: Located | undefined): Located {
  const [step, ...rest] = path;
  if (step === undefined) return value ?? root;
  const inner = find(root, [step]);
  if (inner === undefined) return root;
  const next = rest.length === 0 ? value : replaced(inner, rest, value);
  if (root.kind === 'list' && next !== undefined) return { ...root, items: root.items.with(Number(step), next) };
  if (root.kind !== 'map') return root;
  const entries = new Map(root.entries);
  if (next === undefined) entries.delete(String(step));
  else entries.set(String(step), next);
  return { ...root, entries };
}
