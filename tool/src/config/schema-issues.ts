import type { z } from 'zod';
import type { Diagnostic } from './diagnostic.ts';
import { choice, expectation, found, limits, nameOf } from './issue-words.ts';
import type { Level } from './levels.ts';
import { find, type Located, nearestPlace, type Path } from './located.ts';
import { nearest } from './nearest.ts';
import { problemAt } from './report.ts';

type Issue = z.core.$ZodIssue;

/**
 * What the schema found wrong, as diagnostics at the places of the file.
 * @param levels where which keys are known, for `unknown-key` and `misplaced-key`
 */
export function explainIssues(issues: readonly Issue[], root: Located, levels: readonly Level[]): Diagnostic[] {
  return issues.flatMap((issue) => explain(issue, [], root, levels));
}

function explain(issue: Issue, outer: Path, root: Located, levels: readonly Level[]): Diagnostic[] {
  const path = [...outer, ...(issue.path as Path)];
  const place = nearestPlace(root, path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(path, key, find(root, [...path, key]) ?? place, levels));
    case 'invalid_union':
      return explainUnion(issue, path, root, levels);
    case 'invalid_type':
      return [find(root, path) === undefined ? missing(path, place) : wrongType(path, place, [expectation(issue)])];
    case 'invalid_value':
      if (find(root, path) === undefined) return [missing(path, place)];
      return [wrongValue(path, place, issue.values.map(String))];
    default:
      return [
        problemAt(place, { severity: 'error', code: 'invalid-value', message: `${nameOf(path)}: ${limits(issue)}` }),
      ];
  }
}

/** Of the alternatives the one that got furthest: an item of a list that is wrong, not "neither a text nor a list". */
function explainUnion(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: Path,
  root: Located,
  levels: readonly Level[],
): Diagnostic[] {
  const tooShallow = (inner: Issue) =>
    inner.path.length === 0 && (inner.code === 'invalid_type' || inner.code === 'invalid_value');
  const furthest = issue.errors.find((alternative) => alternative.length > 0 && !alternative.some(tooShallow));
  if (furthest !== undefined) return furthest.flatMap((inner) => explain(inner, path, root, levels));
  const expected = issue.errors.flat().map((inner) => expectation(inner));
  return [wrongType(path, nearestPlace(root, path), [...new Set(expected)])];
}

function unknownKey(path: Path, key: string, place: Located, levels: readonly Level[]): Diagnostic {
  const written = place.key?.text ?? key;
  const here = levels.find((level) => level.holds(path));
  const where = here?.where ?? `under ${nameOf(path)}`;
  const home = levels.find((level) => level !== here && Object.hasOwn(level.keys, key));
  if (home !== undefined) {
    const message = `\`${written}\` has no meaning ${where}: it belongs ${home.where}`;
    return problemAt(
      place,
      {
        severity: 'error',
        code: 'misplaced-key',
        message,
        hint: `move it ${home.where.replace(/^in /, 'into ').replace(/^at /, 'to ')}`,
      },
      'key',
    );
  }
  const message = `Unknown key \`${written}\` ${where}`;
  const near = here === undefined ? undefined : nearest(key, Object.keys(here.keys));
  const elsewhere = near === undefined ? nearElsewhere(key, levels) : `did you mean \`${near}\`?`;
  return problemAt(
    place,
    { severity: 'error', code: 'unknown-key', message, ...(elsewhere && { hint: elsewhere }) },
    'key',
  );
}

function nearElsewhere(key: string, levels: readonly Level[]): string | undefined {
  for (const level of levels) {
    const near = nearest(key, Object.keys(level.keys));
    if (near !== undefined) return `did you mean \`${near}\`, which belongs ${level.where}?`;
  }
  return undefined;
}

function missing(path: Path, parent: Located): Diagnostic {
  const message =
    path.length === 1 ? `\`${path[0]}\` is missing` : `${nameOf(path.slice(0, -1))} lacks \`${path.at(-1)}\``;
  return problemAt(
    parent,
    { severity: 'error', code: 'missing-key', message },
    parent.kind === 'list' ? 'value' : 'key',
  );
}

function wrongType(path: Path, place: Located, expected: readonly string[]): Diagnostic {
  const message = `${nameOf(path)} must be ${expected.join(' or ')}, not ${found(place)}`;
  if (
    place.kind === 'scalar' &&
    place.plain &&
    place.value !== null &&
    typeof place.value !== 'string' &&
    expected.includes('text')
  ) {
    const shows = String(place.value) === place.text.toLowerCase() ? '' : `, and reads it as ${place.value}`;
    return problemAt(place, {
      severity: 'error',
      code: typeof place.value === 'number' ? 'unquoted-number' : 'unquoted-boolean',
      message: `${nameOf(path)}: YAML takes ${place.text} for a ${typeof place.value}${shows}`,
      hint: `put quotes around it: '${place.text}'`,
    });
  }
  const word = place.kind === 'scalar' && typeof place.value === 'string' ? place.value.toLowerCase() : '';
  const boolean = expected.some((one) => one.includes('`true`')) && /^(true|false|yes|no|on|off)$/.test(word);
  const hint = boolean ? `write ${/^(true|yes|on)$/.test(word)} without quotes` : undefined;
  return problemAt(place, { severity: 'error', code: 'wrong-type', message, ...(hint && { hint }) });
}

function wrongValue(path: Path, place: Located, values: readonly string[]): Diagnostic {
  const given = place.kind === 'scalar' ? place.text : '';
  const near = nearest(given, values);
  const message = `${nameOf(path)} must be ${choice(values)}, not ${found(place)}`;
  return problemAt(place, {
    severity: 'error',
    code: 'invalid-value',
    message,
    ...(near && { hint: `did you mean \`${near}\`?` }),
  });
}
