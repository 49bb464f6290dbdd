import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { keepRecipes, recipesOfRun, runsNamed } from '../../tool/src/run/run-recipes.ts';
import { recordOf } from '../helpers/facts.ts';
import { layer } from '../helpers/layers.ts';

const state = mkdtempSync(join(tmpdir(), 'layers-recipes-'));
afterAll(() => rmSync(state, { recursive: true, force: true }));

test('a run keeps its recipes, found by the beginning of its id', async () => {
  expect(runsNamed(join(state, 'nowhere'), 'x')).toEqual([]);
  for (const run of ['20261124-1', '20261124-2']) mkdirSync(join(state, 'runs', run), { recursive: true });
  expect(runsNamed(state, '2026')).toEqual(['20261124-2', '20261124-1']);
  const one = layer('a');
  const { recipe, recipeKey } = recordOf(one, { kind: 'scratch' });
  const kept = new Map([[one.id, { recipe, recipeKey }]]);
  await keepRecipes(join(state, 'runs/20261124-1'), kept);
  expect(recipesOfRun(state, '20261124-1')).toEqual(kept);
  expect(recipesOfRun(state, '20261124-2')).toBeUndefined();
  writeFileSync(join(state, 'runs/20261124-2/recipes.json'), '{"version":1');
  expect(recipesOfRun(state, '20261124-2')).toBeUndefined();
});
