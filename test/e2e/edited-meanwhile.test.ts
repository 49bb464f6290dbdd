import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createMeanwhileTree, expectDiscarded, expectKept, type MeanwhileTree } from '../helpers/edited-meanwhile.ts';

// Each build waits at one moment for the test, after it has copied files, or read the template and looked for variables.

const PLAIN = 'pageplainonce second.txt plain one';
/** Only the play knows when Ansible has looked; these go away then, by a shell that no trace sees. */
const FLEETING = ['files/first.txt', 'flag', 'files/globbed/two'];

let tree: MeanwhileTree;

beforeAll(async () => {
  tree = await createMeanwhileTree(`rm -f ${FLEETING.join(' ')}`);
});
afterAll(() => tree?.[Symbol.asyncDispose]());
beforeEach(() => tree.reset());

const write = (name: string, text: string) => () => writeFileSync(tree.file(name), text);
const editAndRevert = (name: string, edited: string) => async () => {
  const before = readFileSync(tree.file(name));
  writeFileSync(tree.file(name), edited);
  await sleep(30);
  writeFileSync(tree.file(name), before);
};
const makeAndRemove = (name: string) => async () => {
  await tree.write(name, 'made: 1\n');
  await sleep(30);
  rmSync(tree.file(name));
};
const atRest = async (name: string) => expect((await tree.layers(['build', name])).stdout).toMatch(/nothing to do/);

test('a build that nobody disturbs is built once', async () => {
  for (const name of ['copied', 'site']) expectKept(await tree.disturb(name, () => {}), name);
  expect(await tree.published('site', 'etc/site')).toBe(PLAIN);
});

test.each(['ansible.cfg', 'playbooks/ansible.cfg'])('a new %s where there was none', async (name) => {
  expectKept(await tree.disturb('site', () => {}), 'site');
  await atRest('site');
  await tree.write(name, '[defaults]\n');
  const { layers } = JSON.parse((await tree.layers(['plan', 'site', '--json'])).stdout);
  rmSync(tree.file(name));
  expect(layers).toMatchObject([{ id: 'site', action: 'build' }]);
  await atRest('site');
});

test('a copied file, edited and reverted', async () => {
  expectDiscarded(await tree.disturb('copied', editAndRevert('files/motd', 'edited\n')), 'copied');
  expect(await tree.published('copied', 'opt/motd')).toBe('welcome');
});

test('a copied file, edited: what is published has the new content, and it is at rest then', async () => {
  expectDiscarded(await tree.disturb('copied', write('files/motd', 'good bye\n')), 'copied');
  expect(await tree.published('copied', 'opt/motd')).toBe('good bye');
  await atRest('copied');
});

test.each([
  ['playbooks/templates/page.j2', 'edited'],
  ['inventory/group_vars/compute.yaml', 'word: edited\n'],
])('what Ansible has read, edited and reverted: %s', async (name, edited) => {
  expectDiscarded(await tree.disturb('site', editAndRevert(name, edited)), 'site');
  expect(await tree.published('site', 'etc/site')).toBe(PLAIN);
  await atRest('site');
});

test('variables of a group, edited: what is published has the new content, and it is at rest then', async () => {
  expectDiscarded(await tree.disturb('site', write('inventory/group_vars/compute.yaml', 'word: new\n')), 'site');
  expect(await tree.published('site', 'etc/site')).toBe(PLAIN.replace('plain', 'new'));
  await atRest('site');
});

test('what an inventory script says, edited: what is published has the new content, and it is at rest then', async () => {
  const said = readFileSync(tree.file('dynamic.json'), 'utf8').replace('once', 'twice');
  expectDiscarded(await tree.disturb('site', write('dynamic.json', said)), 'site');
  expect(await tree.published('site', 'etc/site')).toBe(PLAIN.replace('once', 'twice'));
  await atRest('site');
});

test.each(FLEETING)('there when Ansible looks, and gone before it has ended: %s', async (name) => {
  expectDiscarded(await tree.disturb('site', write(`playbooks/${name}`, 'made')), 'site');
  expect(existsSync(tree.file(`playbooks/${name}`))).toBe(false);
  expect(await tree.published('site', 'etc/site')).toBe(PLAIN);
  await atRest('site');
});

test('gone when Ansible looks, and there again before it has ended', async () => {
  const page = tree.file('playbooks/files/second.txt');
  const playbook = readFileSync(tree.file('playbooks/site.yaml'), 'utf8');
  await tree.write('playbooks/files/third.txt', 'third');
  const later = playbook
    .replace("'second.txt']", "'second.txt', 'third.txt']")
    .replace('rm -f ', `[ -e ${page} ] || mv ${page}.away ${page}; rm -f `);
  await tree.write('playbooks/site.yaml', later);
  const moveAway = async () => {
    const text = readFileSync(page, 'utf8');
    rmSync(page);
    await tree.write('playbooks/files/second.txt.away', text);
  };
  expectDiscarded(await tree.disturb('site', moveAway), 'site');
  expect(await tree.published('site', 'etc/site')).toBe(PLAIN);
});

test('made and removed when Ansible has looked before and looks no more: it disturbed nothing', async () => {
  expectKept(await tree.disturb('site', makeAndRemove('inventory/group_vars/all.yaml')), 'site');
  await atRest('site');
});

test('a program of the playbook makes and removes what Ansible looks at: by the second build it is known as its own', async () => {
  const playbook = readFileSync(tree.file('playbooks/site.yaml'), 'utf8');
  const made = playbook.replace('    wait: "', `    wait: ": > ${tree.file('playbooks/flag')}; `);
  expect(made).not.toBe(playbook);
  await tree.write('playbooks/site.yaml', made);
  expectDiscarded(await tree.disturb('site', () => {}), 'site');
  expect(await tree.published('site', 'etc/site')).toBe(PLAIN.replace(/plain one$/, 'flagged one'));
  await atRest('site');
});
