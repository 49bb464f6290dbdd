import type { KeyFacts } from './key-facts.ts';
import { LAYER_LEVELS, type Level } from './levels.ts';
import type { Path } from './located.ts';
import { OPTION_KEYS } from './option-keys.ts';

/** The keys of layers.yaml. */
export const SETTINGS_KEYS = {
  folders: { counts: 'neither', description: 'Where things are, relative to the folder of layers.yaml' },
  defaults: {
    counts: 'neither',
    description:
      'Options merged under the `options` of every layer file: the file wins, `labels` and `vars` are merged key by key',
  },
  cache: {
    counts: 'neither',
    description:
      "Where machines share builds: `HOST[:PORT]/REPOSITORY`, `oci:DIR`, or `off`; default each layer's own `publish_registry/name`",
  },
  registry_names: {
    counts: 'neither',
    description:
      'Names that are one registry, in groups: a `parent` under one name is the layer that publishes under another',
  },
  emulate: {
    counts: 'neither',
    description:
      'Build architectures of other machines here as well, where qemu is registered in binfmt_misc (as `--emulate`)',
  },
  jobs: { counts: 'neither', description: 'Layers built at once; default the number of cores, at least 2' },
} as const satisfies Record<string, KeyFacts>;

/** The keys of `folders`. */
export const FOLDER_KEYS = {
  layers: { counts: 'neither', description: 'Layer files, in any subfolders' },
  inventory: { counts: 'neither', description: "Ansible's inventory" },
  playbooks: { counts: 'neither', description: "Ansible's playbooks, with `roles/` beside them" },
  state: { counts: 'neither', description: 'Records, logs and caches of this checkout; not for version control' },
} as const satisfies Record<string, KeyFacts>;

/** The levels of layers.yaml; those of a layer file follow, so that a key put into the wrong file is recognised. */
export const SETTINGS_LEVELS: readonly Level[] = [
  { where: 'at the top level', keys: SETTINGS_KEYS, holds: (path) => path.length === 0 },
  { where: 'under `folders`', keys: FOLDER_KEYS, holds: (path) => path.length === 1 && path[0] === 'folders' },
  { where: 'under `defaults`', keys: OPTION_KEYS, holds: (path) => path.length === 1 && path[0] === 'defaults' },
  ...LAYER_LEVELS.filter(({ keys }) => keys !== OPTION_KEYS).map((level) => ({
    ...level,
    where: `in a layer file, ${level.where}`,
    holds: () => false,
  })),
];

/** A key's own spelling in layers.yaml: hyphens for underscores, as in layer files. */
export function spellSettingsKey(path: Path, key: string): string {
  const free = path[0] === 'defaults' && (path.includes('vars') || path.includes('labels'));
  return free ? key : key.replaceAll('-', '_');
}
