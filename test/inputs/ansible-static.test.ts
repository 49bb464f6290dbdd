import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createInputTree, type InputTree, settle } from './input-tree.ts';

const site = { playbooks: ['playbooks/site.yaml'] };

async function read(tree: InputTree, options: Record<string, unknown> = site): Promise<string[]> {
  return Object.keys((await tree.ansible(options)).files);
}

function play(body: string): string {
  return `- hosts: all\n${body.replace(/^/gm, '  ')}\n`;
}

test('the roles that a play names count, with what they depend on; others and their texts do not', async () => {
  using tree = createInputTree({
    'playbooks/site.yaml': play('roles: [chrony, {role: users, when: true}]'),
    'playbooks/roles/chrony/tasks/main.yml': '- include_role: {name: ntp}\n- ansible.builtin.import_role: name=dns',
    'playbooks/roles/chrony/templates/chrony.conf.j2': '',
    'playbooks/roles/chrony/README.md': '',
    'playbooks/roles/chrony/molecule/default/molecule.yml': '',
    'playbooks/roles/chrony/files/README.md': '',
    'playbooks/roles/users/meta/main.yml': 'dependencies: [groups, {role: pam}]',
    'playbooks/roles/ntp/defaults/main.yml': '',
    'playbooks/roles/dns/defaults/main.yml': '',
    'playbooks/roles/groups/defaults/main.yml': '',
    'playbooks/roles/pam/defaults/main.yml': '',
    'playbooks/roles/unused/defaults/main.yml': '',
    'playbooks/other.yaml': play('roles: [unused]'),
  });
  expect(await read(tree)).toEqual([
    'playbooks/roles/chrony/files/README.md',
    'playbooks/roles/chrony/tasks/main.yml',
    'playbooks/roles/chrony/templates/chrony.conf.j2',
    'playbooks/roles/dns/defaults/main.yml',
    'playbooks/roles/groups/defaults/main.yml',
    'playbooks/roles/ntp/defaults/main.yml',
    'playbooks/roles/pam/defaults/main.yml',
    'playbooks/roles/users/meta/main.yml',
    'playbooks/site.yaml',
  ]);
});

test('a role whose name is only known later may be any that fits', async () => {
  using tree = createInputTree({
    'playbooks/site.yaml': play('tasks:\n- include_role: {name: "os_{{ os }}"}'),
    'playbooks/roles/os_debian/tasks/main.yml': '',
    'playbooks/roles/os_rocky/tasks/main.yml': '',
    'playbooks/roles/other/tasks/main.yml': '',
  });
  expect(await read(tree)).toEqual([
    'playbooks/roles/os_debian/tasks/main.yml',
    'playbooks/roles/os_rocky/tasks/main.yml',
    'playbooks/site.yaml',
  ]);
});

test('files that tasks name count, wherever Ansible looks for them', async () => {
  using tree = createInputTree({
    'playbooks/site.yaml': [
      '- import_playbook: sub/more.yaml',
      play(
        [
          'vars_files: [vars/a.yml, "vars/os/{{ os }}.yml"]',
          'tasks:',
          '- include_tasks: tasks/one.yml',
          '- ansible.builtin.copy: {src: beside.conf, dest: /etc/beside.conf}',
          '- template: src=t.j2 dest=/etc/t',
          '- script: tool.sh --now',
          "- debug: {msg: \"{{ lookup('file', 'key.pub') }}\"}",
          '- copy: {src: "{{ playbook_dir }}/far/x", dest: /x}',
        ].join('\n'),
      ),
    ].join('\n'),
    'playbooks/sub/more.yaml': play('roles: [local]'),
    'playbooks/sub/roles/local/tasks/main.yml': '',
    'playbooks/sub/group_vars/all.yml': '',
    'playbooks/vars/a.yml': 'conf: named-by-variable',
    'playbooks/vars/b.yml': '',
    'playbooks/vars/os/debian.yml': '',
    'playbooks/tasks/one.yml': '- import_tasks: two.yml',
    'playbooks/tasks/two.yml': '- copy: {src: "{{ conf }}", dest: /y}',
    'playbooks/tasks/three.yml': '',
    'playbooks/beside.conf': '',
    'playbooks/named-by-variable': '',
    'playbooks/templates/t.j2': '',
    'playbooks/tool.sh': '',
    'playbooks/key.pub': '',
    'playbooks/far/x': '',
    'playbooks/far/y': '',
    'playbooks/library/module.py': '',
    'playbooks/library/__pycache__/module.pyc': '',
    'playbooks/filter_plugins/f.py~': '',
    'playbooks/notes.txt': '',
  });
  const found = await read(tree);
  expect(found).toEqual(
    [
      ...['beside.conf', 'far/x', 'key.pub', 'library/module.py', 'named-by-variable'],
      // `src: {{ conf }}` may be any file beside the playbook, or in its vars.
      ...['notes.txt', 'site.yaml'],
      ...[
        'sub/group_vars/all.yml',
        'sub/more.yaml',
        'sub/roles/local/tasks/main.yml',
        'tasks/one.yml',
        'tasks/three.yml',
      ],
      ...['tasks/two.yml', 'templates/t.j2', 'tool.sh', 'vars/a.yml', 'vars/b.yml', 'vars/os/debian.yml'],
    ].map((name) => `playbooks/${name}`),
  );
});

test('an include whose name is only known later may be any file of that folder', async () => {
  using tree = createInputTree({
    'playbooks/site.yaml': play('tasks:\n- include_tasks: "{{ os }}.yml"'),
    'playbooks/debian.yml': '- include_role: {name: debian}',
    'playbooks/roles/debian/tasks/main.yml': '- include_tasks: "{{ x }}.yml"',
    'playbooks/roles/debian/tasks/x.yml': '',
    'playbooks/roles/rocky/tasks/main.yml': '',
  });
  const found = await read(tree);
  expect(found).toContain('playbooks/debian.yml');
  expect(found).toContain('playbooks/roles/debian/tasks/x.yml');
  expect(found).not.toContain('playbooks/roles/rocky/tasks/main.yml');
});

test('paths in the image are no inputs, paths of this machine are', async () => {
  using outside = createInputTree({ 'site.key': '1' });
  using tree = createInputTree({
    'playbooks/site.yaml': play(
      [
        'tasks:',
        '- file: {src: /etc/hostname, dest: /etc/x, state: link}',
        '- copy: {src: /etc/hostname, dest: "/etc/{{ x }}/y", remote_src: true}',
        `- copy: {src: ${outside.root}/site.key, dest: /etc/hostname}`,
      ].join('\n'),
    ),
  });
  expect(await read(tree)).toEqual([`${outside.root}/site.key`, 'playbooks/site.yaml']);
});

test('inventories count as Ansible reads them', async () => {
  using tree = createInputTree({
    'playbooks/site.yaml': '',
    'inventory/hosts.yaml': '',
    'inventory/group_vars/all/a.yml': '',
    'inventory/host_vars/x.yml': '',
    'inventory/README.md': '',
    'inventory/hosts.yaml~': '',
    'other/hosts': '',
    'other/group_vars/all.yml': '',
    'other/unrelated': '',
    'group_vars/all.yml': '',
  });
  const { files } = await tree.ansible({
    playbooks: ['playbooks/site.yaml'],
    inventory: ['inventory', 'other/hosts', 'x,'],
  });
  expect(Object.keys(files)).toEqual([
    ...['inventory/group_vars/all/a.yml', 'inventory/host_vars/x.yml', 'inventory/hosts.yaml'],
    ...['other/group_vars/all.yml', 'other/hosts', 'playbooks/site.yaml'],
  ]);
});

test('ansible.cfg counts, and where it says that roles are', async () => {
  using outside = createInputTree({ 'roles/far/tasks/main.yml': '', 'roles/near/tasks/main.yml': '' });
  using tree = createInputTree({
    'ansible.cfg': `[other]\nroles_path = x\n[defaults]\nroles_path = shared:${outside.root}/roles ; both\nvault_password_file = playbooks/files/vault\n`,
    'playbooks/site.yaml': play('roles: [near, far]'),
    'playbooks/files/vault': 'secret',
    'shared/near/tasks/main.yml': '',
    '.ansible.cfg': '[defaults]\n',
  });
  const expected = ['ansible.cfg', 'playbooks/site.yaml', 'role:far/tasks/main.yml', 'shared/near/tasks/main.yml'];
  expect(await read(tree)).toEqual(expected);
});

test('ansible.cfg beside a playbook is for that playbook, unless the root has one', async () => {
  using tree = createInputTree({
    'a/site.yaml': play('roles: [r]'),
    'a/ansible.cfg': '[defaults]\nroles_path = mine\n',
    'a/mine/r/tasks/main.yml': '',
    'b/site.yaml': play('roles: [r]'),
    'b/roles/r/tasks/main.yml': '',
  });
  const options = { playbooks: ['a/site.yaml', 'b/site.yaml'] };
  const own = ['a/mine/r/tasks/main.yml', 'a/site.yaml', 'b/roles/r/tasks/main.yml', 'b/site.yaml'];
  expect(await read(tree, options)).toEqual(['a/ansible.cfg', ...own]);
  tree.write('ansible.cfg', '');
  expect(await read(tree, options)).toEqual(['a/site.yaml', 'ansible.cfg', ...own.slice(2)]);
});

test("the user's ansible.cfg has a symbolic name", async () => {
  using tree = createInputTree({ 'playbooks/site.yaml': '', '.ansible.cfg': '[defaults]\n' });
  // HOME is the root here.
  expect(await read(tree)).toEqual(['.ansible.cfg', 'playbooks/site.yaml']);
  using home = createInputTree({ 'my.cfg': '[defaults]\n' });
  using other = createInputTree({ 'playbooks/site.yaml': '' }, { ANSIBLE_CONFIG: path.join(home.root, 'my.cfg') });
  expect(await read(other)).toEqual(['$ANSIBLE_CONFIG', 'playbooks/site.yaml']);
});

test('what cannot be read as YAML lets everything around it count', async () => {
  using tree = createInputTree({ 'playbooks/site.yaml': '- hosts: [', 'playbooks/roles/r/tasks/main.yml': '' });
  expect(await read(tree)).toEqual(['playbooks/roles/r/tasks/main.yml', 'playbooks/site.yaml']);
  tree.write('playbooks/site.yaml', `a: &a [1, 1]\n${'b: [*a, *a]\n'.repeat(100)}`);
  expect(await read(tree)).toHaveLength(2);
  tree.write('playbooks/site.yaml', '$ANSIBLE_VAULT;1.1;AES256\n6162\n');
  expect(await read(tree)).toEqual(['playbooks/site.yaml']);
});

test('an absent playbook is a mistake that is told', async () => {
  using tree = createInputTree();
  const error = await tree.fixed({ ...site, inventory: 'inventory' }).catch((thrown) => thrown);
  expect(error.diagnostics.map((one: { message: string }) => one.message)).toEqual([
    'playbooks/site.yaml is not there',
    'inventory is not there',
  ]);
});

test('symlinked roles and folders that go in circles', async () => {
  using tree = createInputTree({ 'playbooks/site.yaml': play('roles: [linked]'), 'real/tasks/main.yml': '' });
  mkdirSync(path.join(tree.root, 'playbooks/roles'));
  symlinkSync('../../real', path.join(tree.root, 'playbooks/roles/linked'));
  symlinkSync('..', path.join(tree.root, 'real/tasks/up'));
  const before = await tree.ansible({ playbooks: ['playbooks/site.yaml'] });
  expect(Object.keys(before.files)).toContain('playbooks/roles/linked/tasks/main.yml');
  tree.write('real/tasks/main.yml', '- debug:');
  expect((await tree.ansible({ playbooks: ['playbooks/site.yaml'] })).files).not.toEqual(before.files);
});

test('a remembered scan is made again when something appears that it looked for', async () => {
  using tree = createInputTree({
    'playbooks/site.yaml': play('roles: [r]\ntasks:\n- copy: {src: later.conf, dest: /x}'),
    'playbooks/roles/r/tasks/main.yml': '',
    'ansible/roles/r/tasks/main.yml': '',
  });
  const appearing = ['later.conf', 'files/later.conf', 'group_vars/all.yml', 'roles/r/handlers/main.yml'];
  await settle();
  for (const file of appearing) {
    expect(await read(tree)).not.toContain(`playbooks/${file}`);
    tree.write(`playbooks/${file}`, '');
    await settle();
    expect(await read(tree)).toContain(`playbooks/${file}`);
  }
  tree.write('playbooks/site.yaml', play('roles: [later]'));
  await settle();
  expect(await read(tree)).not.toContain('playbooks/roles/r/tasks/main.yml');
  tree.write('playbooks/roles/later/tasks/main.yml', '');
  expect(await read(tree)).toContain('playbooks/roles/later/tasks/main.yml');
  tree.write('ansible.cfg', '[defaults]\n');
  expect(await read(tree)).toContain('ansible.cfg');
});
