import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BuildPlace, buildLayer } from '../helpers/build-layer.ts';
import { type ContainerStorage, createContainerStorage } from '../helpers/container-storage.ts';
import { layer } from '../helpers/layers.ts';
import { placeWith } from '../helpers/place-with.ts';

let storage: ContainerStorage;
let place: BuildPlace;
let base: string;

const SCRIPT = `#!/bin/sh
echo '{"scripted": {"hosts": ["compute"], "vars": {"from_script": "script"}}}'
`;

const FILES: Readonly<Record<string, string>> = {
  'hosts.ini': '[compute]\nnode1 ansible_host=10.0.0.1\n[compute:vars]\nfrom_file=ini\n',
  'site/hosts.yaml': 'all: {children: {gpu nodes: {hosts: {node2: {}}}}}\n',
  'site/group_vars/gpu nodes.yaml': 'from_folder: folder\n',
  'first.yaml': `
- hosts: compute
  gather_facts: false
  tasks:
    - ansible.builtin.copy:
        content: "{{ inventory_hostname }} {{ group_names | join(',') }} {{ from_file }} {{ from_folder }} {{ from_script }} {{ given.list | sum }}"
        dest: /etc/known
    - ansible.builtin.command: touch /etc/skipped
      tags: [heavy]
`,
  'second.yaml': `
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.copy: { content: "{{ secret }} {{ lookup('file', '/no/such', errors='ignore') | default('-', true) }}", dest: /etc/second, mode: '0600' }
      tags: [always]
`,
  'become.yaml': `
- hosts: all
  gather_facts: false
  become: true
  tasks:
    - name: as root
      ansible.builtin.command: id -un
      register: root
    - name: as nobody
      ansible.builtin.command: id -un
      become_user: nobody
      register: other
    - ansible.builtin.copy: { content: '{{ root.stdout }} {{ other.stdout }}', dest: /etc/who }
`,
  'roles/breaks/tasks/main.yaml': '- name: not there\n  ansible.builtin.stat: {}\n',
  'in-role.yaml': '- hosts: all\n  gather_facts: false\n  roles: [breaks]\n',
  'unreachable.yaml':
    '- hosts: all\n  gather_facts: false\n  vars: { ansible_host: no-such-container }\n  tasks:\n    - name: knock\n      ansible.builtin.ping:\n',
  'syntax.yaml': '- hosts: all\n  tasks:\n    - no.such.module: {}\n',
};

beforeAll(async () => {
  storage = await createContainerStorage();
  place = await placeWith(FILES, storage);
  const { root } = place;
  await writeFile(path.join(root, 'more.sh'), SCRIPT);
  await chmod(path.join(root, 'more.sh'), 0o755);
  await writeFile(path.join(root, 'vault-password'), 'open sesame\n');
  await writeFile(path.join(root, 'site/group_vars/all.yaml'), 'secret: from-the-vault\n');
  const file = path.join(root, 'site/group_vars/all.yaml');
  await storage.exec('ansible-vault', ['encrypt', '--vault-password-file', path.join(root, 'vault-password'), file]);
  const python = layer('python', { suite: 'bookworm' }, { packages: ['python3'] });
  base = (await buildLayer(python, 'scratch', place)).image;
});
afterAll(() => storage?.[Symbol.asyncDispose]());

const ansible = (playbooks: string | string[], options: Record<string, unknown> = {}) =>
  layer('l', { layer_type: 'ansible', name: 'compute', pkg_manager: undefined, playbooks, ...options });

/** Text of files of the image that the layer makes. */
async function made(options: Record<string, unknown>, playbooks: string | string[], ...files: string[]) {
  const texts: string[] = [];
  const built = await buildLayer(ansible(playbooks, options), base, place, async (mounted) => {
    for (const one of files) texts.push(await readFile(path.join(mounted, one), 'utf8').catch(() => 'absent'));
  });
  return { texts, built };
}

test('playbooks in order, inventories of every kind, a host named like a group, a vault', async () => {
  const options = {
    inventory: ['hosts.ini', 'site', 'more.sh'],
    // `compute` is there already, with a machine that nobody may touch; the other name has a space.
    groups: ['compute', 'gpu nodes'],
    vars: { given: { list: [1, 2] } },
    ansible_skip_tags: 'heavy',
    ansible_vault_password_file: 'vault-password',
  };
  const { texts, built } = await made(options, ['first.yaml', 'second.yaml'], 'etc/known', 'etc/skipped', 'etc/second');
  expect(built.workspace.steps).toEqual(['playbook first.yaml', 'playbook second.yaml']);
  expect(texts).toEqual(['compute compute,gpu nodes,scripted ini folder script 3', 'absent', 'from-the-vault -']);
  const output = built.output.join('\n');
  expect(output).not.toMatch(/node[12] *:/);
  expect(output).not.toContain('from-the-vault');
});

test('tags: only what has them, and what always runs', async () => {
  const inventory = ['hosts.ini', 'site', 'more.sh'];
  const options = {
    inventory,
    groups: 'compute',
    ansible_tags: ['heavy', 'other'],
    ansible_vault_password_file: 'vault-password',
  };
  const { texts } = await made(options, ['first.yaml', 'second.yaml'], 'etc/known', 'etc/skipped', 'etc/second');
  expect(texts).toEqual(['absent', '', 'from-the-vault -']);
});

test('a vault without its password is an error that says so', async () => {
  await expect(made({ inventory: 'site' }, 'second.yaml')).rejects.toThrow(
    /Attempting to decrypt but no vault secrets found/,
  );
});

test('become: root needs nothing inside, another user what the become method needs', async () => {
  await expect(made({}, 'become.yaml')).rejects.toMatchObject({
    name: 'BuildFailure',
    message: expect.stringMatching(/^TASK \[as nobody\] \(become\.yaml:9\) failed: (?!.*exit status).*sudo/s),
  });
  // Its shell refuses to work, and says so on standard output.
  const method = { ansible_become_method: 'su' };
  await expect(made({ vars: method }, 'become.yaml')).rejects.toThrow(/account is currently not available/);
  const su = await made({ vars: { ...method, ansible_become_flags: '-s /bin/sh' } }, 'become.yaml', 'etc/who');
  expect(su.texts).toEqual(['root nobody']);
  const sudo = await buildLayer(layer('sudo', {}, { packages: ['sudo'] }), base, place);
  const texts: string[] = [];
  await buildLayer(ansible('become.yaml'), sudo.image, place, async (mounted) => {
    texts.push(await readFile(path.join(mounted, 'etc/who'), 'utf8'));
  });
  expect(texts).toEqual(['root nobody']);
});

test('failures have the task, its file and what it said', async () => {
  const failure = (playbook: string) => expect(made({}, playbook)).rejects;
  await failure('in-role.yaml').toMatchObject({
    message: expect.stringMatching(
      /^TASK \[breaks : not there\] \(roles\/breaks\/tasks\/main\.yaml:1\) failed: missing required arguments: path/,
    ),
  });
  await failure('unreachable.yaml').toMatchObject({
    message: expect.stringMatching(/^TASK \[knock\] \(unreachable\.yaml:5\) (could not reach the container|failed): /),
  });
  await failure('syntax.yaml').toMatchObject({
    name: 'BuildFailure',
    message: expect.stringMatching(
      /^syntax\.yaml: couldn't resolve module\/action 'no\.such\.module'.* \(syntax\.yaml:3\)$/,
    ),
  });
});

test('a name in folders', async () => {
  const { texts } = await made({ name: 'site/my_image-1.x', vars: { secret: 's' } }, 'second.yaml', 'etc/second');
  expect(texts).toEqual(['s -']);
});

test('collections of a requirements file: for this build only, before what is installed on the machine', async () => {
  const source = path.join(storage.folder, 'collection/own/site');
  const files: Readonly<Record<string, string>> = {
    'galaxy.yml': 'namespace: own\nname: site\nversion: 1.0.0\nreadme: README.md\nauthors: [test]\n',
    'README.md': '# site\n',
    'meta/runtime.yml': "requires_ansible: '>=2.9'\n",
    'roles/hello/tasks/main.yml': `- ansible.builtin.copy: { content: "{{ 'hello' | own.site.loud }}", dest: /etc/hello }\n`,
    'plugins/filter/loud.py': "class FilterModule:\n    def filters(self):\n        return {'loud': str.upper}\n",
  };
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(source, name)), { recursive: true });
    await writeFile(path.join(source, name), content);
  }
  const archives = path.join(place.root, 'archives');
  await storage.exec('ansible-galaxy', ['collection', 'build', '--output-path', archives, source]);
  const wanted = 'collections:\n  - name: archives/own-site-1.0.0.tar.gz\n    type: file\n';
  await writeFile(path.join(place.root, 'requirements.yml'), wanted);
  await writeFile(
    path.join(place.root, 'hello.yaml'),
    '- hosts: all\n  gather_facts: false\n  roles: [own.site.hello]\n',
  );
  const { texts, built } = await made({ ansible_requirements: 'requirements.yml' }, 'hello.yaml', 'etc/hello');
  expect(texts).toEqual(['HELLO']);
  expect(built.workspace.steps).toEqual(['collections', 'playbook hello.yaml']);
  await expect(made({}, 'hello.yaml')).rejects.toThrow(/the role 'own.site.hello' was not found/);
  await writeFile(path.join(place.root, 'requirements.yml'), 'collections: [{ name: ./archives, type: dir }]\n');
  await expect(made({ ansible_requirements: 'requirements.yml' }, 'hello.yaml')).rejects.toMatchObject({
    message: 'ansible_requirements: archives is a folder',
  });
});
