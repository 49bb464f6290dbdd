import type { KeyFacts } from './key-facts.ts';
import { COMMAND_KEYS, COPYFILE_KEYS, OPENSCAP_KEYS, REPO_KEYS, TOP_KEYS } from './keys.ts';
import { OPTION_KEYS } from './option-keys.ts';
import type { LayerFile } from './schema.ts';
import { maskSecrets } from './secrets.ts';

type Facts = Readonly<Record<string, KeyFacts>>;

const ENTRIES: Readonly<Record<string, Facts>> = {
  repos: REPO_KEYS,
  exclusive_repos: REPO_KEYS,
  copyfiles: COPYFILE_KEYS,
  cmds: COMMAND_KEYS,
  openscap: OPENSCAP_KEYS,
};
/** Secret keys whose values are shown apart from the credentials in them: they are mostly plain, and needed for understanding. */
const MASKED_INSIDE = new Set([
  'url',
  'gpg',
  'oval_url',
  'proxy',
  'registry_opts_push',
  'registry_opts_pull',
  'publish_s3',
  'publish_registry',
  'mounts',
]);

/**
 * A layer file's content for showing: the values of `vars`, commands and whole repository files as `***`, and credentials in
 * URLs and registry options. Keys in the order of the reference; what is empty at the top level, and what has no
 * effect in this type of layer, is left out.
 */
export function withoutSecrets(file: LayerFile): Record<string, unknown> {
  const { layer_type } = file.options;
  const counting = Object.entries(OPTION_KEYS as Facts).filter(
    ([, { only }]) => only === undefined || only === layer_type,
  );
  const shown: Record<string, unknown> = { options: masked(Object.fromEntries(counting), file.options) };
  for (const key of Object.keys(TOP_KEYS)) {
    const value = file[key as keyof LayerFile];
    const entries = ENTRIES[key];
    if (key === 'options' || isEmpty(value)) continue;
    shown[key] =
      entries === undefined ? value : (value as Record<string, unknown>[]).map((one) => masked(entries, one));
  }
  return shown;
}

function masked(facts: Facts, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const [key, fact] of Object.entries(facts)) {
    const value = values[key];
    if (value === undefined) continue;
    shown[key] = fact.secret === true && !MASKED_INSIDE.has(key) ? hidden(value) : maskedInside(value);
  }
  return shown;
}

/** Names stay, values go. */
function hidden(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hidden);
  if (typeof value !== 'object' || value === null) return value === '' ? '' : '***';
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, hidden(inner)]));
}

function maskedInside(value: unknown): unknown {
  if (typeof value === 'string') return maskSecrets(value);
  if (!Array.isArray(value)) return value;
  // `--creds` and its value may be two words.
  return value.map((one, index) =>
    /^--(?:creds|password|token)$/.test(String(value[index - 1])) ? '***' : maskedInside(one),
  );
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : typeof value === 'object' && Object.keys(value ?? {}).length === 0;
}
