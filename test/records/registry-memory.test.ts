import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { InputSet, ProbeKey } from '../../tool/src/recipe/input-set.ts';
import { combineRecipe, recipeKeyOf } from '../../tool/src/recipe/recipe.ts';
import { inputSetsTagOf, recipeTagOf } from '../../tool/src/records/key-tag.ts';
import type { ToKeep } from '../../tool/src/records/memory.ts';
import { INPUT_SETS_TYPE, putDocument, RECIPE_TYPE } from '../../tool/src/records/registry-document.ts';
import { createRegistryMemory } from '../../tool/src/records/registry-memory.ts';
import type { Buildah } from '../../tool/src/system/buildah.ts';
import { Registries } from '../../tool/src/system/registry/registries.ts';
import { buildToKeep } from '../helpers/build-to-keep.ts';
import { type RecordingWorkspace, recordingWorkspace } from '../helpers/publish-workspace.ts';
import { FakeRegistry } from '../services/fake-registry.ts';

const PROBE = 'b'.repeat(64) as ProbeKey;
const recipe = combineRecipe({
  stepVersion: 1,
  architecture: 'amd64',
  settings: { name: 'one' },
  tools: {},
  environment: {},
  files: {},
  parent: { kind: 'scratch' },
});
const build: ToKeep = { ...buildToKeep('one'), recipe, recipeKey: recipeKeyOf(recipe) };
const tag = recipeTagOf(build.recipeKey);

let folder: string;
let registry: FakeRegistry;
let host: string;
let workspace: RecordingWorkspace;
let warnings: string[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-memory-'));
  registry = new FakeRegistry();
  host = await registry.listen();
  warnings = [];
  const push: Buildah['push'] = async (_image, destination) => {
    const [, repository = '', pushed = ''] = /^docker:\/\/[^/]+\/(.+):(.+)$/.exec(destination) ?? [];
    return registry.putImage(repository, pushed);
  };
  const buildah = { push, inspect: async () => undefined } as unknown as Buildah;
  const exec = () => Promise.reject(new Error('no program is wanted here'));
  workspace = await recordingWorkspace(folder, { exec, buildah });
});
afterEach(async () => {
  registry.close();
  await rm(folder, { recursive: true });
});

const repository = () =>
  new Registries({ HOME: folder }).repository(`${host}/a`, { tlsVerify: false }, { effort: 'work' });
/** As a process of its own sees it. */
const memory = () =>
  createRegistryMemory(`${host}/a`, {
    options: ['--tls-verify=false'],
    root: folder,
    warn: (message) => void warnings.push(message),
    registries: new Registries({ HOME: folder }),
  });

test.each<[string, () => unknown]>([
  ['is gone', () => registry.tags.delete(`a:${tag}`)],
  ['is an image', () => registry.putImage('a', tag)],
  ['is another recipe', () => putDocument(repository(), tag, RECIPE_TYPE, { version: 2, settings: {} })],
  ['has changed bytes', () => registry.blobs.set(`a@${registry.tags.get(`a:${tag}`)}`, Buffer.from('{"layers":[]}'))],
])('a recipe that %s is mended by the next build of its key, adopted or kept', async (_what, damage) => {
  const first = await memory().keep(build, workspace, { replace: false });
  for (const replace of [false, true]) {
    await damage();
    expect(await memory().recipe(build.recipeKey)).toBeUndefined();
    expect((await memory().keep(build, workspace, { replace })).content).toBe(first.content);
    expect(await memory().recipe(build.recipeKey)).toEqual(recipe);
  }
  expect(workspace.warnings).toEqual([]);
});

test('a recipe that stands is not put again', async () => {
  await memory().keep(build, workspace, { replace: false });
  await memory().keep(build, workspace, { replace: true });
  expect(registry.count('PUT', new RegExp(`manifests/${tag}$`))).toBe(1);
});

test('what is no input set is left out of a list, and a list of another key is none', async () => {
  const good: InputSet = { version: 2, read: ['good'], probed: [], listed: [] };
  const sets = [null, { ...good, version: 1 }, { ...good, read: [1] }, { ...good, listed: 'all' }, good];
  await putDocument(repository(), inputSetsTagOf(PROBE), INPUT_SETS_TYPE, { key: PROBE, sets });
  expect(await memory().inputSets(PROBE)).toEqual([good]);
  expect(await memory().inputSets(`${'b'.repeat(32)}${'c'.repeat(32)}` as ProbeKey)).toEqual([]);
});
