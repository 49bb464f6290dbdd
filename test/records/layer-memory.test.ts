import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { InputSet, ProbeKey } from '../../tool/src/recipe/input-set.ts';
import type { KnownBuild } from '../../tool/src/recipe/known-build.ts';
import { combineRecipe, type RecipeKey, recipeKeyOf } from '../../tool/src/recipe/recipe.ts';
import { findBuild, keepBuild, knownInputSets, type LayerMemory } from '../../tool/src/records/layer-memory.ts';
import { createLocalMemory, imageFolder } from '../../tool/src/records/local-memory.ts';
import { type Memory, MemoryUnreachable, type ToKeep } from '../../tool/src/records/memory.ts';
import type { Workspace } from '../../tool/src/system/workspace.ts';
import { content, knownBuild } from '../helpers/facts.ts';
import { layer } from '../helpers/layers.ts';

const NO_WORKSPACE = {} as Workspace;
const PROBE = 'f'.repeat(64) as ProbeKey;
const SET: InputSet = { version: 2, read: ['a'], probed: [], listed: [] };

let graphRoot: string;
let warnings: string[];
beforeEach(() => {
  graphRoot = mkdtempSync(join(tmpdir(), 'memory-'));
  warnings = [];
});
afterEach(() => rmSync(graphRoot, { recursive: true }));

/** A build of this machine, its image in storage. */
function built(word: string): ToKeep {
  const recipe = combineRecipe({
    stepVersion: 1,
    architecture: 'amd64',
    settings: {},
    tools: {},
    environment: {},
    files: {},
    parent: { kind: 'scratch' },
  });
  const local = { id: `image-${word}`, graphRoot, driver: 'overlay', size: 1 };
  mkdirSync(imageFolder(local), { recursive: true });
  return { ...knownBuild(recipeKeyOf(recipe), word), recipe, image: { local }, layer: layer('a') };
}

/** A shared place in memory that behaves as `Memory` says. */
function sharedPlace(): Memory & { readonly builds: Map<RecipeKey, KnownBuild> } {
  const builds = new Map<RecipeKey, KnownBuild>();
  const sets = new Map<ProbeKey, InputSet[]>();
  return {
    builds,
    place: 'r/cache',
    find: async (key) => builds.get(key),
    inputSets: async (key) => sets.get(key) ?? [],
    recipe: async () => undefined,
    async keep({ layer: _layer, recipe: _recipe, ...build }, _, { replace }) {
      const shared = { place: 'r/cache', digest: `sha256:image of ${build.content}`, size: 1 };
      if (replace || !builds.has(build.recipeKey)) builds.set(build.recipeKey, { ...build, image: { shared } });
      return builds.get(build.recipeKey) as KnownBuild;
    },
    keepInputSet: async (key, set) => void sets.set(key, [set, ...(sets.get(key) ?? [])]),
    pull: async () => ({ id: 'pulled', graphRoot, driver: 'overlay', size: 1 }),
  };
}

const unreachable: Memory = {
  ...sharedPlace(),
  find: async () => {
    throw new MemoryUnreachable('r/cache cannot be reached');
  },
  keep: async () => {
    throw new MemoryUnreachable('r/cache cannot be reached');
  },
};

function memory(shared?: Memory, writes = true): LayerMemory {
  const warn = (message: string) => void warnings.push(message);
  return { local: createLocalMemory(graphRoot), ...(shared && { shared }), writes, warn };
}

test('what this machine built is found by its key while its image is in storage, and by its input set', async () => {
  const build = built('ours');
  await keepBuild(memory(), build, NO_WORKSPACE, { replace: false, inputs: { key: PROBE, set: SET } });
  const found = await findBuild(memory(), build.recipeKey);
  expect(found).toMatchObject({ content: content('ours'), image: build.image });
  expect(await knownInputSets(memory(), PROBE)).toEqual([SET]);
  expect(await createLocalMemory(graphRoot).recipe(build.recipeKey)).toEqual(build.recipe);
  rmSync(imageFolder(build.image.local), { recursive: true });
  expect(await findBuild(memory(), build.recipeKey)).toBeUndefined();
});

test('what is kept of a record is its build, and is found', async () => {
  const build = built('ours');
  const record = { ...build, version: 2, id: 'a', publications: {}, externalParent: 'r/parent:1' };
  const kept = await keepBuild(memory(), record, NO_WORKSPACE, { replace: false });
  expect(kept).toEqual({ ...knownBuild(build.recipeKey, 'ours'), image: build.image });
  expect(await findBuild(memory(), build.recipeKey)).toEqual(kept);
});

test('a shared place that was emptied has a build no more, though this machine remembers that it had', async () => {
  const place = sharedPlace();
  const build = built('ours');
  await keepBuild(memory(place), build, NO_WORKSPACE, { replace: false });
  expect((await findBuild(memory(place), build.recipeKey))?.image.shared?.place).toBe(place.place);
  place.builds.clear();
  expect((await findBuild(memory(place), build.recipeKey))?.image).toEqual(build.image);
  expect((await findBuild(memory(unreachable), build.recipeKey))?.image.shared?.place).toBe(place.place);
  rmSync(imageFolder(build.image.local), { recursive: true });
  expect(await findBuild(memory(place), build.recipeKey)).toBeUndefined();
});

test.each([
  ['cut off', (text: string) => text.slice(0, 40)],
  ['changed', (text: string) => text.replace('ours', 'evil')],
])('a file that was %s is not believed', async (_, damage) => {
  const build = built('ours');
  await keepBuild(memory(), build, NO_WORKSPACE, { replace: false });
  const folder = join(graphRoot, 'layers-builds');
  for (const name of readdirSync(folder)) {
    writeFileSync(join(folder, name), damage(readFileSync(join(folder, name), 'utf8')));
  }
  expect(await findBuild(memory(), build.recipeKey)).toBeUndefined();
});

test('who was first under a key wins: its content counts, with the image where it is', async () => {
  const shared = sharedPlace();
  const [first, second] = [built('first'), built('second')];
  await shared.keep(first, NO_WORKSPACE, { replace: false });
  const kept = await keepBuild(memory(shared), second, NO_WORKSPACE, { replace: false });
  expect(kept.content).toBe(content('first'));
  expect(kept.image.local).toBeUndefined();
  expect((await findBuild(memory(shared), second.recipeKey))?.content).toBe(content('first'));
});

test('equal content keeps both places; what replaces is ours in both', async () => {
  const shared = sharedPlace();
  const kept = await keepBuild(memory(shared), built('ours'), NO_WORKSPACE, { replace: false });
  expect(kept.image).toMatchObject({ local: { id: 'image-ours' }, shared: { place: 'r/cache' } });
  const forced = await keepBuild(memory(shared), built('newer'), NO_WORKSPACE, { replace: true });
  expect(forced.content).toBe(content('newer'));
  expect(shared.builds.get(forced.recipeKey)?.content).toBe(content('newer'));
});

test('a place that may only be read gets nothing', async () => {
  const shared = sharedPlace();
  await keepBuild(memory(shared, false), built('ours'), NO_WORKSPACE, {
    replace: false,
    inputs: { key: PROBE, set: SET },
  });
  expect(shared.builds.size).toBe(0);
  expect(await shared.inputSets(PROBE)).toEqual([]);
});

test('a place that cannot be reached is a warning, and the build is kept here', async () => {
  const build = built('ours');
  const kept = await keepBuild(memory(unreachable), build, NO_WORKSPACE, { replace: false });
  expect(kept.image).toEqual(build.image);
  expect(await findBuild(memory(unreachable), build.recipeKey)).toMatchObject({ content: content('ours') });
  expect(new Set(warnings)).toEqual(new Set(['r/cache cannot be reached']));
});

test('of two contents under one key the shared one counts', async () => {
  const shared = sharedPlace();
  await keepBuild(memory(), built('ours'), NO_WORKSPACE, { replace: false });
  const theirs = built('theirs');
  await shared.keep(theirs, NO_WORKSPACE, { replace: false });
  expect((await findBuild(memory(shared), theirs.recipeKey))?.content).toBe(content('theirs'));
});
