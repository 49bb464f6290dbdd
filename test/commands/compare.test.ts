import { expect, test } from 'vitest';
import { findAgainst, type RecipeSources } from '../../tool/src/commands/compare.ts';
import { differences } from '../../tool/src/recipe/difference.ts';
import { type Recipe, recipeKeyOf } from '../../tool/src/recipe/recipe.ts';
import { whyJson, whyLines } from '../../tool/src/report/why-text.ts';
import { recordOf } from '../helpers/facts.ts';
import { layer } from '../helpers/layers.ts';

const one = layer('a', { vars: { password: 'sentinel' }, layer_type: 'ansible', playbooks: 'p.yaml' });
const named = (name: string): Recipe => ({ ...recordOf(one, { kind: 'scratch' }).recipe, tools: { name } });
const COMMIT = 'abcdef12'.repeat(5);
const KEY = 'abcdef34'.repeat(8);

const nothing: RecipeSources = {
  runs: () => [],
  ofRun: async () => undefined,
  commit: async () => undefined,
  ofCommit: async () => named('commit'),
  keyOfImage: async () => undefined,
  keys: () => [],
  ofKey: async () => undefined,
};

const everything: RecipeSources = {
  ...nothing,
  runs: (prefix) => ['20261124-1', '20261124-2', 'abcdef'].filter((run) => run.startsWith(prefix)),
  ofRun: async (run) => (run === '20261124-1' ? undefined : named(run)),
  commit: async (ref) => (COMMIT.startsWith(ref) || ref === 'main' ? COMMIT : undefined),
  keyOfImage: async (text) => (text === 'r/x:1' ? KEY : undefined),
  keys: (prefix) => [KEY, 'ee11'.repeat(16), 'ee1122'.repeat(10)].filter((key) => key.startsWith(prefix)),
  ofKey: async (key) => named(key.slice(0, 8)),
};

test.each([
  ['20261124-2', 'run', 'run 20261124-2'],
  ['abcdef', 'run', 'run abcdef'],
  ['abcdef12', 'commit', 'commit abcdef12abcd'],
  ['main', 'commit', 'commit abcdef12abcd (main)'],
  ['r/x:1', 'image', 'image r/x:1'],
  ['abcdef34', 'key', 'recipe abcdef34abcd'],
])('%s is a %s', async (text, kind, source) => {
  expect(await findAgainst(text, one, everything)).toMatchObject({ kind, source });
});

test.each([
  ['20261124', 'is the beginning of several runs'],
  ['20261124-1', 'run 20261124-1 kept no recipe of a'],
  ['ee11ee', 'no run, commit, image or recipe'],
  ['r/x:2', 'no run, commit, image or recipe'],
])('%s: %s', async (text, message) => {
  const sources = text === 'ee11ee' ? nothing : everything;
  await expect(findAgainst(text, one, sources)).rejects.toThrow(message);
});

test('own and inherited apart, never a value', () => {
  const content = (word: string) => ({ kind: 'layer', content: word }) as unknown as Recipe['parent'];
  const other = layer('a', { vars: { password: 'other' }, layer_type: 'ansible', playbooks: 'p.yaml' });
  const before = { ...recordOf(one, content('x')).recipe };
  const now = { ...recordOf(other, content('y')).recipe };
  const comparison = {
    id: 'a',
    names: { parent: 'base', toolsImage: '' },
    source: 'run 1',
    keys: { before: recipeKeyOf(before), now: recipeKeyOf(now) },
    changes: differences(before, now),
  };
  const lines = whyLines(comparison);
  expect(lines.slice(1)).toEqual(['  vars.password changed', '  inherited:', '    parent base has other content']);
  expect(lines.join()).not.toMatch(/sentinel/);
  expect(whyJson(comparison)).toMatchObject({
    version: 1,
    same: false,
    reasons: [{ text: 'vars.password changed', inherited: false }, { inherited: true }],
  });
  const same = { ...comparison, keys: { before: 'k', now: 'k' }, changes: [] };
  expect(whyLines(same)).toEqual(['a: same recipe as run 1 (k)']);
});
