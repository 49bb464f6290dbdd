import { cp, mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { differences, listImage } from '../helpers/compare-trees.ts';
import { createRpmRepository } from '../helpers/rpm-repository.ts';
import { addSmallImage, createTree, outcomes, type TestTree } from '../helpers/tree.ts';

/** One layer of each kind, on each other where that can be. */
const files = (repository: string): Readonly<Record<string, string>> => ({
  'layers/debian.yaml': `
options: {layer_type: base, name: debian, pkg_manager: apt, suite: bookworm, publish_local: true}
packages: [python3, less]
`,
  'layers/debian-child.yaml': `
options: {layer_type: base, name: debian-child, pkg_manager: apt, parent: 'localhost/debian:latest', publish_local: true}
packages: [file]
remove_packages: [less]
`,
  'layers/played.yaml': `
options: {layer_type: ansible, name: played, parent: 'localhost/debian:latest', publish_local: true,
  playbooks: play.yaml, inventory: inventory}
`,
  'layers/rpm.yaml': `
options: {layer_type: base, name: rpm, pkg_manager: dnf, releasever: '9', gpgcheck: false, publish_local: true}
repos: [{alias: own, url: 'file://${repository}'}]
packages: [lay-d]
`,
  'layers/rpm-child.yaml': `
options: {layer_type: base, name: rpm-child, pkg_manager: dnf, releasever: '9', gpgcheck: false, force_installroot: true,
  parent: 'localhost/rpm:latest', publish_local: true}
packages: [lay-b]
`,
  'layers/copied.yaml': `
options: {layer_type: base, name: copied, pkg_manager: apt, parent: 'oci:small:1', publish_local: true}
copyfiles: [{src: files, dest: /srv/files}]
cmds: ['echo one > /etc/one; ln -s one /etc/link', 'mkdir -p /srv/made && touch /srv/made/by-one']
`,
  'layers/above.yaml': `
options: {layer_type: base, name: above, pkg_manager: apt, parent: 'localhost/copied:latest', publish_local: true}
cmds: ['rm /etc/link; mkdir /srv/above']
`,
  'files/one': 'one\n',
  'files/deep/two': 'two\n',
  'inventory/hosts.yaml': 'all: {hosts: {}}\n',
  'play.yaml': '- hosts: all\n  roles: [marker]\n',
  'roles/marker/tasks/main.yaml': `
- ansible.builtin.copy: {src: marker, dest: /etc/marker, mode: '0640'}
- ansible.builtin.file: {path: /srv/made, state: directory, mode: '0750'}
`,
  'roles/marker/files/marker': 'first\n',
});
const LAYERS = ['debian', 'debian-child', 'played', 'rpm', 'rpm-child', 'copied', 'above'] as const;

let tree: TestTree;
let clean: TestTree;
let repository: string;

beforeAll(async () => {
  [tree, clean] = [await createTree(), await createTree()];
  const folder = path.join(tree.storage.folder, 'rpms');
  await mkdir(folder);
  repository = (await createRpmRepository(folder, tree.storage.exec)).folder;
  for (const [file, text] of Object.entries(files(repository))) await tree.write(file, text);
  await addSmallImage(tree);
});
afterAll(async () => {
  for (const one of [clean, tree]) await one?.[Symbol.asyncDispose]();
});

async function edit(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(path.join(tree.root, file), 'utf8');
  expect(text).toContain(from);
  await tree.write(file, text.replace(from, to));
}

/** What was built, sorted. */
async function build(where: TestTree): Promise<string[]> {
  const ended = await where.layers(['build', '--all', '--output', 'json']);
  expect([ended.code, ended.stderr]).toEqual([0, '']);
  const built = Object.entries(outcomes(ended)).filter(([, outcome]) => outcome === 'built');
  return built.map(([id]) => id).sort();
}

async function imageOf(where: TestTree, name: string): Promise<string> {
  const args = ['images', '--quiet', '--no-trunc', `localhost/${name}:latest`];
  return (await where.storage.exec('buildah', args)).stdout.trim().replace('sha256:', '');
}

test('everything is built once', async () => {
  expect(await build(tree)).toEqual([...LAYERS].sort());
});

test('roots are edited: a package more, a command changed, a file more; their children follow', async () => {
  await edit('layers/debian.yaml', 'less]', 'less, netbase]');
  await edit('layers/rpm.yaml', '[lay-d]', '[lay-d, lay-c]');
  await edit('layers/copied.yaml', 'echo one', 'echo another');
  await tree.write('files/deep/three', 'three\n');
  await rm(path.join(tree.root, 'files/one'));
  expect(await build(tree)).toEqual([...LAYERS].sort());
});

test('children are edited: their parents stay as they are', async () => {
  await edit('layers/debian-child.yaml', '[file]', '[file, netcat-openbsd]');
  await edit('roles/marker/tasks/main.yaml', "'0640'", "'0600'");
  await tree.write('roles/marker/files/marker', 'second\n');
  await edit('layers/rpm-child.yaml', '[lay-b]', '[lay-a]');
  await edit('layers/above.yaml', 'mkdir /srv/above', 'mkdir /srv/below');
  expect(await build(tree)).toEqual(['above', 'debian-child', 'played', 'rpm-child']);
});

test('a parent that is built again to equal content keeps its image, and its child is not built', async () => {
  const before = await imageOf(tree, 'copied');
  await edit('layers/copied.yaml', 'echo another >', 'echo  another  >');
  expect(await build(tree)).toEqual(['copied']);
  expect(await imageOf(tree, 'copied')).toBe(before);
});

test('all of it equals a build from nothing elsewhere, by a user with another umask, times included', async () => {
  for (const name of ['layers', 'files', 'inventory', 'roles', 'play.yaml', 'small']) {
    await cp(path.join(tree.root, name), path.join(clean.root, name), { recursive: true });
  }
  const umask = process.umask(0o077);
  try {
    expect(await build(clean)).toEqual([...LAYERS].sort());
  } finally {
    process.umask(umask);
  }
  for (const name of LAYERS) {
    const [rebuilt, fromNothing] = await Promise.all(
      [tree, clean].map(async (where) => listImage(await imageOf(where, name), where.storage)),
    );
    expect(rebuilt!.size).toBeGreaterThan(3);
    expect.soft(differences(rebuilt!, fromNothing!, { times: true }), name).toEqual([]);
  }
});
