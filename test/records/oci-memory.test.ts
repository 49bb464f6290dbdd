import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ociPublisher } from '../../tool/src/publish/oci.ts';
import type { BootFiles } from '../../tool/src/publish/publisher.ts';
import type { InputSet, ProbeKey } from '../../tool/src/recipe/input-set.ts';
import type { RecipeKey } from '../../tool/src/recipe/recipe.ts';
import { inputSetsTagOf } from '../../tool/src/records/key-tag.ts';
import { type Memory, MemoryUnreachable } from '../../tool/src/records/memory.ts';
import { writeArtefact } from '../../tool/src/records/oci-artefact.ts';
import { removeUnreachable, setTags, tagsOf } from '../../tool/src/records/oci-index.ts';
import { blobPath, MANIFEST_TYPE, writeBlob } from '../../tool/src/records/oci-layout.ts';
import { createOciMemory } from '../../tool/src/records/oci-memory.ts';
import type { Buildah } from '../../tool/src/system/buildah.ts';
import type { Exec } from '../../tool/src/system/command.ts';
import { buildToKeep } from '../helpers/build-to-keep.ts';
import { publishedImage, type RecordingWorkspace, recordingWorkspace } from '../helpers/publish-workspace.ts';

const KEY = 'a'.repeat(64) as RecipeKey;
const PROBE = 'b'.repeat(64) as ProbeKey;
const NO_BOOT: BootFiles = { make: () => Promise.reject(new Error('not asked')) };

let folder: string;
let directory: string;
let memory: Memory;
let warnings: string[];
let workspace: RecordingWorkspace;
/** Images that were pushed out of local storage. */
let pushed: string[];

/** As skopeo writes an image: the content of its one layer is the image's id. */
const skopeo: Exec = async (_file, args) => {
  const target = /^oci:(.*):pushed$/.exec(args.at(-1) ?? '')?.[1];
  const id = /containers-storage:(.*)$/.exec(args.at(-2) ?? '')?.[1];
  if (target === undefined || id === undefined) throw new Error(`unexpected: ${args.join(' ')}`);
  pushed.push(id);
  const layers = [await writeBlob(target, 'application/vnd.oci.image.layer.v1.tar', { id })];
  const config = await writeBlob(target, 'application/vnd.oci.image.config.v1+json', {
    config: { Labels: { 'io.buildah.version': '1', old: 'label' } },
  });
  const manifest = await writeBlob(target, MANIFEST_TYPE, { schemaVersion: 2, config, layers });
  await setTags(target, new Map([['pushed', manifest]]));
  return { argv: [], exitCode: 0, signal: null, durationMs: 0, stdout: '', tail: [] };
};

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-oci-'));
  directory = path.join(folder, 'cache');
  warnings = [];
  pushed = [];
  const buildah = { globalArgs: [], inspect: async () => undefined } as unknown as Buildah;
  workspace = await recordingWorkspace(folder, { exec: skopeo, buildah });
  memory = open();
});
afterEach(() => rm(folder, { recursive: true }));

function open(place = 'oci:cache', at = directory): Memory {
  const warn = (message: string) => void warnings.push(message);
  return createOciMemory({ directory: at, place, warn, signal: new AbortController().signal });
}

const toKeep = (image: string, key: string = KEY, content = 'c') => buildToKeep(image, { key, content });

const set = (name: string): InputSet => ({ version: 2, read: [name], probed: [], listed: [] });
const index = async () => JSON.parse(await readFile(path.join(directory, 'index.json'), 'utf8'));

test('what one machine keeps, another finds: the build, its recipe', async () => {
  expect(await memory.find(KEY)).toBeUndefined();
  const build = toKeep('one');
  const kept = await memory.keep(build, workspace, { replace: false });
  const { layer: _layer, recipe, image, ...facts } = build;
  expect(kept).toMatchObject({ ...facts, image });
  expect(await open().find(KEY)).toEqual({ ...facts, image: { shared: kept.image.shared } });
  expect(kept.image.shared).toEqual({ place: 'oci:cache', digest: expect.any(String), size: '{"id":"one"}'.length });
  expect(await open().recipe(KEY)).toEqual(recipe);
  expect(await readdir(directory)).toEqual(['blobs', 'index.json', 'oci-layout']);
});

test('a key is written once: who comes later adopts, unless it replaces', async () => {
  const first = await memory.keep(toKeep('one'), workspace, { replace: false });
  const second = await open().keep(toKeep('two', KEY, 'd'), workspace, { replace: false });
  expect(second.image.shared).toEqual(first.image.shared);
  expect(second.content).toBe(first.content);
  expect(pushed).toEqual(['one']);
  const third = await open().keep(toKeep('two', KEY, 'd'), workspace, { replace: true });
  expect((await memory.find(KEY))?.image.shared).toEqual(third.image.shared);
  expect(third.content).toBe(`sha256:${'d'.repeat(64)}`);
});

test('sixteen at once, eight of one key: nothing is lost, and one build stands under the key', async () => {
  const keys = Array.from({ length: 8 }, (_, i) => String(i).repeat(64) as RecipeKey);
  const builds = [...keys.map((key) => toKeep(`own-${key[0]}`, key)), ...keys.map((key) => toKeep(`same-${key[0]}`))];
  const kept = await Promise.all(builds.map((build) => open().keep(build, workspace, { replace: false })));
  expect(new Set(kept.slice(8).map(({ image }) => image.shared?.digest)).size).toBe(1);
  expect(pushed).toHaveLength(9);
  for (const key of keys) expect(await memory.find(key)).toBeDefined();
});

test.each([
  ['the manifest has other content', (digest: string) => writeFile(blobPath(directory, digest), '{"layers":[]}')],
  ['the manifest is missing', (digest: string) => rm(blobPath(directory, digest))],
  [
    'a layer is missing',
    async (digest: string) => rm(blobPath(directory, (await manifestAt(digest)).layers[0].digest)),
  ],
  [
    'a layer was cut off',
    async (digest: string) => writeFile(blobPath(directory, (await manifestAt(digest)).layers[0].digest), '{'),
  ],
])('%s: said, not used, and kept anew', async (_what, damage) => {
  const { image } = await memory.keep(toKeep('one'), workspace, { replace: false });
  await damage(image.shared!.digest);
  expect(await open().find(KEY)).toBeUndefined();
  expect(warnings).toEqual([expect.stringContaining('damaged')]);
  await memory.keep(toKeep('one'), workspace, { replace: false });
  expect(await open().find(KEY)).toBeDefined();
});

async function manifestAt(digest: string) {
  return JSON.parse(await readFile(blobPath(directory, digest), 'utf8'));
}

test('the annotations of another key are not believed', async () => {
  await memory.keep(toKeep('one'), workspace, { replace: false });
  const other = `${'a'.repeat(32)}${'b'.repeat(32)}` as RecipeKey;
  expect(await memory.find(other)).toBeUndefined();
  expect(await memory.recipe(other)).toBeUndefined();
});

test('input sets: newest first, each once, sixteen at most, and none of another key', async () => {
  for (let i = 0; i < 20; i += 1) await memory.keepInputSet(PROBE, set(`file-${i}`));
  await memory.keepInputSet(PROBE, set('file-10'));
  const names = (await open().inputSets(PROBE)).map(({ read }) => read[0]);
  expect(names.slice(0, 3)).toEqual(['file-10', 'file-19', 'file-18']);
  expect(names).toHaveLength(16);
  expect(new Set(names).size).toBe(16);
  expect(await memory.inputSets(`${'b'.repeat(32)}${'c'.repeat(32)}` as ProbeKey)).toEqual([]);
  const before = await readFile(path.join(directory, 'index.json'), 'utf8');
  await memory.keepInputSet(PROBE, set('file-10'));
  expect(await readFile(path.join(directory, 'index.json'), 'utf8')).toBe(before);
});

test('a list of input sets that was replaced leaves nothing behind', async () => {
  const { image } = await memory.keep(toKeep('one'), workspace, { replace: false });
  for (let i = 0; i < 3; i += 1) await memory.keepInputSet(PROBE, set(`file-${i}`));
  const blobs = await readdir(path.join(directory, 'blobs/sha256'));
  expect(blobs).toHaveLength((await reachable()).size);
  expect(await reachable()).toContain(image.shared!.digest);
});

/** Digests of all that the index names, and of what that names. */
async function reachable(): Promise<Set<string>> {
  const all = new Set<string>();
  for (const { digest } of (await index()).manifests) {
    const { config, layers } = await manifestAt(digest);
    for (const one of [digest, config.digest, ...layers.map((layer: { digest: string }) => layer.digest)]) all.add(one);
  }
  return all;
}

test('what is no input set is left out of a list', async () => {
  await memory.keepInputSet(PROBE, set('file'));
  const damaged = [null, { ...set('a'), version: 1 }, { ...set('b'), read: [1] }, { ...set('c'), listed: 'all' }];
  const document = { version: 1, sets: [...damaged, set('good')] };
  await setTags(directory, new Map([[inputSetsTagOf(PROBE), await writeArtefact(directory, PROBE, document)]]));
  expect(await open().inputSets(PROBE)).toEqual([set('good')]);
});

test('an index is read once, and again when it was replaced', async () => {
  await memory.keep(toKeep('one'), workspace, { replace: false });
  const [tags, atOnce] = await Promise.all([tagsOf(directory), tagsOf(directory)]);
  expect(atOnce).toBe(tags);
  await memory.find(KEY);
  expect(await tagsOf(directory)).toBe(tags);
  await memory.keep(toKeep('two', 'b'.repeat(64)), workspace, { replace: false });
  expect((await tagsOf(directory)).size).toBe(tags.size + 2);
});

test('an index that is no index: said, empty, and set aside by who writes', async () => {
  await mkdir(directory);
  await writeFile(path.join(directory, 'index.json'), '{"schemaVer');
  expect(await memory.find(KEY)).toBeUndefined();
  expect(await memory.inputSets(PROBE)).toEqual([]);
  expect(warnings).toHaveLength(2);
  await memory.keep(toKeep('one'), workspace, { replace: false });
  expect(await memory.find(KEY)).toBeDefined();
  expect(workspace.warnings).toEqual([expect.stringContaining('was damaged')]);
});

test('a place that is no folder, and a path with a colon, cannot be asked', async () => {
  await writeFile(directory, '');
  await expect(memory.find(KEY)).rejects.toBeInstanceOf(MemoryUnreachable);
  await expect(memory.keep(toKeep('one'), workspace, { replace: false })).rejects.toBeInstanceOf(MemoryUnreachable);
  const colon = open('oci:a:b', path.join(folder, 'a:b'));
  await expect(colon.keep(toKeep('one'), workspace, { replace: false })).rejects.toThrow(/colon/);
});

test('human tags and key tags in one layout: one copy of a layer, and no key tag loses its image', async () => {
  const { image } = await memory.keep(toKeep('one'), workspace, { replace: false });
  const destination = { kind: 'oci', key: '', directory, tags: ['latest', '1.5'] } as const;
  const shared = { ...image.shared!, place: `oci:${directory}` };
  const wanted = publishedImage('one', {}, 'site/one', {
    shared,
    labels: { new: 'label' },
    labelled: () => Promise.reject(new Error('pulled')),
  });
  const publication = await ociPublisher.publish(wanted, destination, workspace, NO_BOOT);
  expect(pushed).toEqual(['one']);
  const [reference] = publication.references;
  const manifest = await manifestAt(reference!.kind === 'image' ? reference!.digest : '');
  const config = JSON.parse(await readFile(blobPath(directory, manifest.config.digest), 'utf8'));
  expect(config.config.Labels).toEqual({ 'io.buildah.version': '1', new: 'label' });
  expect(manifest.layers).toEqual((await manifestAt(image.shared!.digest)).layers);
  expect(manifest.annotations).toBeUndefined();

  expect(await ociPublisher.observe(wanted, destination, workspace)).toEqual({
    references: publication.references,
    bytes: 0,
  });
  const moved = { ...wanted, contentDigest: `sha256:${'d'.repeat(64)}` };
  expect(await ociPublisher.observe(moved, destination, workspace)).toBeUndefined();
  expect(await ociPublisher.observe({ ...wanted, publishKey: '' }, destination, workspace)).toBeUndefined();
  const more = { ...destination, tags: ['latest', 'new'] };
  expect(await ociPublisher.observe(wanted, more, workspace)).toBeUndefined();

  // Other content under the human tags: what only they reached goes, the key's stays.
  const { shared: _shared, ...own } = wanted;
  await ociPublisher.publish({ ...own, labelled: async () => 'two' }, destination, workspace, NO_BOOT);
  expect(await open().find(KEY)).toBeDefined();
  expect(await open().recipe(KEY)).toBeDefined();
  await expect(readFile(blobPath(directory, manifest.config.digest))).rejects.toThrow(/ENOENT/);
  expect((await index()).manifests).toHaveLength(4);
});

test('nothing is removed while a manifest cannot be read', async () => {
  const { image } = await memory.keep(toKeep('one'), workspace, { replace: false });
  await rm(blobPath(directory, image.shared!.digest));
  const before = await readdir(path.join(directory, 'blobs/sha256'));
  expect(await removeUnreachable(directory)).toBe(0);
  expect(await readdir(path.join(directory, 'blobs/sha256'))).toEqual(before);
});
