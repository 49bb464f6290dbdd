import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BuildPlace, buildLayer } from '../helpers/build-layer.ts';
import { type ContainerStorage, createContainerStorage } from '../helpers/container-storage.ts';
import { layer } from '../helpers/layers.ts';
import { placeWith } from '../helpers/place-with.ts';

let storage: ContainerStorage;
let place: BuildPlace;
let base: string;

const FILES = {
  'inventory/hosts.yaml':
    'all: {children: {cluster: {children: {compute: {hosts: {node1: {ansible_host: 10.0.0.1}}}}}}}\n',
  'inventory/group_vars/cluster.yaml': 'site: from-cluster\n',
  'inventory/group_vars/compute.yaml': 'role_of: compute\n',
  'inventory/host_vars/my-image.yaml': 'ansible_host: 10.9.9.9\nansible_connection: ssh\nfrom_host_vars: yes-it-is\n',
  'playbooks/group_vars/all.yaml': 'beside_playbook: beside\n',
  'playbooks/site.yaml': `
- hosts: other
  tasks: [{ name: never, command: /bin/false }]
- hosts: compute
  become: true
  roles: [marker]
  tasks:
    - name: a group from our side
      ansible.builtin.copy:
        dest: /etc/groups
        content: "{{ group_names | sort | join(',') }} {{ password }}\\n"
      tags: [groups]
`,
  'playbooks/roles/marker/tasks/main.yaml': `
- name: write what is known
  ansible.builtin.template:
    src: marker.j2
    dest: /etc/marker
    mode: '0640'
  notify: told
- name: run inside
  ansible.builtin.command: cat /etc/marker
  register: shown
  changed_when: false
- name: left out
  ansible.builtin.command: /bin/false
  tags: [broken]
`,
  'playbooks/roles/marker/templates/marker.j2':
    '{{ inventory_hostname }} {{ site }} {{ role_of }} {{ from_host_vars }} {{ beside_playbook }}\n',
  'playbooks/roles/marker/handlers/main.yaml': '- name: told\n  ansible.builtin.command: touch /etc/told\n',
  'playbooks/failing.yaml':
    '- hosts: all\n  gather_facts: false\n  tasks:\n    - name: break\n      ansible.builtin.command: cat /no/such/file\n',
  'playbooks/rescued.yaml':
    '- hosts: all\n  gather_facts: false\n  tasks:\n    - block: [{ name: try, command: /bin/false }]\n      rescue: [{ name: rescue, command: /bin/true }]\n',
};

beforeAll(async () => {
  storage = await createContainerStorage();
  place = await placeWith(FILES, storage);
  const python = layer('python', { suite: 'bookworm' }, { packages: ['python3'] });
  base = (await buildLayer(python, 'scratch', place)).image;
});
afterAll(() => storage[Symbol.asyncDispose]());

const ansible = (playbooks: string, options: Record<string, unknown> = {}) =>
  layer('a/my-layer', {
    layer_type: 'ansible',
    name: 'my-image',
    pkg_manager: undefined,
    playbooks,
    inventory: 'inventory',
    ...options,
  });

test('a playbook from the host, the image named as the layer says, with all variables of the inventories', async () => {
  const options = { groups: ['compute', 'extra'], vars: { password: 'hunter2-secret' }, ansible_skip_tags: 'broken' };
  const built = await buildLayer(ansible('playbooks/site.yaml', options), base, place, (mounted) => {
    const read = (file: string) => readFileSync(path.join(mounted, file), 'utf8');
    expect(read('etc/marker')).toBe('my-image from-cluster compute yes-it-is beside\n');
    expect(read('etc/groups')).toBe('cluster,compute,extra hunter2-secret\n');
    expect(readdirSync(path.join(mounted, 'tmp'))).toEqual([]);
    for (const file of ['root/.ansible', 'etc/hosts', 'etc/resolv.conf']) {
      expect(existsSync(path.join(mounted, file)), file).toBe(false);
    }
    expect(existsSync(path.join(mounted, 'etc/told'))).toBe(true);
  });
  expect(built.workspace.steps).toEqual(['playbook site.yaml']);
  const { read = [], probed = [], listed = [] } = built.report.trace ?? {};
  for (const file of ['inventory/group_vars/cluster.yaml', 'playbooks/roles/marker/templates/marker.j2']) {
    expect(read).toContain(path.join(place.root, file));
  }
  expect(probed).toContain(path.join(place.root, 'playbooks/roles/marker/vars'));
  expect(listed).toContain(path.join(place.root, 'inventory'));
  // Of the container and the storage nothing is left.
  expect([...read, ...probed, ...listed].filter((file) => file.includes('/overlay/'))).toEqual([]);
  expect(built.workspace.warnings).toEqual([]);
  // Facts, two tasks of the role and one of the play for our host; the other play and the left-out task count beforehand.
  const progress = built.workspace.progressed;
  expect(progress.map(([text]) => text)).toEqual([
    'Gathering Facts',
    'marker : write what is known',
    'marker : run inside',
    'a group from our side',
    'marker : told',
  ]);
  expect(progress.at(-1)).toEqual(['marker : told', 4, 7]);
  expect(built.output.join('\n')).toContain('TASK [marker : run inside]');
  expect(existsSync(path.join(place.root, 'playbooks/site.retry'))).toBe(false);
});

test('a failed task is told with its file and line; one that was rescued is no failure', async () => {
  const failure = await buildLayer(ansible('playbooks/failing.yaml'), base, place).catch((error: Error) => error);
  expect(failure).toMatchObject({
    name: 'BuildFailure',
    message: expect.stringMatching(
      /^TASK \[break\] \(playbooks\/failing\.yaml:4\) failed: non-zero return code\n.*No such file/s,
    ),
  });
  await buildLayer(ansible('playbooks/rescued.yaml'), base, place);
});

test('a playbook that is for other hosts is a failure', async () => {
  await expect(buildLayer(ansible('playbooks/site.yaml', { groups: [] }), base, place)).rejects.toMatchObject({
    message: 'no play of playbooks/site.yaml is for my-image',
    hint: 'its groups are: none; `groups` under `options` adds more',
  });
});
