import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ansibleEnvironment } from '../../tool/src/build/ansible-environment.ts';
import { readAnsibleConfig } from '../../tool/src/inputs/ansible-config.ts';
import { chosenEnvironment } from '../../tool/src/inputs/environment-inputs.ts';
import { createTreeView } from '../../tool/src/inputs/tree-view.ts';
import type { Workspace } from '../../tool/src/system/workspace.ts';
import { layer } from '../helpers/layers.ts';
import { createInputTree, type InputTree } from './input-tree.ts';

const site = { playbooks: ['playbooks/site.yaml'] };
const filesOf = async (tree: InputTree) => (await tree.ansible(site)).files;
const read = async (tree: InputTree) => Object.keys(await filesOf(tree));

test('variables for Ansible count by the digest of their value, unless they decide nothing', async () => {
  const env = { ANSIBLE_GATHERING: 'explicit', ANSIBLE_FORCE_COLOR: '1', ANSIBLE_BECOME_PASSWORD: 'x', OTHER: '1' };
  using tree = createInputTree({ 'playbooks/site.yaml': '' }, { ...env, ANSIBLE_LOG_PATH: '/x' });
  using other = createInputTree({ 'playbooks/site.yaml': '' }, { ...env, ANSIBLE_GATHERING: 'smart' });
  const { environment, files } = await tree.fixed(site);
  expect(Object.keys(environment)).toEqual(['ANSIBLE_GATHERING']);
  expect(environment.ANSIBLE_GATHERING).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect((await other.fixed(site)).environment.ANSIBLE_GATHERING).not.toBe(environment.ANSIBLE_GATHERING);
  expect(files).toEqual({});
});

test('variables that the layer names count for any kind of layer, once they are set', async () => {
  using tree = createInputTree({ 'playbooks/site.yaml': '', a: '' }, { SITE: 'x', PASSWORD: 'y' });
  const named = { environment: ['SITE', 'PASSWORD', 'UNSET'] };
  const { environment } = await tree.fixed({ ...site, ...named });
  expect(Object.keys(environment)).toEqual(['PASSWORD', 'SITE']);
  expect(JSON.stringify(environment)).not.toContain('"x"');
  expect((await tree.fixed(site)).environment).toEqual({});
  expect(chosenEnvironment(layer('l', named), { SITE: 'x' })).toEqual({ SITE: 'x' });
});

test('an ANSIBLE_CONFIG that names nothing is told before any work', async () => {
  using tree = createInputTree({ 'playbooks/site.yaml': '' }, { ANSIBLE_CONFIG: 'etc/ansible.cfg' });
  await expect(tree.fixed(site)).rejects.toMatchObject({
    diagnostics: [{ code: 'missing-input', message: 'ANSIBLE_CONFIG names etc/ansible.cfg, which is not there' }],
  });
});

test('folders that variables name count by what is in them, and those in the home', async () => {
  using outside = createInputTree({ 'modules/m.py': '' });
  using tree = createInputTree(
    { 'playbooks/site.yaml': '', '.ansible/plugins/filter/f.py': '', '.ansible/tmp/x': '' },
    { ANSIBLE_LIBRARY: path.join(outside.root, 'modules') },
  );
  expect(await read(tree)).toEqual([
    ...['.ansible/plugins/filter/f.py', `${outside.root}/modules/m.py`, 'playbooks/site.yaml'],
  ]);
});

test('collections outside the tree count by their manifest, with those they depend on', async () => {
  const folder = '.ansible/collections/ansible_collections';
  const info = (...names: string[]) =>
    JSON.stringify({ collection_info: { dependencies: Object.fromEntries(names.map((name) => [name, '*'])) } });
  using home = createInputTree({
    [`${folder}/ns/used/MANIFEST.json`]: info('ns.needed'),
    [`${folder}/ns/used/plugins/modules/m.py`]: '',
    [`${folder}/ns/needed/MANIFEST.json`]: info('ns.used'),
    [`${folder}/ns/filters/galaxy.yml`]: 'version: 1',
    [`${folder}/ns/filters/plugins/filter/f.py`]: '',
    [`${folder}/ns/unused/MANIFEST.json`]: info(),
  });
  using tree = createInputTree(
    {
      'playbooks/site.yaml': '- hosts: all\n  roles: [r]\n',
      'playbooks/roles/r/tasks/main.yml': '- ns.used.m: {a: "{{ b | ns.filters.f }}"}',
    },
    { HOME: home.root },
  );
  expect(await read(tree)).toEqual([
    ...['collection:ns.filters/galaxy.yml', 'collection:ns.filters/plugins/filter/f.py'],
    ...['collection:ns.needed', 'collection:ns.used', 'playbooks/roles/r/tasks/main.yml', 'playbooks/site.yaml'],
  ]);
});

test("ansible-core counts by its minor version, found beside the command's Python", async () => {
  const packages = 'venv/lib/python3.11/site-packages';
  using machine = createInputTree({
    'venv/bin/ansible-playbook': '',
    [`${packages}/ansible/release.py`]: "__version__ = '2.14.18'\n",
    [`${packages}/Jinja2-3.1.2.dist-info/METADATA`]: '',
    'venv/bin/python3.11': '',
    [`${packages}/ansible_collections/ns/used/MANIFEST.json`]: '{}',
  });
  chmodSync(path.join(machine.root, 'venv/bin/ansible-playbook'), 0o755);
  machine.write('venv/bin/ansible-playbook', `#!${machine.root}/venv/bin/python\n`);
  symlinkSync('python3.11', path.join(machine.root, 'venv/bin/python'));
  mkdirSync(path.join(machine.root, 'bin'));
  symlinkSync('../venv/bin/ansible-playbook', path.join(machine.root, 'bin/ansible-playbook'));
  using tree = createInputTree(
    { 'playbooks/site.yaml': '- hosts: all\n  tasks: [ns.used.m: ]\n' },
    { PATH: `/nowhere:${machine.root}/bin` },
  );
  expect(await read(tree)).toEqual(['collection:ns.used', 'playbooks/site.yaml']);
  const tools = async (tool_versions: string) => (await tree.fixed({ ...site, tool_versions })).tools;
  expect(await tools('major')).toEqual({ 'ansible-core': '2.14' });
  expect(await tools('exact')).toEqual({ 'ansible-core': '2.14.18', jinja2: '3.1.2', python: '3.11' });
  expect(await tools('ignore')).toEqual({});
  machine.write(`${packages}/ansible/release.py`, "__version__ = '2.14.19'\n# longer\n");
  expect(await tools('major')).toEqual({ 'ansible-core': '2.14' });
  expect(await tools('exact')).toMatchObject({ 'ansible-core': '2.14.19' });
  machine.write(`${packages}/ansible/release.py`, "__version__ = '2.16.1'\n");
  expect(await tools('major')).toEqual({ 'ansible-core': '2.16' });
});

test('the build uses the ansible.cfg that the key is made with', () => {
  using home = createInputTree({ 'chosen.cfg': '', '.ansible.cfg': '' });
  using tree = createInputTree({ 'playbooks/site.yaml': '' });
  const chosen = { ANSIBLE_CONFIG: path.join(home.root, 'chosen.cfg') };
  const playbook = path.join(tree.root, 'playbooks/site.yaml');
  const workspace = { root: tree.root, temporary: '/tmp/x', buildah: { isolation: 'chroot' } } as unknown as Workspace;
  const keyed = (env: Record<string, string> = {}) =>
    readAnsibleConfig(createTreeView(tree.root), tree.root, playbook, { HOME: home.root, ...env }).file?.path;
  const both = (env: Record<string, string> = {}) => [
    ansibleEnvironment(workspace, playbook, { events: 'x', trace: 'y', env }).ANSIBLE_CONFIG,
    keyed(env),
  ];
  // Not named by the build: Ansible finds it in the home by itself.
  expect(both()).toEqual([undefined, path.join(home.root, '.ansible.cfg')]);
  const beside = tree.write('playbooks/ansible.cfg');
  expect(both()).toEqual([beside, beside]);
  // Ansible passes over a variable that names nothing, and then does not look beside the playbook.
  expect(keyed({ ANSIBLE_CONFIG: '/nowhere/ansible.cfg' })).toBe(path.join(home.root, '.ansible.cfg'));
  const own = tree.write('ansible.cfg');
  expect(both()).toEqual([own, own]);
  expect(both(chosen)).toEqual([chosen.ANSIBLE_CONFIG, chosen.ANSIBLE_CONFIG]);
});
