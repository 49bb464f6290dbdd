// biome-ignore lint/style/noRestrictedImports: a hash of what is given is as pure as the rest
import { createHash } from 'node:crypto';
import { COMMAND_DEFAULTS, COPYFILE_DEFAULTS, OPTION_DEFAULTS, TOP_DEFAULTS } from './defaults.ts';
import { countsIn, type KeyFacts } from './key-facts.ts';
import { COMMAND_KEYS, COPYFILE_KEYS, OPENSCAP_KEYS, REPO_KEYS, TOP_KEYS } from './keys.ts';
import { OPTION_KEYS } from './option-keys.ts';
import type { LayerFile, LayerOptions } from './schema.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * The part of a layer file that decides what is built, as recipes keep it: only build keys whose value is not the default, so
 * that a key added to the schema later changes no recipe; secret values as hashes, each on its own, so that a difference can
 * name the member that changed. Parent and tools image are left out: recipes hold them by digest. Keys that have no effect in the
 * layer's type are left out. Needs no zod: a null build calls it for every layer.
 */
export function recipeSettings(file: LayerFile): Record<string, Json> {
  const type = file.options.layer_type;
  const settings: Record<string, Json> = {
    ...project({ keys: OPTION_KEYS, defaults: OPTION_DEFAULTS }, file.options, type),
    ...project({ keys: TOP_KEYS, defaults: TOP_DEFAULTS }, file, type),
  };
  for (const key of ['parent', 'tools_image', 'architectures', 'options']) delete settings[key];
  // The host's name in the inventory decides even when it is the default.
  if (type === 'ansible') settings.name = file.options.name;
  return settings;
}

/**
 * Of `recipeSettings` of a base layer, what counts in one of its parts by itself: the parts before it are what it begins on. A key that
 * says nothing of itself counts from the packages on.
 */
export function settingsOfPart(
  settings: Readonly<Record<string, unknown>>,
  part: 'packages' | 'files' | 'commands',
): Record<string, Json> {
  const keys: Readonly<Record<string, KeyFacts>> = { ...OPTION_KEYS, ...TOP_KEYS };
  const own = Object.entries(settings).filter(([name]) => (keys[name]?.from ?? 'packages') === part);
  return Object.fromEntries(own) as Record<string, Json>;
}

interface Table {
  readonly keys: Readonly<Record<string, KeyFacts>>;
  readonly defaults: Readonly<Record<string, unknown>>;
}

const MEMBERS: Readonly<Record<string, Table>> = {
  repos: { keys: REPO_KEYS, defaults: {} },
  exclusive_repos: { keys: REPO_KEYS, defaults: {} },
  copyfiles: { keys: COPYFILE_KEYS, defaults: COPYFILE_DEFAULTS },
  cmds: { keys: COMMAND_KEYS, defaults: COMMAND_DEFAULTS },
  openscap: { keys: OPENSCAP_KEYS, defaults: {} },
};

function project(
  table: Table,
  values: Readonly<Record<string, unknown>>,
  type: LayerOptions['layer_type'],
): Record<string, Json> {
  const kept: Record<string, Json> = {};
  for (const [name, facts] of Object.entries(table.keys)) {
    const value = values[name];
    if (countsIn(facts, type) !== 'build' || value === undefined || isDefault(table, name, value)) continue;
    const members = MEMBERS[name];
    if (members !== undefined)
      kept[name] = (value as Record<string, unknown>[]).map((one) => project(members, one, type));
    else kept[name] = facts.secret === true ? hashed(value) : (value as Json);
  }
  return kept;
}

function isDefault(table: Table, name: string, value: unknown): boolean {
  return JSON.stringify(table.defaults[name]) === JSON.stringify(value);
}

/** Maps and lists keep their shape, so that `vars.password changed` can be said. */
function hashed(value: unknown): Json {
  if (Array.isArray(value)) return value.map(hashed);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, hashed(member)]));
  }
  return `sha256:${createHash('sha256').update(JSON.stringify(value)).digest('hex')}`;
}
