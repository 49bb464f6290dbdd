import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRegistryPublisher } from '../../tool/src/publish/registry.ts';
import type { InputSet, ProbeKey } from '../../tool/src/recipe/input-set.ts';
import { type ContentDigest, combineRecipe, type Recipe, recipeKeyOf } from '../../tool/src/recipe/recipe.ts';
import { keyTagOf } from '../../tool/src/records/key-tag.ts';
import type { Memory, ToKeep } from '../../tool/src/records/memory.ts';
import { createRegistryMemory } from '../../tool/src/records/registry-memory.ts';
import { parseManifest } from '../../tool/src/system/registry/manifest.ts';
import { Registries } from '../../tool/src/system/registry/registries.ts';
import { type ContainerStorage, createContainerStorage } from '../helpers/container-storage.ts';
import { layer } from '../helpers/layers.ts';
import {
  buildTinyImage,
  publishedImage,
  type RecordingWorkspace,
  recordingWorkspace,
} from '../helpers/publish-workspace.ts';
import { startFaultyProxy } from '../services/faulty-proxy.ts';
import { type RegistryService, startRegistry } from '../services/registry.ts';

/** Compression is part of what a layer's digest is of: the same on every machine. */
const OPTIONS = { registry_opts_push: '--tls-verify=false --compression-level=1' };
const POLICY = { attempts: 7, baseMs: 20, capMs: 200 };

let storage: ContainerStorage;
let workspace: RecordingWorkspace;
let registry: RegistryService;
let images: readonly [string, string];
let warnings: string[];

beforeAll(async () => {
  storage = await createContainerStorage();
  registry = await startRegistry(path.join(storage.folder, 'registry'));
  workspace = await recordingWorkspace(storage.folder, { exec: storage.exec });
  const build = (text: string) => buildTinyImage(workspace.buildah, storage.folder, { 'usr/share/text': text });
  images = [await build('one'), await build('two')];
});
afterAll(async () => {
  await registry?.end();
  await storage?.[Symbol.asyncDispose]();
});

/** As a process of its own sees it: its connections, and what it has said. */
function memoryOf(repository: string, host = registry.host): Memory {
  warnings = [];
  return createRegistryMemory(`${host}/${repository}`, {
    options: ['--tls-verify=false', '--compression-level=1', '--format', 'docker'],
    root: workspace.root,
    warn: (message) => warnings.push(message),
    registries: new Registries(storage.env),
    policy: POLICY,
  });
}

const recipeOf = (name: string): Recipe =>
  combineRecipe({
    stepVersion: 1,
    architecture: 'amd64',
    settings: { name },
    tools: {},
    environment: {},
    files: {},
    parent: { kind: 'scratch' },
  });

async function toKeep(name: string, imageId = images[0], more: Partial<ToKeep> = {}): Promise<ToKeep> {
  const recipe = recipeOf(name);
  return {
    layer: layer(`memory/${name}`, OPTIONS),
    recipe,
    recipeKey: recipeKeyOf(recipe),
    content: `sha256:${'c'.repeat(64)}` as ContentDigest,
    image: { local: { id: imageId, size: 1, ...(await workspace.buildah.store()) } },
    inheritedLabels: { vendor: 'upstream' },
    builtAt: '2026-01-02T03:04:05.000Z',
    lastBuiltAt: '2026-02-02T03:04:05.000Z',
    durationMs: 1234,
    repositories: { 'http://mirror.example/InRelease': `sha256:${'1'.repeat(64)}` },
    ...more,
  };
}

const once = { replace: false };
const stored = (digest: string) =>
  path.join(
    storage.folder,
    'registry/storage/docker/registry/v2/blobs/sha256',
    digest.slice(7, 9),
    digest.slice(7),
    'data',
  );

test('what one machine keeps another finds by one request, pulls by digest, and knows the recipe of', async () => {
  const build = await toKeep('kept');
  expect(await memoryOf('kept').find(build.recipeKey)).toBeUndefined();
  const kept = await memoryOf('kept').keep(build, workspace, once);
  const other = await createContainerStorage();
  try {
    const place = await recordingWorkspace(other.folder, { exec: other.exec });
    const memory = memoryOf('kept');
    const found = await memory.find(build.recipeKey);
    expect(found).toEqual(kept);
    const { layer: _layer, recipe, image: _image, ...facts } = build;
    expect(found).toMatchObject(facts);
    expect(await memory.recipe(build.recipeKey)).toEqual(recipe);
    const pulled = await memory.pull(found!, place);
    expect(pulled).toMatchObject({ id: images[0], ...(await place.buildah.store()) });
    expect(warnings).toEqual([]);
  } finally {
    await other[Symbol.asyncDispose]();
  }
  // Once: a second build of the same recipe adopts the first, unless it is to replace it.
  const again = await toKeep('kept', images[1], { content: `sha256:${'d'.repeat(64)}` as ContentDigest });
  expect(await memoryOf('kept').keep(again, workspace, once)).toEqual(kept);
  expect((await memoryOf('kept').keep(again, workspace, { replace: true })).content).toBe(again.content);
});

test('two keepers of one key at the same time: both get the same build', async () => {
  for (let round = 0; round < 3; round++) {
    const [a, b] = await Promise.all([
      toKeep(`race${round}`),
      toKeep(`race${round}`, images[1], { content: `sha256:${'d'.repeat(64)}` as ContentDigest }),
    ]);
    const both = await Promise.all([
      memoryOf('race').keep(a!, workspace, once),
      memoryOf('race').keep(b!, workspace, once),
    ]);
    expect(both[0]).toEqual(both[1]);
    expect(await memoryOf('race').find(a!.recipeKey)).toEqual(both[0]);
  }
});

test('a manifest changed in the registry’s storage is ignored and said once; the next build takes its place', async () => {
  const build = await toKeep('poisoned');
  const { image } = await memoryOf('poisoned').keep(build, workspace, once);
  const file = stored(image.shared!.digest);
  await writeFile(file, (await readFile(file, 'utf8')).replaceAll('cccccc', 'eeeeee'));
  const memory = memoryOf('poisoned');
  expect(await memory.find(build.recipeKey)).toBeUndefined();
  expect(await memory.find(build.recipeKey)).toBeUndefined();
  expect(warnings).toEqual([expect.stringContaining('damaged')]);
  await expect(memory.pull({ ...build, image }, workspace)).rejects.toMatchObject({ name: 'ImageGone' });
  const later = await toKeep('poisoned', images[0], { lastBuiltAt: '2026-03-03T03:04:05.000Z' });
  expect((await memory.keep(later, workspace, once)).lastBuiltAt).toBe(later.lastBuiltAt);
  expect(workspace.warnings.at(-1)).toContain('replaced');
  expect(await memoryOf('poisoned').find(build.recipeKey)).toMatchObject({ lastBuiltAt: later.lastBuiltAt });
});

test('a key tag that names another image is not a hit', async () => {
  const build = await toKeep('foreign');
  const target = `docker://${registry.host}/foreign:${keyTagOf(build.recipeKey)}`;
  await workspace.buildah.push(images[1], target, ['--tls-verify=false']);
  expect(await memoryOf('foreign').find(build.recipeKey)).toBeUndefined();
  expect(warnings).toHaveLength(1);
  const kept = await memoryOf('foreign').keep(build, workspace, once);
  expect(await memoryOf('foreign').find(build.recipeKey)).toEqual(kept);
});

test('a deleted tag, and a deleted blob', async () => {
  const build = await toKeep('deleted');
  const memory = memoryOf('deleted');
  const kept = await memory.keep(build, workspace, once);
  const repository = new Registries(storage.env).repository(
    memory.place,
    { tlsVerify: false },
    { effort: 'work', policy: POLICY },
  );
  const manifest = parseManifest((await repository.manifest(kept.image.shared!.digest))!.bytes)!;
  await rm(stored(manifest.layers[0]!.digest));
  const other = await createContainerStorage();
  try {
    const place = await recordingWorkspace(other.folder, { exec: other.exec });
    await expect(memory.pull(kept, place)).rejects.toMatchObject({ name: 'ImageGone' });
  } finally {
    await other[Symbol.asyncDispose]();
  }
  await repository.deleteManifest(kept.image.shared!.digest);
  expect(await memoryOf('deleted').find(build.recipeKey)).toBeUndefined();
  expect(warnings).toEqual([]);
  await expect(memory.pull(kept, workspace)).rejects.toMatchObject({ name: 'ImageGone' });
});

test('input sets: newest first, each once, at most sixteen', async () => {
  const key = 'a'.repeat(64) as ProbeKey;
  const set = (name: string): InputSet => ({ version: 2, read: [name], probed: [], listed: [] });
  const memory = memoryOf('sets');
  expect(await memory.inputSets(key)).toEqual([]);
  for (let i = 0; i < 18; i++) await memory.keepInputSet(key, set(`file-${i}`));
  await memory.keepInputSet(key, set('file-10'));
  const names = (await memoryOf('sets').inputSets(key)).map(({ read }) => read[0]);
  expect(names).toHaveLength(16);
  expect(names.slice(0, 3)).toEqual(['file-10', 'file-17', 'file-16']);
  expect(await memory.inputSets('b'.repeat(64) as ProbeKey)).toEqual([]);
  // Two machines at once: none is lost.
  await Promise.all([
    memoryOf('sets').keepInputSet(key, set('left')),
    memoryOf('sets').keepInputSet(key, set('right')),
  ]);
  const after = (await memory.inputSets(key)).map(({ read }) => read[0]);
  expect(after).toContain('left');
  expect(after).toContain('right');
});

test('keeping goes on through 503s and resets; a registry that is down is unreachable, quickly and in words', async () => {
  let left = 6;
  const proxy = await startFaultyProxy(registry.host, (request) => {
    const hits = /manifests|uploads/.test(request.url ?? '') && left-- > 0;
    return hits ? { status: 503 } : undefined;
  });
  const build = await toKeep('faults');
  try {
    const kept = await memoryOf('faults', proxy.host).keep(build, workspace, once);
    expect(left).toBeLessThanOrEqual(0);
    expect(await memoryOf('faults').find(build.recipeKey)).toMatchObject({ content: kept.content });
  } finally {
    proxy.close();
  }
  const dead = memoryOf('faults', proxy.host);
  await expect(dead.find(build.recipeKey)).rejects.toMatchObject({ name: 'MemoryUnreachable' });
  await expect(dead.keep(build, workspace, once)).rejects.toMatchObject({ name: 'MemoryUnreachable' });
});

test('publishing from the key tag of a cache: every tag without a layer sent, and a second machine gives the same digest', async () => {
  const build = await toKeep('cached');
  const { image } = await memoryOf('cache').keep(build, workspace, once);
  const repository = `${registry.host}/site/cached`;
  const destination = { kind: 'registry', key: '', repository, tags: ['one', 'two'] } as const;
  const nothing = () => Promise.reject(new Error('no image is wanted here'));
  const lines = async () =>
    (await readFile(registry.log, 'utf8')).split('\n').filter((line) => line.includes('/v2/site/cached/'));
  const labels = { 'org.openchami.image.name': 'cached' };
  const publisher = () => createRegistryPublisher({ policy: POLICY, registries: new Registries(storage.env) });
  const wanted = publishedImage(images[0], OPTIONS, 'memory/cached', {
    labels,
    shared: image.shared!,
    local: nothing,
    labelled: nothing,
  });
  const publication = await publisher().publish(wanted, destination, workspace, undefined as never);
  const sent = (await lines()).filter((line) => /"(PUT|PATCH) \/v2\/site\/cached\/blobs/.test(line));
  // The configuration.
  expect(sent).toHaveLength(1);
  const { stdout } = await storage.exec('skopeo', ['inspect', '--tls-verify=false', `docker://${repository}:two`]);
  expect(JSON.parse(stdout).Labels).toMatchObject(labels);
  expect(await publisher().observe(wanted, destination, workspace)).toEqual({ ...publication, bytes: 0 });

  // Pushed from a machine that has the image and shares nothing: the same bytes.
  const id = await workspace.buildah.relabel(images[0], labels);
  const pushed = publishedImage(id, OPTIONS, 'memory/cached', { labels });
  const apart = { ...destination, repository: `${registry.host}/site/apart` };
  const second = await publisher().publish(pushed, apart, workspace, undefined as never);
  const digests = [...publication.references, ...second.references].map((one) => one.kind === 'image' && one.digest);
  expect(new Set(digests).size).toBe(1);
});
