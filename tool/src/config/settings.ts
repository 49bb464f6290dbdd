import { z } from 'zod';
import { checkRegistryNames, plainRegistryName, withGroupsHint } from './check-registry-names.ts';
import type { Diagnostic } from './diagnostic.ts';
import { DEFAULT_SETTINGS } from './gather-layers.ts';
import { hasStraySpace } from './image-name.ts';
import type { TreeSettings } from './layer.ts';
import { find, isEmpty, type Located, toValue } from './located.ts';
import { readYaml } from './read-yaml.ts';
import { problemAt } from './report.ts';
import { optionsSchema } from './schema.ts';
import { explainIssues } from './schema-issues.ts';
import { FOLDER_KEYS, SETTINGS_KEYS, SETTINGS_LEVELS, spellSettingsKey } from './settings-keys.ts';
import { rangeOf } from './source.ts';

const folder = (name: keyof TreeSettings['folders']) =>
  z.string().min(1).default(DEFAULT_SETTINGS.folders[name]).meta({ description: FOLDER_KEYS[name].description });

export const settingsSchema = z.strictObject({
  folders: z
    .strictObject({
      layers: folder('layers'),
      inventory: folder('inventory'),
      playbooks: folder('playbooks'),
      state: folder('state'),
    })
    .default(DEFAULT_SETTINGS.folders)
    .meta({ description: SETTINGS_KEYS.folders.description }),
  defaults: optionsSchema.partial().optional().meta({ description: SETTINGS_KEYS.defaults.description }),
  cache: z.string().default('').meta({ description: SETTINGS_KEYS.cache.description }),
  registry_names: z
    .array(z.array(z.string()).min(2))
    .default([])
    .meta({ description: SETTINGS_KEYS.registry_names.description }),
  emulate: z.boolean().default(false).meta({ description: SETTINGS_KEYS.emulate.description }),
  jobs: z.number().int().min(1).max(1024).optional().meta({ description: SETTINGS_KEYS.jobs.description }),
});

export interface ParsedSettings {
  /** Undefined when there is an error. */
  readonly settings?: TreeSettings;
  /** To be merged under the options of every layer file. */
  readonly defaults?: Located;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads layers.yaml; an empty one is valid. Nothing is thrown.
 * @param text the file's content
 * @param options.file path for diagnostics
 */
export function parseSettings(text: string, options: { readonly file: string }): ParsedSettings {
  const source = { name: options.file, text };
  const { content, diagnostics } = readYaml(source, spellSettingsKey);
  if (content === undefined || isEmpty(content)) {
    return diagnostics.length > 0 ? { diagnostics } : { settings: DEFAULT_SETTINGS, diagnostics };
  }
  if (content.kind !== 'map') {
    const range = rangeOf(source, { start: content.span.start, end: content.span.start });
    const message = 'layers.yaml must be a map of keys';
    return { diagnostics: [{ severity: 'error', code: 'not-a-map', message, file: options.file, range }] };
  }
  const lifted = liftOptions(content);
  const entries = new Map([...lifted.entries].filter(([, value]) => !isEmpty(value)));
  for (const [key, value] of lifted.entries) {
    if (!isEmpty(value)) continue;
    const message = `\`${value.key?.text ?? key}\` is empty and counts as not given`;
    diagnostics.push(problemAt(value, { severity: 'warning', code: 'empty-key', message }, 'key'));
  }
  const root: Located = { ...lifted, entries };
  const keepsText = (path: readonly (string | number)[]) =>
    path[0] === 'defaults' && path[1] === 'labels' && path.length === 3;
  const result = settingsSchema.safeParse(toValue(root, keepsText));
  if (!result.success) {
    const explained = explainIssues(result.error.issues, root, SETTINGS_LEVELS);
    return { diagnostics: [...diagnostics, ...explained.map((one) => withGroupsHint(one, root))] };
  }
  const { folders, cache, registry_names: names, emulate, jobs } = result.data;
  for (const [name, path] of Object.entries(folders)) {
    if (isInside(path)) continue;
    const place = find(root, ['folders', name]) ?? root;
    const message = `The folder \`${path}\` must lie in the tree: a relative path without \`..\``;
    diagnostics.push(problemAt(place, { severity: 'error', code: 'invalid-folder', message }));
  }
  if (!SHARED_PLACE.test(cache) || hasStraySpace(cache)) {
    const message = `\`cache\` is ${JSON.stringify(cache)}: it takes HOST[:PORT]/REPOSITORY without a tag, oci:DIR, or off`;
    diagnostics.push(problemAt(find(root, ['cache']) ?? root, { severity: 'error', code: 'invalid-cache', message }));
  }
  diagnostics.push(...checkRegistryNames(names, root));
  const defaults = root.entries.get('defaults');
  if (diagnostics.some(({ severity }) => severity === 'error')) return { diagnostics };
  const settings: TreeSettings = {
    folders: plainFolders(folders),
    cache,
    registryNames: names.map((group) => group.map(plainRegistryName)),
    ...(emulate && { emulate }),
    ...(jobs === undefined ? {} : { jobs }),
  };
  return { settings, diagnostics, ...(defaults?.kind === 'map' ? { defaults } : {}) };
}

/** `defaults: {options: {…}}`, the shape of a layer file, is taken too. */
function liftOptions(root: Located & { kind: 'map' }): Located & { kind: 'map' } {
  const defaults = root.entries.get('defaults');
  const options = defaults?.kind === 'map' ? defaults.entries.get('options') : undefined;
  if (defaults?.kind !== 'map' || options?.kind !== 'map') return root;
  const rest = [...defaults.entries].filter(([key]) => key !== 'options');
  const entries = new Map([...rest, ...options.entries]);
  return { ...root, entries: new Map(root.entries).set('defaults', { ...defaults, entries }) };
}

/** A tag is what tells builds apart there, so none may be given. */
const SHARED_PLACE = /^(|off|oci:[^:]+|(docker:\/\/)?[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)+\/*)$/;

function isInside(path: string): boolean {
  return !path.startsWith('/') && !path.split('/').includes('..') && !/\p{Cc}/u.test(path);
}

function plainFolders(folders: TreeSettings['folders']): TreeSettings['folders'] {
  const plain = (path: string) =>
    path
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/') || '.';
  return {
    layers: plain(folders.layers),
    inventory: plain(folders.inventory),
    playbooks: plain(folders.playbooks),
    state: plain(folders.state),
  };
}
