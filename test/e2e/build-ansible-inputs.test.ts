import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ansibleEnvironment } from '../../tool/src/build/ansible-environment.ts';
import { readTrace } from '../../tool/src/build/ansible-trace.ts';
import { createDigester } from '../../tool/src/inputs/digest-file.ts';
import { digestInputSet } from '../../tool/src/inputs/input-set-digests.ts';
import { inputSetOf } from '../../tool/src/inputs/name-trace.ts';
import type { InputSet } from '../../tool/src/recipe/input-set.ts';
import { createExec } from '../../tool/src/system/exec.ts';
import type { Workspace } from '../../tool/src/system/workspace.ts';
import { layer } from '../helpers/layers.ts';
import { git } from '../inputs/input-tree.ts';

// The real ansible-playbook on this machine in place of a container: what it looks at here is the same.

const FILES: Readonly<Record<string, string>> = {
  'inventory/hosts.yaml': 'all: {children: {compute: {hosts: {node1: }}, login: {hosts: {login1: }}}}\n',
  'inventory/group_vars/all.yaml': 'of_all: 1\n',
  'inventory/group_vars/compute.yaml': 'of_compute: 1\n',
  'inventory/group_vars/login.yaml': 'of_login: 1\n',
  'inventory/host_vars/image.yaml': 'of_image: 1\n',
  'inventory/host_vars/node1.yaml': 'of_node: 1\n',
  'inventory/README.md': 'text\n',
  'playbooks/site.yaml': `
- hosts: compute
  gather_facts: false
  vars_files: [vars/site.yaml]
  roles: [used, linked, outside]
  tasks:
    - include_tasks: "{{ 'more' }}.yaml"
    - debug: msg="{{ lookup('file', 'looked-up.txt') }} {{ 'x' | shout }}"
    - debug: msg="{{ lookup('first_found', ['first.txt', 'second.txt']) }}"
    - debug: msg="{{ lookup('fileglob', 'globbed/*.conf') }}"
    - own_module: {}
`,
  'playbooks/vars/site.yaml': 'from_vars_file: 1\n',
  'playbooks/more.yaml': '- debug: msg=more\n',
  'playbooks/other.yaml': '- hosts: all\n',
  'playbooks/files/looked-up.txt': 'x\n',
  'playbooks/files/second.txt': 'x\n',
  'playbooks/files/globbed/a.conf': 'x\n',
  'playbooks/filter_plugins/shout.py':
    'class FilterModule:\n    def filters(self):\n        return {"shout": lambda text: text.upper()}\n',
  'playbooks/library/own_module.py':
    'from ansible.module_utils.basic import AnsibleModule\nfrom ansible.module_utils.own_part import part\nAnsibleModule(argument_spec={}).exit_json(part=part)\n',
  'playbooks/module_utils/own_part.py': 'part = 1\n',
  'playbooks/module_utils/unused_part.py': 'part = 1\n',
  'playbooks/roles/used/tasks/main.yml': '- template: {src: outer.j2, dest: "{{ out }}"}\n',
  'playbooks/roles/used/defaults/main.yml': 'a: 1\n',
  'playbooks/roles/used/templates/outer.j2': '{% include "inner.j2" %}\n',
  'playbooks/roles/used/templates/inner.j2': "{{ a }}{{ lookup('env', 'SITE_TOKEN') }}{{ lookup('env', 'USER') }}\n",
  'playbooks/roles/used/README.md': 'text\n',
  'playbooks/roles/unused/tasks/main.yml': '- debug: msg=unused\n',
  'elsewhere/tasks/main.yml': '- debug: msg=linked\n',
  'other-linked/tasks/main.yml': '- debug: msg=other\n',
};

let folder: string;
let root: string;
let set: InputSet;

const LAYER = layer('x', {
  layer_type: 'ansible',
  name: 'image',
  pkg_manager: undefined,
  groups: ['compute'],
  playbooks: ['playbooks/site.yaml'],
  inventory: ['inventory'],
});

const environment = (home: string) => ({
  PATH: process.env.PATH,
  HOME: home,
  ANSIBLE_ROLES_PATH: path.join(home, 'roles'),
});

function write(file: string, text: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}

async function digests(tree = root, home = path.join(folder, 'home'), from = set): Promise<Record<string, string>> {
  await new Promise((resolve) => setImmediate(resolve));
  const digester = createDigester({ root: tree, stateDir: path.join(folder, `state-${path.basename(tree)}`) });
  return { ...(await digestInputSet(LAYER, from, { root: tree, digester, env: environment(home) })).files };
}

/** Plays the playbook; gives the set that it depended on. */
async function play(): Promise<InputSet> {
  const home = path.join(folder, 'home');
  const temporary = mkdtempSync(path.join(folder, 'temporary-'));
  const trace = path.join(temporary, 'trace');
  writeFileSync(trace, '');
  const local = { ansible_connection: 'local', ansible_python_interpreter: 'auto_silent', out: `${temporary}/out` };
  const inventory = { all: { hosts: { image: local }, children: { compute: { hosts: { image: {} } } } } };
  write(path.join(temporary, 'inventory/hosts.json'), JSON.stringify(inventory));
  const env = environment(home);
  const workspace = { root, temporary, buildah: { isolation: 'chroot' } } as unknown as Workspace;
  const args = ['-i', path.join(root, 'inventory'), '-i', path.join(temporary, 'inventory'), '--limit', 'image'];
  const playbook = path.join(root, 'playbooks/site.yaml');
  await createExec({ env: { ...env, SITE_TOKEN: 'kept-away', USER: 'somebody' } })(
    'ansible-playbook',
    [...args, '--', playbook],
    {
      cwd: root,
      env: ansibleEnvironment(workspace, playbook, { events: path.join(temporary, 'events'), trace, env }),
    },
  );
  const read = readTrace(await readFile(trace));
  // Nothing of the shell shows: only what the layer names would.
  expect(await readFile(`${temporary}/out`, 'utf8')).toBe('1\n');
  if ('defect' in read) throw new Error(read.defect);
  const digester = createDigester({ root, stateDir: path.join(folder, 'state') });
  return inputSetOf(LAYER, read, { root, digester, env, temporary });
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'layers-ansible-inputs-'));
  root = path.join(folder, 'tree');
  for (const [name, text] of Object.entries(FILES)) write(path.join(root, name), text);
  symlinkSync('../../elsewhere', path.join(root, 'playbooks/roles/linked'));
  write(path.join(folder, 'home/roles/outside/tasks/main.yml'), '- debug: msg=outside\n');
  git(root, 'init', '-q');
  git(root, 'add', '.');
  git(root, 'commit', '-qm', 'all');
  set = await play();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Does the edit, looks, and takes it back. */
async function changedBy(edit: () => void): Promise<boolean> {
  const kept = path.join(folder, 'kept');
  const before = JSON.stringify(await digests());
  cpSync(root, kept, { recursive: true, verbatimSymlinks: true });
  try {
    edit();
    return JSON.stringify(await digests()) !== before;
  } finally {
    rmSync(root, { recursive: true });
    cpSync(kept, root, { recursive: true, verbatimSymlinks: true });
    rmSync(kept, { recursive: true });
  }
}

test('the set is made of names that mean the same on another machine', () => {
  expect(set.read).toContain('role:outside/tasks/main.yml');
  const all = [...set.read, ...set.probed, ...set.listed];
  expect(all.filter((name) => path.isAbsolute(name) && !/^\/(etc\/ansible|usr\/share\/ansible)\//.test(name))).toEqual(
    [],
  );
  expect(all.filter((name) => name.includes('layers-ansible-inputs'))).toEqual([]);
  expect(new Set(all).size).toBe(all.length);
});

test('a second run depends on the same', async () => {
  expect(await play()).toEqual(set);
});

test.each([
  ...['inventory/hosts.yaml', 'inventory/group_vars/all.yaml', 'inventory/group_vars/compute.yaml'],
  ...['inventory/host_vars/image.yaml', 'playbooks/site.yaml', 'playbooks/vars/site.yaml', 'playbooks/more.yaml'],
  ...['playbooks/files/looked-up.txt', 'playbooks/filter_plugins/shout.py', 'playbooks/library/own_module.py'],
  ...['playbooks/module_utils/own_part.py', 'playbooks/roles/used/tasks/main.yml'],
  ...['playbooks/roles/used/defaults/main.yml', 'playbooks/roles/used/templates/outer.j2'],
  ...['playbooks/roles/used/templates/inner.j2', 'elsewhere/tasks/main.yml'],
])('an edit of %s counts', async (file) => {
  expect(await changedBy(() => writeFileSync(path.join(root, file), '# edited\n'))).toBe(true);
});

test.each([
  ...['inventory/group_vars/login.yaml', 'inventory/host_vars/node1.yaml', 'inventory/README.md'],
  ...['playbooks/other.yaml', 'playbooks/module_utils/unused_part.py', 'playbooks/roles/used/README.md'],
  ...['playbooks/roles/unused/tasks/main.yml', 'other-linked/tasks/main.yml'],
])('an edit of %s does not count', async (file) => {
  expect(await changedBy(() => writeFileSync(path.join(root, file), '# edited\n'))).toBe(false);
});

test.each([
  ...['playbooks/group_vars/all.yml', 'inventory/group_vars/all.yml', 'inventory/host_vars/image.yml', 'ansible.cfg'],
  ...['playbooks/host_vars/image.yml', 'playbooks/roles/used/handlers/main.yml', 'playbooks/roles/used/vars/main.yml'],
  ...['playbooks/roles/used/meta/main.yml', 'playbooks/files/first.txt', 'playbooks/files/globbed/b.conf'],
  ...['inventory/more.yaml', 'playbooks/filter_plugins/more.py', 'playbooks/lookup_plugins/file.py'],
  ...[
    'playbooks/roles/used/templates/roles/x',
    'playbooks/roles/used/library/own_module.py',
    'playbooks/library/debug.py',
  ],
])('a new %s counts where Ansible would look', async (file) => {
  const isLookedFor = file !== 'playbooks/roles/used/templates/roles/x';
  expect(await changedBy(() => write(path.join(root, file), '{}\n'))).toBe(isLookedFor);
});

test.each(['inventory/group_vars/login.yml', 'playbooks/roles/new/tasks/main.yml', 'README.md', 'inventory/x.bak'])(
  'a new %s does not count',
  async (file) => {
    expect(await changedBy(() => write(path.join(root, file), '{}\n'))).toBe(false);
  },
);

test('what goes away counts, and a link to another role', async () => {
  expect(await changedBy(() => rmSync(path.join(root, 'playbooks/roles/used/defaults/main.yml')))).toBe(true);
  expect(await changedBy(() => rmSync(path.join(root, 'playbooks/roles/unused'), { recursive: true }))).toBe(false);
  const relink = () => {
    rmSync(path.join(root, 'playbooks/roles/linked'));
    symlinkSync('../../other-linked', path.join(root, 'playbooks/roles/linked'));
  };
  expect(await changedBy(relink)).toBe(true);
});

test('a fresh clone in another place, under another umask, with another home, has the same digests', async () => {
  const expected = await digests();
  const clone = path.join(folder, 'deep/er/clone');
  const home = path.join(folder, 'other-home');
  const umask = process.umask(0o077);
  try {
    mkdirSync(path.dirname(clone), { recursive: true });
    git(folder, 'clone', '-q', root, clone);
  } finally {
    process.umask(umask);
  }
  cpSync(path.join(folder, 'home/roles'), path.join(home, 'roles'), { recursive: true });
  expect(await digests(clone, home)).toEqual(expected);
  chmodSync(path.join(clone, 'playbooks/files/looked-up.txt'), 0o755);
  writeFileSync(path.join(clone, 'playbooks/files/looked-up.txt'), 'other\n');
  expect(await digests(clone, home)).not.toEqual(expected);
});
