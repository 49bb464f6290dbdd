import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createInputTree, type InputTree, settle } from './input-tree.ts';

async function read(tree: InputTree, options: Record<string, unknown> = {}): Promise<string[]> {
  return Object.keys((await tree.ansible({ playbooks: ['playbooks/site.yaml'], ...options })).files);
}

const play = (body: string) => `- hosts: all\n${body.replace(/^/gm, '  ')}\n`;
const tasks = (...lines: string[]) => play(['tasks:', ...lines.map((line) => `- ${line}`)].join('\n'));

test('globs are expanded wherever Ansible looks, and again when a file appears', async () => {
  using tree = createInputTree({
    'playbooks/site.yaml': tasks(
      'copy: {src: "{{ item }}", dest: /etc/}\n  with_fileglob: conf/*.conf',
      "debug: {msg: \"{{ lookup('fileglob', 'keys/*.pub') }}\"}",
      'debug: {msg: "*"}',
    ),
    'playbooks/conf/a.conf': '',
    'playbooks/conf/other': '',
    'playbooks/keys/k.pub': '',
    'playbooks/notes.txt': '',
  });
  await settle();
  const before = ['playbooks/conf/a.conf', 'playbooks/keys/k.pub', 'playbooks/notes.txt', 'playbooks/site.yaml'];
  // The notes: `src: {{ item }}` may be any file beside the playbook.
  expect(await read(tree)).toEqual(before);
  tree.write('playbooks/conf/b.conf');
  expect(await read(tree)).toEqual([...before.slice(0, 1), 'playbooks/conf/b.conf', ...before.slice(1)]);
});

test('globs outside the tree are for lookups, which run here', async () => {
  using outside = createInputTree({ 'a.key': '', 'b.txt': '' });
  using tree = createInputTree({
    'playbooks/site.yaml': tasks(`copy: {src: x, dest: /}\n  with_fileglob: ["${outside.root}/*.key"]`),
  });
  expect(await read(tree)).toEqual([`${outside.root}/a.key`, 'playbooks/site.yaml']);
});

test('a name that is known later is looked for in each folder, other playbooks left out', async () => {
  using tree = createInputTree({
    'playbooks/site.yaml': tasks('include_vars: "{{ os }}.yml"', 'include_role: {name: r}'),
    'playbooks/other.yml': play('roles: [unused]'),
    'playbooks/debian.yml': 'a: 1',
    'playbooks/vars/rocky.yml': 'a: 1',
    'playbooks/vars/sub/rocky.yml': 'a: 1',
    'playbooks/vars/notes.txt': '',
    'playbooks/roles/r/tasks/main.yml': '- include_vars: "{{ x }}.yml"',
    'playbooks/roles/unused/tasks/main.yml': '',
  });
  expect(await read(tree)).toEqual([
    'playbooks/debian.yml',
    'playbooks/roles/r/tasks/main.yml',
    'playbooks/site.yaml',
    'playbooks/vars/rocky.yml',
    'playbooks/vars/sub/rocky.yml',
  ]);
});

test('a folder in a variable counts with all that is in it', async () => {
  using tree = createInputTree({
    'playbooks/site.yaml': play(
      'vars:\n  assets: "{{ playbook_dir }}/../assets"\ntasks:\n- copy: {src: "{{ assets }}/ca.pem", dest: /x}',
    ),
    'playbooks/group_vars/all.yml': 'more: ../more\nname: other',
    'playbooks/other/x': '',
    'assets/ca.pem': '',
    'assets/sub/y': '',
    'more/z': '',
    'unrelated/ca.pem': '',
  });
  expect(await read(tree)).toEqual([
    ...['assets/ca.pem', 'assets/sub/y', 'more/z', 'playbooks/group_vars/all.yml', 'playbooks/site.yaml'],
  ]);
});

test("the inventory's folder is known, and what its variables name lies beside the playbook", async () => {
  using tree = createInputTree({
    'playbooks/site.yaml': tasks('copy: {src: "{{ inventory_dir }}/certs/x", dest: /x}'),
    'playbooks/conf/a': '',
    'playbooks/conf/b': '',
    'inv/hosts': '[all:vars]\nconf=conf/b\n',
    'inv/hosts.yaml': 'all: {vars: {conf: conf/a}}',
    'inv/certs/x': '',
    'inv/certs/y': '',
  });
  const found = ['inv/certs/x', 'inv/hosts', 'playbooks/conf/b', 'playbooks/site.yaml'];
  expect(await read(tree, { inventory: ['inv/hosts'] })).toEqual(found);
  expect(await read(tree, { inventory: ['inv/hosts.yaml'] })).toEqual([
    'inv/certs/x',
    'inv/hosts.yaml',
    'playbooks/conf/a',
    'playbooks/site.yaml',
  ]);
});

test('a folder that is known later may be any below the playbooks and the inventory', async () => {
  using tree = createInputTree({
    'playbooks/site.yaml': tasks(
      'copy: {src: "{{ x }}/ca.pem", dest: /x}',
      'copy: {src: "{{ item }}", dest: /x}\n  loop: ["{{ x }}/deep/conf"]',
    ),
    'playbooks/certs/ca.pem': '',
    'playbooks/certs/other.pem': '',
    'playbooks/a/deep/conf/in/it': '',
    'inv/hosts': '',
    'inv/certs/ca.pem': '',
    'elsewhere/ca.pem': '',
  });
  expect(await read(tree, { inventory: ['inv/hosts'] })).toEqual([
    ...['inv/certs/ca.pem', 'inv/hosts', 'playbooks/a/deep/conf/in/it', 'playbooks/certs/ca.pem'],
    'playbooks/site.yaml',
  ]);
});

test('a playbook that is imported counts where it is there; a template may be any that fits', async () => {
  using tree = createInputTree({
    'playbooks/site.yaml': [
      '- import_playbook: "{{ x }}.yaml"',
      '- import_playbook: some.collection.play',
      '- import_playbook: "sub/{{ x }}.yaml"',
    ].join('\n'),
    'playbooks/one.yaml': play('roles: [r]'),
    'playbooks/no.txt': '',
    'playbooks/sub/two.yaml': play('roles: []'),
    'playbooks/roles/r/tasks/main.yml': '',
    'playbooks/roles/other/tasks/main.yml': '',
  });
  expect(await read(tree)).toEqual([
    ...['playbooks/one.yaml', 'playbooks/roles/r/tasks/main.yml', 'playbooks/site.yaml', 'playbooks/sub/two.yaml'],
  ]);
});

test('a folder named like a variable that is unknown adds nothing above the playbooks', async () => {
  using tree = createInputTree({ 'playbooks/site.yaml': play('vars: {up: .., here: ., top: /}'), 'secret/x': '' });
  mkdirSync(path.join(tree.root, 'playbooks/empty'));
  expect(await read(tree)).toEqual(['playbooks/site.yaml']);
});
