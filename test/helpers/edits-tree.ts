import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { CommandContext } from '../../tool/src/commands/command.ts';
import { prepare } from '../../tool/src/commands/prepare.ts';
import { git } from '../inputs/input-tree.ts';
import { addSmallImage, createTree, type TestTree } from './tree.ts';

/** base ← files ← leaf, and base ← site ← app; `site` looks in every place where Ansible does. All in the layouts below `out/`. */
const FILES: Readonly<Record<string, string>> = {
  'layers.yaml': "defaults: {publish_registry: 'oci:out'}\n",
  'layers/base.yaml': `options: {layer_type: base, name: base, pkg_manager: apt, parent: 'oci:small:1'}\ncmds: [echo base > /etc/base]\n`,
  'layers/files.yaml': `
options: {layer_type: base, name: files, pkg_manager: apt, parent: base}
copyfiles:
  - {src: files, dest: /opt/files}
  - {src: 'conf/*.conf', dest: /opt/conf/}
  - {src: motd, dest: /etc/motd}
`,
  'layers/leaf.yaml': `options: {layer_type: base, name: leaf, pkg_manager: apt, parent: 'oci:out/files:latest'}\ncmds: [echo leaf > /etc/leaf]\n`,
  'layers/site.yaml': `
options:
  layer_type: ansible
  name: site
  parent: base
  groups: [compute]
  playbooks: [playbooks/site.yaml]
  inventory: [inventory]
  environment: [SITE]
  ansible_vault_password_file: vault-password
`,
  'layers/app.yaml': `options: {layer_type: base, name: app, pkg_manager: apt, parent: site}\ncmds: [echo app > /etc/app]\n`,
  '.layersignore': 'files/drafts/\n*.ignored\n',
  'files/a.txt': 'a\n',
  'files/sub/b.txt': 'b\n',
  'files/run.sh': '#!/bin/sh\n',
  'conf/one.conf': 'one\n',
  'conf/README': 'read me\n',
  motd: 'welcome\n',
  'README.md': 'text\n',
  'ansible.cfg': '[defaults]\nroles_path = playbooks/roles:../outside-roles\ncollections_paths = collections\n',
  'requirements.yml': 'collections: []\n',
  'vault-password': 'open sesame\n',
  'dynamic.json':
    '{"compute": {"vars": {"dynamic": "1"}}, "login": {"vars": {"dynamic": "1"}}, "_meta": {"hostvars": {}}}\n',
  'inventory/hosts.yaml':
    'all: {children: {cluster: {children: {compute: {hosts: {node1: }}}}, login: {hosts: {login1: }}}}\n',
  'inventory/dynamic.sh': '#!/bin/sh\ncat "$(dirname "$0")/../dynamic.json"\n',
  'inventory/group_vars/compute/main.yaml': 'of_compute: 1\n',
  'inventory/group_vars/cluster.yaml': 'of_cluster: 1\n',
  'inventory/group_vars/login.yaml': 'of_login: 1\n',
  'inventory/host_vars/site.yaml': 'of_host: 1\n',
  'inventory/host_vars/node1.yaml': 'of_node: 1\n',
  'playbooks/first.yaml': '- {hosts: compute, gather_facts: false, tasks: [{debug: {msg: first}}]}\n',
  'playbooks/other.yaml': '- {hosts: compute, tasks: []}\n',
  'playbooks/site.yaml': `
- import_playbook: first.yaml
- hosts: compute
  gather_facts: false
  vars_files: [vars/site.yaml]
  roles: [used, linked, outside, acme.tools.helper]
  tasks:
    - include_vars: named.yaml
    - include_vars: {dir: vars/dir}
    - include_tasks: more.yaml
    - include_tasks: never.yaml
      when: false
    - own_module: {}
      delegate_to: localhost
    - ansible.builtin.raw: >-
        echo '{{ lookup('file', 'looked-up.txt') }} {{ lookup('template', 'page.j2') }}
        {{ lookup('file', lookup('first_found', ['first.txt', 'second.txt', 'third.txt'])) }}
        {{ query('fileglob', 'globbed/*.conf') | map('basename') | sort | join(',') }}
        {{ lookup('file', 'com' ~ 'puted/x.txt') }} {{ lookup('file', '@SHARE@/site.crt') }}
        {{ lookup('file', lookup('first_found', ['@ETC@/override.txt', '~/override.txt', 'second.txt'])) }}
        {{ lookup('file', 'unseen.ignored') }} {{ 'x' | shout }} {{ lookup('env', 'SITE') }} {{ secret }} {{ of_compute }} {{ dynamic }}' > /etc/site
      args: {executable: /bin/sh}
`,
  'playbooks/more.yaml': '- debug: {msg: more}\n',
  'playbooks/never.yaml': '- debug: {msg: never}\n',
  'playbooks/vars/site.yaml': 'from_vars_files: 1\n',
  'playbooks/vars/named.yaml': 'named: 1\n',
  'playbooks/vars/dir/one.yaml': 'in_dir: 1\n',
  'playbooks/files/looked-up.txt': 'looked up\n',
  'playbooks/files/unseen.ignored': 'unseen\n',
  'playbooks/files/second.txt': 'second\n',
  'playbooks/computed/x.txt': 'computed\n',
  'playbooks/files/globbed/a.conf': 'a\n',
  'playbooks/files/globbed/readme.txt': 'text\n',
  'playbooks/templates/page.j2': "page {% include 'part.j2' %}\n",
  'playbooks/templates/part.j2': 'part\n',
  'playbooks/templates/unused.j2': 'unused\n',
  'playbooks/filter_plugins/shout.py':
    'class FilterModule:\n    def filters(self):\n        return {"shout": lambda text: text.upper()}\n',
  'playbooks/library/own_module.py':
    'from ansible.module_utils.basic import AnsibleModule\nfrom ansible.module_utils.own_part import part\nAnsibleModule(argument_spec={}).exit_json(part=part)\n',
  'playbooks/library/unused_module.py': 'unused = 1\n',
  'playbooks/module_utils/own_part.py': 'part = 1\n',
  'playbooks/module_utils/unused_part.py': 'part = 1\n',
  'playbooks/roles/used/meta/main.yml': 'dependencies: [dependency]\n',
  'playbooks/roles/used/tasks/main.yml': `
- ansible.builtin.raw: "echo '{{ a }} {{ b }} {{ lookup('template', 'role.j2') }}' > /etc/used"
  args: {executable: /bin/sh}
  changed_when: true
  notify: told
`,
  'playbooks/roles/used/handlers/main.yml': `
- name: told
  ansible.builtin.raw: "echo told > /etc/told"
  args: {executable: /bin/sh}
`,
  'playbooks/roles/used/defaults/main.yml': 'a: 1\n',
  'playbooks/roles/used/vars/main.yml': 'b: 1\n',
  'playbooks/roles/used/templates/role.j2': 'role\n',
  'playbooks/roles/used/files/unused.txt': 'x\n',
  'playbooks/roles/used/README.md': 'text\n',
  'playbooks/roles/dependency/tasks/main.yml': '- debug: {msg: dependency}\n',
  'playbooks/roles/unused/tasks/main.yml': '- debug: {msg: unused}\n',
  'elsewhere/tasks/main.yml': '- debug: {msg: linked}\n',
  'elsewhere2/tasks/main.yml': '- debug: {msg: linked again}\n',
  'collections/ansible_collections/acme/tools/galaxy.yml': 'namespace: acme\nname: tools\nversion: 1.0.0\n',
  'collections/ansible_collections/acme/tools/roles/helper/tasks/main.yml': '- debug: {msg: helper}\n',
  'collections/ansible_collections/acme/tools/roles/unused/tasks/main.yml': '- debug: {msg: unused}\n',
};

/** What builds and git make: no part of the tree that edits are made to. */
const MADE = ['.layers', '.git', 'out', 'small'];

export type Actions = Readonly<Record<string, string>>;

/** A tree to be edited, planned and put back. */
export interface EditedTree extends TestTree {
  /** Beside the root: roles that ansible.cfg finds there, and a home. */
  readonly outside: string;
  readonly machine: MachineFolders;
  /** What `layers plan` decides, in this process. `extra`: variables beside the usual ones. */
  planned(extra?: Record<string, string>): Promise<Actions>;
  /** Everything as it was, but for times. */
  restore(): void;
  /** What every command here is run with. */
  readonly env: Record<string, string | undefined>;
}

/** Places outside of everything where the playbook of `site` looks, no others' and gone with the tree. */
interface MachineFolders {
  /** Below /usr/local/share; holds `site.crt`, which it reads. */
  readonly share: string;
  /** Below /etc; it looks for `override.txt` there, and in the home. */
  readonly etc: string;
  readonly home: string;
}

export async function createEditedTree(): Promise<EditedTree> {
  const own = `layers-edits-${process.pid}-${Date.now()}`;
  const [share, etc] = [`/usr/local/share/${own}`, `/etc/${own}`];
  const playbook = FILES['playbooks/site.yaml']?.replace('@SHARE@', share).replace('@ETC@', etc) ?? '';
  const tree = await createTree({ ...FILES, 'playbooks/site.yaml': playbook });
  const { root, storage } = tree;
  const outside = path.join(storage.folder, 'outside-roles');
  const home = path.join(storage.folder, 'home');
  mkdirSync(path.join(outside, 'outside/tasks'), { recursive: true });
  mkdirSync(home);
  mkdirSync(share);
  writeFileSync(path.join(share, 'site.crt'), 'certificate\n');
  writeFileSync(path.join(outside, 'outside/tasks/main.yml'), '- debug: {msg: outside}\n');
  for (const file of ['inventory/dynamic.sh', 'files/run.sh']) chmodSync(path.join(root, file), 0o755);
  symlinkSync('../../elsewhere', path.join(root, 'playbooks/roles/linked'));
  symlinkSync('a.txt', path.join(root, 'files/link'));
  const vault = path.join(root, 'inventory/group_vars/compute/vault.yaml');
  writeFileSync(vault, 'secret: hidden\n');
  execFileSync('ansible-vault', ['encrypt', '--vault-password-file', path.join(root, 'vault-password'), vault], {
    env: { PATH: process.env.PATH, HOME: home },
    stdio: 'ignore',
  });
  git(root, 'init', '-q');
  git(root, 'add', '.');
  git(root, 'commit', '-qm', 'all');
  // Not tracked: its own mode counts.
  mkdirSync(path.join(root, 'files/untracked'));
  writeFileSync(path.join(root, 'files/untracked/c.txt'), 'c\n');
  await addSmallImage(tree);
  const before = [contentOf(root), contentOf(outside), contentOf(share)] as const;
  const pristine = path.join(storage.folder, 'pristine.git');
  cpSync(path.join(root, '.git'), pristine, { recursive: true });
  const env = { ...storage.env, HOME: home, SITE: 'here' };
  return {
    ...tree,
    outside,
    machine: { share, etc, home },
    env,
    planned: async (extra = {}) => {
      const { plan } = await prepare(contextOf(root, { ...env, ...extra }), []);
      return Object.fromEntries([...plan.decisions].map(([id, { action }]) => [id, action]));
    },
    restore() {
      putBack(root, before[0]);
      putBack(outside, before[1]);
      putBack(share, before[2]);
      for (const added of [etc, `${home}/override.txt`, `${home}/.profile`])
        rmSync(added, { recursive: true, force: true });
      const [index, indexBefore] = [path.join(root, '.git'), pristine].map((one) => readFileSync(`${one}/index`));
      if (index?.equals(indexBefore as Buffer)) return;
      rmSync(path.join(root, '.git'), { recursive: true });
      cpSync(pristine, path.join(root, '.git'), { recursive: true });
    },
    async [Symbol.asyncDispose]() {
      for (const made of [share, etc]) rmSync(made, { recursive: true, force: true });
      await tree[Symbol.asyncDispose]();
    },
  };
}

/** Path below the folder → kind, mode and bytes. */
type Content = ReadonlyMap<string, string>;

function contentOf(top: string): Content {
  const content = new Map<string, string>();
  const open = [''];
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (const name of readdirSync(path.join(top, folder))) {
      const below = folder === '' ? name : `${folder}/${name}`;
      if (MADE.includes(below)) continue;
      const stats = lstatSync(path.join(top, below));
      const mode = stats.mode & 0o777;
      if (stats.isDirectory()) open.push(below);
      const link = stats.isSymbolicLink() ? readlinkSync(path.join(top, below)) : undefined;
      const text = link ?? (stats.isFile() ? readFileSync(path.join(top, below), 'latin1') : '');
      const kind = stats.isDirectory() ? 'folder' : 'file';
      content.set(below, JSON.stringify([link === undefined ? kind : 'link', mode, text]));
    }
  }
  return content;
}

/** Writes only what is not as it was. */
function putBack(top: string, before: Content): void {
  const now = contentOf(top);
  const wrong = [...now].filter(([name, entry]) => before.get(name) !== entry).map(([name]) => name);
  for (const name of wrong) rmSync(path.join(top, name), { recursive: true, force: true });
  const missing = [...before].filter(
    ([name]) => lstatSync(path.join(top, name), { throwIfNoEntry: false }) === undefined,
  );
  for (const [name, entry] of missing.sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [kind, mode, text] = JSON.parse(entry) as [string, number, string];
    const file = path.join(top, name);
    if (kind === 'folder') mkdirSync(file);
    else if (kind === 'link') symlinkSync(text, file);
    else writeFileSync(file, text, 'latin1');
    if (kind !== 'link') chmodSync(file, mode);
  }
}

function contextOf(root: string, env: CommandContext['env']): CommandContext {
  const never = new AbortController().signal;
  return {
    argv: [],
    cwd: root,
    env,
    options: {},
    values: {},
    positionals: [],
    print: () => {},
    warn: () => {},
    stdout: process.stdout,
    stderr: process.stderr,
    signal: never,
    forced: never,
  };
}
