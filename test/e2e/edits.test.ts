import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
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

/** Why --affected selects `site` on a machine without records; undefined where it does not. */
async function whySiteIsAffected(more: readonly string[] = []): Promise<string | undefined> {
  const state = mkdtempSync(path.join(tmpdir(), 'layers-edits-state-'));
  try {
    const ended = await tree.layers(['plan', '--affected', 'HEAD', '--state', state, ...more], tree.env);
    expect([ended.code, ended.stderr]).toEqual([0, expect.stringContaining('affected since HEAD')]);
    return /^ {2}site: (.*)$/m.exec(ended.stderr)?.[1];
  } finally {
    rmSync(state, { recursive: true });
  }
}

test('a fresh machine knows what a change affects by what others recorded; where nobody did, it plans too much', async () => {
  editsOf(tree).append('README.md', 'more\n');
  expect(await whySiteIsAffected()).toBeUndefined();
  expect(await whySiteIsAffected(['--cache', 'off'])).toContain('is known');
  editsOf(tree).append('playbooks/computed/x.txt', 'more\n');
  expect(await whySiteIsAffected()).toContain('is known');
});
