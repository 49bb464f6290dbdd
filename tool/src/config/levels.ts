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
import type { Path } from './located.ts';
import { OPTION_KEYS } from './option-keys.ts';

/** A place where keys are known: a misspelt or misplaced key is looked for in all of them. */
export interface Level {
  /** As in: `packages` belongs at the top level. */
  readonly where: string;
  readonly keys: Readonly<Record<string, KeyFacts>>;
  readonly holds: (path: Path) => boolean;
}

const entryOf =
  (...lists: string[]) =>
  (path: Path): boolean =>
    path.length === 2 && lists.includes(String(path[0]));

/** The levels of a layer file. */
export const LAYER_LEVELS: readonly Level[] = [
  { where: 'at the top level', keys: TOP_KEYS, holds: (path) => path.length === 0 },
  { where: 'under `options`', keys: OPTION_KEYS, holds: (path) => path.length === 1 && path[0] === 'options' },
  { where: 'in an entry of `repos`', keys: REPO_KEYS, holds: entryOf('repos', 'exclusive_repos') },
  { where: 'in an entry of `copyfiles`', keys: COPYFILE_KEYS, holds: entryOf('copyfiles') },
  { where: 'in an entry of `cmds`', keys: COMMAND_KEYS, holds: entryOf('cmds') },
  { where: 'under `modules`', keys: MODULE_KEYS, holds: (path) => path.length === 1 && path[0] === 'modules' },
  { where: 'in an entry of `openscap`', keys: OPENSCAP_KEYS, holds: entryOf('openscap') },
  {
    where: 'under `image_config`',
    keys: IMAGE_CONFIG_KEYS,
    holds: (path) => path.length === 1 && path[0] === 'image_config',
  },
];

/** A key's own spelling in a layer file: image-build takes hyphens for underscores, and `dst` for `dest`. */
export function spellLayerKey(path: Path, key: string): string {
  if (path[0] === 'options' && path.length > 1) return key;
  if (path[0] === 'image_config' && path.length > 1) return key;
  if (path[0] === 'modules') return key;
  const own = key.replaceAll('-', '_');
  return own === 'dst' && path[0] === 'copyfiles' ? 'dest' : own;
}
