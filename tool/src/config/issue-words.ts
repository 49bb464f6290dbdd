import type { z } from 'zod';
import type { Located, Path } from './located.ts';

type Issue = z.core.$ZodIssue;

/** What the schema wanted, in words. */
export function expectation(issue: Issue): string {
  if (issue.code === 'invalid_value') return choice(issue.values.map(String));
  if (issue.code !== 'invalid_type') return 'something else';
  const words: Record<string, string> = {
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    boolean: '`true` or `false`',
    array: 'a list',
    object: 'a map',
    record: 'a map',
  };
  return words[issue.expected] ?? issue.expected;
}

/** What a limit of the schema says. */
export function limits(issue: Issue): string {
  if (issue.code === 'too_small' && issue.origin === 'string') return 'must not be empty';
  if (issue.code === 'too_small' && issue.origin === 'array') return `must have at least ${issue.minimum} entries`;
  if (issue.code === 'too_small') return `must be at least ${issue.minimum}`;
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}`;
  if (issue.code === 'invalid_format') return 'must be a whole number';
  return issue.message;
}

/** What the file has instead. */
export function found(place: Located): string {
  if (place.kind === 'list') return 'a list';
  if (place.kind === 'map') return 'a map';
  if (place.value === null) return 'empty';
  return typeof place.value === 'string'
    ? `the text '${shortened(place.text)}'`
    : `the ${typeof place.value} ${place.text}`;
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 40 ? `${line.slice(0, 39)}…` : line;
}

/** `a`, `b` or `c`. */
export function choice(values: readonly string[]): string {
  const quoted = values.map((value) => `\`${value}\``);
  return quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`;
}

/** `options.publish_tags[1]`, as a user would write it. */
export function nameOf(path: Path): string {
  if (path.length === 0) return 'The file';
  const text = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
  return `\`${text.replace(/^\./, '')}\``;
}
