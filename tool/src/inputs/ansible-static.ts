import { hash } from 'node:crypto';
import { homedir } from 'node:os';
import path from 'node:path';
import type { Layer } from '../config/layer.ts';
import { readAnsibleConfig } from './ansible-config.ts';
import { installedAnsible } from './ansible-machine.ts';
import { resolveSource } from './copyfiles.ts';
import type { Digester } from './digest-file.ts';
import type { NamedFile } from './named-file.ts';
import { type DiskPath, printable } from './names.ts';
import type { TreeView } from './tree-view.ts';

interface Places {
  readonly root: string;
  readonly digester: Digester;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Raise it when a scan would find other files in the same tree: remembered scans are then made again. */
const SCAN_VERSION = 5;

/**
 * Files that an Ansible layer may read, by a static reading of its playbooks: a superset of what counts, without roles that nothing
 * names. A missing playbook is in the list, as it is a mistake that others tell.
 */
export async function ansibleFiles(layer: Layer, { root, digester, env }: Places): Promise<readonly NamedFile[]> {
  const { playbooks, inventory, vars, ansible_vault_password_file: vault } = layer.options;
  const own = Object.entries(env).filter(([name]) => name.startsWith('ANSIBLE_'));
  const environment = { ...Object.fromEntries(own), PATH: env.PATH, HOME: env.HOME ?? homedir() };
  const resolve = (file: string) => resolveSource(root, layer.file, file);
  const start = {
    playbooks: playbooks.map(resolve),
    // `node1,node2` is a list of hosts, no file.
    inventory: inventory.filter((one) => !one.includes(',')).map(resolve),
    vars,
    vault: vault === '' ? undefined : resolve(vault),
  };
  // Hashed: variables may be secret, and the key is kept on disk.
  const key = hash('sha256', JSON.stringify([SCAN_VERSION, root, environment, start]));
  return digester.scans.scan(key, (view) => scan(view, root, environment, start));
}

interface Start {
  readonly playbooks: readonly string[];
  readonly inventory: readonly string[];
  readonly vars: Readonly<Record<string, unknown>>;
  readonly vault: string | undefined;
}

async function scan(view: TreeView, root: string, env: Places['env'], start: Start): Promise<readonly NamedFile[]> {
  // Loaded here, as a scan that is remembered needs neither.
  const [{ createAnsibleScan }, { collectionFiles }, { parseTolerantly }] = await Promise.all([
    import('./ansible-scan.ts'),
    import('./ansible-collections.ts'),
    import('./parse-yaml.ts'),
  ]);
  const ansible = installedAnsible(view, env);
  const isInTree = (folder: string) => `${folder}/`.startsWith(`${root}/`);
  const inventoryFolders = start.inventory.map((one) => (view.kind(one) === 'folder' ? one : path.dirname(one)));
  const named = new Map<DiskPath, NamedFile>();
  const secret = new Set<DiskPath | undefined>([start.vault]);
  for (const playbook of start.playbooks) {
    const config = readAnsibleConfig(view, root, playbook, env);
    const found = createAnsibleScan(view, { root, config, inventoryFolders, parse: parseTolerantly });
    found.addPlaybook(playbook);
    found.addValues(start.vars, path.dirname(playbook));
    for (const inventory of start.inventory) found.addInventory(inventory, path.dirname(playbook));
    // What is in the tree may be edited; elsewhere a collection is what its manifest says.
    const own = config.collectionsPath.filter(isInTree);
    const installed = config.collectionsPath.filter((folder) => !isInTree(folder));
    for (const folder of [...config.plugins, ...own]) found.addFolder(folder);
    const paths = [...installed, ...(ansible === undefined ? [] : [ansible.packages])];
    for (const file of collectionFiles(view, paths, found.dottedNames())) named.set(file.path, file);
    for (const file of found.files()) {
      named.set(file, { name: nameFor(file, root, config.rolesPath, env.HOME ?? '/'), path: file });
    }
    if (config.file !== undefined) named.set(config.file.path, config.file);
    secret.add(config.vaultPasswordFile);
  }
  return [...named.values()].filter(({ path: file }) => !secret.has(file));
}

/** Relative in the tree; a role elsewhere by its own name, as it may be installed in another place on the next machine. */
function nameFor(file: DiskPath, root: string, rolesPath: readonly string[], home: string): string {
  const shown = printable(file);
  if (shown.startsWith(`${root}/`)) return shown.slice(root.length + 1);
  const roles = rolesPath.find((folder) => shown.startsWith(`${folder}/`));
  if (roles !== undefined) return `role:${shown.slice(roles.length + 1)}`;
  return shown.startsWith(`${home}/`) ? `~${shown.slice(home.length)}` : shown;
}
