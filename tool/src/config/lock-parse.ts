import type { Diagnostic } from './diagnostic.ts';
import type { Located } from './located.ts';
import { LOCK_FILE, type Lock, type LockEntry, type LockedImage } from './lock.ts';
import { nearest } from './nearest.ts';
import { readYaml } from './read-yaml.ts';
import { problemAt, type Spot } from './report.ts';
import { hasCredentials } from './secrets.ts';

const DIGEST = /^sha256:[0-9a-f]{64}$/;
const AGAIN = "'layers lock' writes the file again";

/**
 * Reads layers.lock, strictly: an entry that is half understood would be a lock that does not hold. Nothing is thrown; `lock` is
 * undefined when there is an error. Pure.
 */
export function parseLock(text: string): { readonly lock?: Lock; readonly diagnostics: readonly Diagnostic[] } {
  const source = { name: LOCK_FILE, text };
  const { content, diagnostics } = readYaml(source, (_, key) => key);
  const problems: Diagnostic[] = [...diagnostics];
  const wrong = (place: Located, message: string, spot: Spot = 'value', hint: string = AGAIN): void => {
    problems.push(problemAt(place, { severity: 'error', code: 'invalid-lock', message, hint }, spot));
  };
  const lock = new Map<string, LockEntry>();
  if (problems.length === 0 && content === undefined) {
    return {
      diagnostics: [
        { severity: 'error', code: 'invalid-lock', message: 'The file is empty', file: LOCK_FILE, hint: AGAIN },
      ],
    };
  }
  if (problems.length > 0 || content === undefined) return { diagnostics: problems };
  const root = fieldsOf(content, 'layers.lock', ['version', 'layers'], wrong);
  if (root !== undefined) {
    checkVersion(content, root, wrong);
    const layers = root.get('layers');
    if (layers === undefined) wrong(content, '`layers` is missing');
    else if (layers.kind !== 'map') wrong(layers, '`layers` must be a map from layer ids to their entries');
    else
      for (const [id, value] of layers.entries) {
        const entry = entryOf(id, value, wrong);
        if (entry !== undefined) lock.set(id, entry);
      }
  }
  return problems.length > 0 ? { diagnostics: problems } : { lock, diagnostics: [] };
}

type Wrong = (place: Located, message: string, spot?: Spot, hint?: string) => void;

function checkVersion(content: Located, root: ReadonlyMap<string, Located>, wrong: Wrong): void {
  const version = root.get('version');
  if (version === undefined) wrong(content, '`version` is missing');
  else if (version.kind !== 'scalar' || version.value !== 1) {
    wrong(
      version,
      '`version` must be 1',
      'value',
      'a newer layers wrote it: use that version, or remove the file and lock again',
    );
  }
}

/** The members of a map that may hold only `names`. */
function fieldsOf(
  place: Located,
  what: string,
  names: readonly string[],
  wrong: Wrong,
): ReadonlyMap<string, Located> | undefined {
  if (place.kind !== 'map') {
    wrong(place, `${what} must be a map`);
    return undefined;
  }
  for (const [name, value] of place.entries) {
    if (names.includes(name)) continue;
    const near = nearest(name, names);
    wrong(value, `Unknown key \`${name}\` in ${what}`, 'key', near === undefined ? AGAIN : `did you mean \`${near}\`?`);
  }
  return place.entries;
}

function entryOf(id: string, place: Located, wrong: Wrong): LockEntry | undefined {
  const fields = fieldsOf(place, `the entry of ${id}`, ['parent', 'tools', 'repositories'], wrong);
  if (fields === undefined) return undefined;
  const repositories = fields.get('repositories');
  if (repositories === undefined) wrong(place, `The entry of ${id} lacks \`repositories\``, 'key');
  const known = repositories === undefined ? {} : repositoriesOf(id, repositories, wrong);
  const parent = imageOf(id, 'parent', fields.get('parent'), wrong);
  const tools = imageOf(id, 'tools', fields.get('tools'), wrong);
  return { ...(parent && { parent }), ...(tools && { tools }), repositories: known };
}

function imageOf(id: string, what: string, place: Located | undefined, wrong: Wrong): LockedImage | undefined {
  const named = place && fieldsOf(place, `the ${what} of ${id}`, ['reference', 'digest'], wrong);
  if (place === undefined || named === undefined) return undefined;
  const text = (name: string) => textOf(`${what} of ${id}`, name, place, named.get(name), wrong);
  const [reference, digest] = [text('reference'), text('digest')];
  if (reference === undefined || digest === undefined) return undefined;
  if (!DIGEST.test(digest))
    wrong(named.get('digest') as Located, `The digest of the ${what} of ${id} must be sha256: and 64 hex digits`);
  return { reference, digest };
}

function repositoriesOf(id: string, place: Located, wrong: Wrong): Record<string, string> {
  if (place.kind !== 'map') {
    wrong(place, `The repositories of ${id} must be a map from URLs to digests`);
    return {};
  }
  const known: [string, string][] = [];
  for (const [url, value] of place.entries) {
    const digest = value.kind === 'scalar' ? value.text : '';
    if (!DIGEST.test(digest)) wrong(value, `The digest of a repository of ${id} must be sha256: and 64 hex digits`);
    if (hasCredentials(url)) wrong(value, `A repository of ${id} is written with credentials`, 'key');
    known.push([url, digest]);
  }
  return Object.fromEntries(known);
}

function textOf(
  what: string,
  name: string,
  image: Located,
  place: Located | undefined,
  wrong: Wrong,
): string | undefined {
  if (place === undefined) wrong(image, `The ${what} lacks \`${name}\``, 'key');
  else if (place.kind === 'scalar' && place.text !== '') return place.text;
  else wrong(place, `\`${name}\` of the ${what} must be text`);
  return undefined;
}
