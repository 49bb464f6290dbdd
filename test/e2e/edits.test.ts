import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { editsOf } from '../helpers/edits.ts';
import { ANSIBLE_EDITS } from '../helpers/edits-of-ansible.ts';
import { TREE_EDITS } from '../helpers/edits-of-trees.ts';
import { createEditedTree, type EditedTree } from '../helpers/edits-tree.ts';
import { outcomes } from '../helpers/tree.ts';

let tree: EditedTree;

const AT_REST = { app: 'nothing', base: 'nothing', files: 'nothing', leaf: 'nothing', site: 'nothing' };

beforeAll(async () => {
  tree = await createEditedTree();
  const built = await tree.layers(['build', '--all', '--output', 'json'], tree.env);
  expect([built.code, Object.values(outcomes(built)), built.stderr]).toEqual([0, Array(5).fill('built'), '']);
}, 120_000);
afterAll(() => tree?.[Symbol.asyncDispose]());
afterEach(() => tree.restore());

test('nothing was edited: nothing to do, also when all of it was written again', async () => {
  expect(await tree.planned()).toEqual(AT_REST);
  tree.restore();
  expect(await tree.planned()).toEqual(AT_REST);
});

describe('an edit plans exactly what it can affect', () => {
  test.each(Object.entries({ ...ANSIBLE_EDITS, ...TREE_EDITS }))('%s', async (_, edit) => {
    edit.edit?.(editsOf(tree));
    const gone = edit.gone ?? [];
    const rest = Object.fromEntries(Object.entries(AT_REST).filter(([id]) => !gone.includes(id)));
    expect(await tree.planned(edit.env)).toEqual({ ...rest, ...edit.expected });
  });
});
