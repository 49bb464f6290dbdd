import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Edit, editsOf } from '../helpers/edits.ts';
import { ANSIBLE_EDITS } from '../helpers/edits-of-ansible.ts';
import { TREE_EDITS } from '../helpers/edits-of-trees.ts';
import { createEditedTree, type EditedTree } from '../helpers/edits-tree.ts';
import { outcomes } from '../helpers/tree.ts';

// Some of the edits that `edits.test.ts` plans, built one on top of the other.

let tree: EditedTree;

const UNCHANGED = { app: 'unchanged', base: 'unchanged', files: 'unchanged', leaf: 'unchanged', site: 'unchanged' };

beforeAll(async () => {
  tree = await createEditedTree();
  const built = await tree.layers(['build', '--all', '--output', 'json'], tree.env);
  expect([built.code, Object.values(outcomes(built)), built.stderr]).toEqual([0, Array(5).fill('built'), '']);
}, 120_000);
afterAll(() => tree?.[Symbol.asyncDispose]());

/** A file of the image that a layer's record names. */
async function built(id: string, file: string): Promise<string> {
  const buildah = async (...args: string[]) =>
    (await tree.storage.exec('buildah', args, { quiet: true })).stdout.trim();
  const record = JSON.parse(
    readFileSync(path.join(tree.root, `.layers/records/${id}.json`), 'utf8').split('\n')[1] ?? '',
  );
  const container = await buildah('from', '--pull-never', record.image.local.id);
  const text = readFileSync(path.join(await buildah('mount', container), file), 'utf8');
  await buildah('rm', container);
  return text;
}

/** What waits for a layer that is built is built too, where that layer has `new` content, and else stays as it is. */
const RUN: readonly (readonly [name: string, content: 'new' | 'same'])[] = [
  ['tasks of a role', 'same'],
  ['a template', 'new'],
  ['a candidate of first_found before the one that is there', 'new'],
  ['group_vars of all, absent before', 'same'],
  ['a new match of fileglob', 'new'],
  ['a script says something else of its group', 'new'],
  ['handlers that were absent', 'same'],
  ['a role that no play uses', 'same'],
  ['group_vars of another group', 'same'],
  ['a README of a role', 'same'],
  ['a copied file', 'new'],
  ['a tracked file, writable by all on disk', 'same'],
  ['the lowest layer', 'new'],
];

test.each(RUN)('%s', async (name, content) => {
  const edit = { ...ANSIBLE_EDITS, ...TREE_EDITS }[name] as Edit;
  edit.edit?.(editsOf(tree));
  const ended = await tree.layers(['build', '--all', '--output', 'json'], tree.env);
  const expected = Object.entries(edit.expected).map(([id, action]) => {
    return [id, action === 'build' || content === 'new' ? 'built' : 'unchanged'];
  });
  // A run that has nothing to do says so of all layers at once.
  const whole = expected.length === 0 ? {} : UNCHANGED;
  expect([ended.code, outcomes(ended), ended.stderr]).toEqual([0, { ...whole, ...Object.fromEntries(expected) }, '']);
});

test('what was built last has all of that in it', async () => {
  const site = (await built('app', 'etc/site')).replaceAll(/\s+/g, ' ').trim();
  expect(site).toBe(
    'looked up page part# edited {} a.conf,b.conf computed certificate second unseen X here hidden 1 2',
  );
  expect(await built('leaf', 'opt/files/a.txt')).toBe('a\nmore\n');
  expect(await built('app', 'etc/base')).toBe('other\n');
});
