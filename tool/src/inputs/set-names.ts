import { hash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import path from 'node:path';
import type { Layer } from '../config/layer.ts';
import { type AnsibleConfig, readAnsibleConfig } from './ansible-config.ts';
import { installedAnsible } from './ansible-machine.ts';
import { resolveSource } from './copyfiles.ts';
import { stateOf } from './file-state.ts';
import { inventoryScripts } from './inventory-scripts.ts';
import type { InputPlaces } from './layer-inputs.ts';
import { isOfMachine } from './machine-paths.ts';
import { ownPythonFolder } from './own-python.ts';
import type { TreeView } from './tree-view.ts';

/**
 * Names that mean the same on every machine, and where that is on this one:
 *
 * | name | means |
 * |---|---|
 * | `playbooks/site.yml` | relative to the root |
 * | `role:NAME/…` | in the first folder of roles_path outside the tree that has the role |
 * | `collection:NS.NAME` | a released collection: its manifest. `collection:NS.NAME/…`: a file of one that is developed in place |
 * | `$ANSIBLE_CONFIG`, `$ANSIBLE_HOME/…`, `~/…` | the file or folder that the variable names |
 * | `/etc/…` | a path outside of all that |
 *
 * Paths and names are as `printable` shows them.
 */
export interface SetNames {
  /** Undefined where the path is no input. `path` is absolute, without `..`. */
  nameOf(file: string): string | undefined;
  /** Absolute. */
  pathOf(name: string): string;
}

interface Folders {
  readonly roles: readonly string[];
  /** Folders that hold `ansible_collections`. */
  readonly collections: readonly string[];
  readonly plugins: readonly string[];
  readonly vaults: readonly string[];
}

const ROLE = /^role:([^/]+)(.*)$/s;
const COLLECTION = /^collection:([^./]+)\.([^./]+)(.*)$/s;
const INSTALLED = /^(.*)\/ansible_collections(?:\/([^/]+)(?:\/([^/]+)(\/.*)?)?)?$/s;

export async function setNames(layer: Layer, places: InputPlaces, temporary?: string): Promise<SetNames> {
  const { root, env } = places;
  const home = env.HOME ?? homedir();
  const real = realOrSame(root);
  const folders = await foldersOf(layer, places, home);
  const variables: readonly (readonly [string, string])[] = [
    ...(env.ANSIBLE_CONFIG ? [['$ANSIBLE_CONFIG', path.resolve(root, env.ANSIBLE_CONFIG)] as const] : []),
    ...(env.ANSIBLE_HOME ? [['$ANSIBLE_HOME', path.resolve(root, env.ANSIBLE_HOME)] as const] : []),
    // Where Ansible looks up the user it may find another home than the variable's.
    ...[home, userHome()].filter((one) => one !== '/').map((one) => ['~', one] as const),
  ];
  // Only who names paths asks for these.
  let never: { readonly files: ReadonlySet<string>; readonly folders: readonly string[] } | undefined;
  const neverCounts = () => {
    const scripts = inventoryScripts(layer, root).map(({ path: file }) => file);
    const state = places.own?.().state;
    const own = [temporary, state === root ? undefined : state, ownPythonFolder()].filter((one) => one !== undefined);
    never ??= { files: new Set([...folders.vaults, ...scripts]), folders: own };
    return never;
  };

  function inTree(file: string): string | undefined {
    const top = [root, real].find((one) => isBelow(file, one));
    return top === undefined ? undefined : file.slice(top.length + 1) || '.';
  }

  function nameOf(file: string): string | undefined {
    const out = neverCounts();
    if (out.files.has(file) || /\/(\.git|__pycache__)(\/|$)/.test(file)) return undefined;
    if (out.folders.some((one) => isBelow(file, one))) return undefined;
    const below = inTree(file);
    if (below !== undefined) return below;
    // Above the root: where the checkout is does not count.
    if (isBelow(root, file) || isBelow(real, file)) return undefined;
    const collection = collectionName(file);
    if (collection !== undefined) return collection;
    const roles = folders.roles.find((one) => isBelow(file, one));
    if (roles !== undefined) return file === roles ? undefined : `role:${file.slice(roles.length + 1)}`;
    const [variable, folder = ''] = variables.find(([, one]) => isBelow(file, one)) ?? [];
    const name = variable === undefined ? file : variable + file.slice(folder.length);
    if (folders.plugins.some((one) => isBelow(file, one))) return name;
    return isOfMachine(name) ? undefined : name;
  }

  /** What is above a collection says nothing: the collection itself is looked for by name. */
  function collectionName(file: string): string | undefined {
    const [, top = '', namespace, name, rest = ''] = INSTALLED.exec(file) ?? [];
    if (top === '' || name === undefined || !folders.collections.includes(top)) return undefined;
    const isReleased = stateOf(path.join(top, 'ansible_collections', namespace ?? '', name, 'MANIFEST.json'))[1] !== 0;
    return `collection:${namespace}.${name}${isReleased ? '' : rest}`;
  }

  function pathOf(name: string): string {
    const [, role, inRole = ''] = ROLE.exec(name) ?? [];
    if (role !== undefined) return firstThere(folders.roles.map((one) => path.join(one, role))) + inRole;
    const [, namespace, collection, rest = ''] = COLLECTION.exec(name) ?? [];
    if (namespace !== undefined && collection !== undefined) {
      const tops = folders.collections.map((one) => path.join(one, 'ansible_collections', namespace, collection));
      const found = firstThere(tops);
      // One that is developed in place has no manifest, and its files are named one by one.
      return found + (rest === '' && stateOf(`${found}/MANIFEST.json`)[1] !== 0 ? '/MANIFEST.json' : rest);
    }
    const [variable, folder = ''] = variables.find(([one]) => name === one || name.startsWith(`${one}/`)) ?? [];
    if (variable !== undefined) return folder + name.slice(variable.length);
    return path.isAbsolute(name) ? name : path.join(root, name);
  }

  return { nameOf, pathOf };
}

/** Read from ansible.cfg, which is looked at again only when it changed. */
async function foldersOf(layer: Layer, { root, digester, env }: InputPlaces, home: string): Promise<Folders> {
  const { playbooks, ansible_vault_password_file: vault } = layer.options;
  const beside = [...new Set(playbooks.map((one) => path.dirname(resolveSource(root, layer.file, one))))].sort();
  const told = Object.entries(env).filter(([name]) => name.startsWith('ANSIBLE_') || name === 'PATH');
  const environment = { ...Object.fromEntries(told), HOME: home };
  const key = `names ${hash('sha256', JSON.stringify([root, environment, beside]))}`;
  const scan = async (view: TreeView): Promise<Folders> => {
    const configs = beside.map((one) => readAnsibleConfig(view, root, path.join(one, 'x.yml'), environment));
    const all = (list: (config: AnsibleConfig) => readonly string[]) => [...new Set(configs.flatMap(list))];
    const isOutside = (folder: string) => !isBelow(folder, root);
    const installed = installedAnsible(view, environment);
    return {
      roles: all((config) => config.rolesPath).filter(isOutside),
      collections: [...all((config) => config.collectionsPath), ...(installed ? [installed.packages] : [])].filter(
        isOutside,
      ),
      plugins: all((config) => config.plugins).filter(isOutside),
      vaults: all((config) => (config.vaultPasswordFile === undefined ? [] : [config.vaultPasswordFile])),
    };
  };
  const found = await digester.scans.scan(key, scan);
  const identities = [env.ANSIBLE_VAULT_PASSWORD_FILE, ...(env.ANSIBLE_VAULT_IDENTITY_LIST ?? '').split(',')];
  const vaults = identities.map((one) => one?.trim().replace(/^[^@]*@/, '')).filter((one) => one);
  return {
    ...found,
    vaults: [
      ...found.vaults,
      ...vaults.map((one) => path.resolve(root, (one as string).replace(/^~(?=\/)/, home))),
      ...(vault === '' ? [] : [resolveSource(root, layer.file, vault)]),
    ],
  };
}

function isBelow(file: string, folder: string): boolean {
  return file === folder || file.startsWith(folder === '/' ? '/' : `${folder}/`);
}

function firstThere(files: readonly string[]): string {
  return files.find((file) => stateOf(file)[1] !== 0) ?? files[0] ?? '/nonexistent';
}

function userHome(): string {
  try {
    return userInfo().homedir;
  } catch {
    // A uid without an entry, as in many containers.
    return '/';
  }
}

function realOrSame(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}
