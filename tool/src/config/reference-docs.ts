import { OPTION_DEFAULTS } from './defaults.ts';
import { layerFileJsonSchema, settingsJsonSchema } from './json-schema.ts';
import type { KeyFacts } from './key-facts.ts';
import {
  COMMAND_KEYS,
  COPYFILE_KEYS,
  IMAGE_CONFIG_KEYS,
  MODULE_KEYS,
  OPENSCAP_KEYS,
  REPO_KEYS,
  TOP_KEYS,
} from './keys.ts';
import { OPTION_KEYS } from './option-keys.ts';
import { FOLDER_KEYS, SETTINGS_KEYS } from './settings-keys.ts';

type Schema = { readonly [key: string]: unknown };
type Facts = Readonly<Record<string, KeyFacts>>;

const GENERATED = '<!-- Made from the schema by `layers schema --docs`; a test fails when it is out of date. -->';

/** docs/layer-file.md: every key of a layer file, from the schema and its columns. */
export function layerFileDocs(): string {
  const schema = layerFileJsonSchema();
  const top = propertiesOf(schema);
  const entry = (key: string) => propertiesOf(firstMap(top[key]));
  return page(
    `# Layer file

${GENERATED}

A YAML file below \`layers/\`. Its path there without extension is the layer's id, \`options.name\` its name. The format is
image-build's. Keys may be written with hyphens too (\`publish-s3\`). An unquoted word means what it means to image-build
and Ansible (YAML 1.1): \`yes\` is a boolean, \`0644\` is octal, \`8.10\` is the number 8.1. Where text is wanted, put quotes around
what looks like a number.

_counts_ says what a change of the key makes necessary: **build** builds the layer again, **publish** only publishes it again,
**–** does nothing. Keys marked _base_ or _Ansible_ have an effect in that type of layer only. Values of
keys marked _secret_ are kept as hashes in every record.

Editors check a file that begins with \`# yaml-language-server: $schema=\` and the path of \`docs/layer-file.schema.json\`
(\`layers schema\` prints it).`,
    '## `options`',
    table(OPTION_KEYS, propertiesOf(top.options as Schema)),
    '## Top level',
    table(TOP_KEYS, top),
    '### `repos` and `exclusive_repos`',
    table(REPO_KEYS, entry('repos')),
    '### `copyfiles`',
    table(COPYFILE_KEYS, entry('copyfiles')),
    '### `cmds`',
    'A command may also be a bare string.',
    table(COMMAND_KEYS, entry('cmds')),
    '### `modules`',
    table(MODULE_KEYS, propertiesOf(top.modules as Schema), 'text or list'),
    '### `openscap`',
    table(OPENSCAP_KEYS, entry('openscap')),
    '### `image_config`',
    table(IMAGE_CONFIG_KEYS, propertiesOf(top.image_config as Schema)),
  );
}

/** docs/layers-yaml.md: every key of layers.yaml. */
export function settingsDocs(): string {
  const top = propertiesOf(settingsJsonSchema());
  return page(
    `# layers.yaml

${GENERATED}

Settings of a tree, in a file at its root. Everything is optional, and so is the file.

\`\`\`yaml
folders:
  layers: layers
defaults:
  publish_registry: registry.example/hpc
  publish_tags: ["9.5", latest]
jobs: 4
\`\`\`

\`defaults\` takes every key of a layer file's \`options\` (\`defaults: {options: {…}}\` is taken too). What a layer file says itself
wins: lists are replaced, \`labels\` and \`vars\` are merged key by key. \`layers show X\` prints what a layer ends up with.`,
    '## Top level',
    settingsTable(SETTINGS_KEYS, top),
    '## `folders`',
    settingsTable(FOLDER_KEYS, propertiesOf(top.folders as Schema)),
    REGISTRY_NAMES,
  );
}

const REGISTRY_NAMES = `## \`registry_names\`

A registry that is reached under several names is one registry to \`layers\` when this says so:

\`\`\`yaml
registry_names:
  - [registry.example:5000, localhost:5000, images.example]
  - [registry.example:5000/hpc, quay.example/site]
\`\`\`

Each entry is a group of names, \`HOST[:PORT][/PATH]\` without a tag, and a name is in one group only. With the first line the parent
\`localhost:5000/site/base:9\` is the layer that publishes \`registry.example:5000/site/base:9\`: it is built first, and what it contains
counts for its child. Two layers that publish one reference under two names are an error. Nothing is renamed: images are pulled, pushed
and labelled under the name that the layer file has.

Without it a parent under a name that no layer publishes comes from elsewhere. If a layer has its name and tag in another registry, a
warning says so and has the line to write here. Then, and only then, registries.conf of the machine is asked too: where its \`location\`
or a mirror is what that layer publishes, the parent is that layer, since it is what would be pulled. That holds on this machine alone,
and elsewhere the parent would be an image from outside, with another recipe key: so it is a warning each time, until the line is here
and every machine knows.`;

function page(...parts: string[]): string {
  return `${parts.join('\n\n')}\n`;
}

function table(keys: Facts, properties: Readonly<Record<string, Schema>>, type?: string): string {
  const rows = Object.entries(keys).map(([key, facts]) => {
    const effect = [facts.description, facts.flag === undefined ? '' : `(\`${facts.flag}\`)`].filter(Boolean).join(' ');
    const property = properties[key] ?? {};
    return [`\`${key}\``, type ?? typeOf(property), defaultOf(key, keys, property), countsOf(facts), effect];
  });
  return markdown(['key', 'type', 'default', 'counts', 'effect'], rows);
}

function settingsTable(keys: Facts, properties: Readonly<Record<string, Schema>>): string {
  const rows = Object.entries(keys).map(([key, facts]) => {
    const property = properties[key] ?? {};
    const fallback = typeof property.default === 'object' ? '' : defaultOf(key, keys, property);
    return [`\`${key}\``, typeOf(property), fallback, facts.description];
  });
  return markdown(['key', 'type', 'default', 'effect'], rows);
}

/** Columns as wide as their widest cell, as Biome formats tables. */
function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

function countsOf({ counts, ansibleCounts, only, secret }: KeyFacts): string {
  const word = counts === 'neither' ? '–' : counts;
  const ansible = ansibleCounts === undefined ? '' : `; ${ansibleCounts} for Ansible`;
  const type = only === undefined ? '' : `, _${only === 'base' ? 'base' : 'Ansible'}_`;
  return `${word}${ansible}${type}${secret === true ? ', _secret_' : ''}`;
}

function defaultOf(key: string, keys: Facts, property: Schema): string {
  const value =
    property.default ?? (keys === OPTION_KEYS ? (OPTION_DEFAULTS as Record<string, unknown>)[key] : undefined);
  if (value === undefined || value === '' || (typeof value === 'object' && Object.keys(value ?? {}).length === 0))
    return '';
  return `\`${Array.isArray(value) ? value.join(' ') : String(value)}\``;
}

function typeOf(schema: Schema): string {
  const alternatives = schema.anyOf as Schema[] | undefined;
  if (alternatives !== undefined) return [...new Set(alternatives.map(typeOf))].join(' or ');
  if (schema.enum !== undefined) return (schema.enum as string[]).map((one) => `\`${one}\``).join(', ');
  if (schema.const !== undefined) return `\`${schema.const}\``;
  const words: Record<string, string> = { string: 'text', array: 'list', object: 'map', integer: 'number' };
  if (schema.type === 'array') return listOf(schema);
  return words[String(schema.type)] ?? String(schema.type);
}

function listOf(schema: Schema): string {
  if (firstMap(schema).properties === undefined) return 'list';
  return (schema.items as Schema).anyOf === undefined ? 'list of maps' : 'list of maps or text';
}

function propertiesOf(schema: Schema): Record<string, Schema> {
  return (schema.properties ?? {}) as Record<string, Schema>;
}

/** The map among the items of a list. */
function firstMap(schema: Schema | undefined): Schema {
  const items = (schema?.items ?? {}) as Schema;
  return ((items.anyOf as Schema[] | undefined) ?? [items]).find((one) => one.properties !== undefined) ?? {};
}
