import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { publish } from '../../tool/src/publish/publishers.ts';
import type { RecipeKey } from '../../tool/src/recipe/recipe.ts';
import { ImageGone } from '../../tool/src/records/image-gone.ts';
import { blobPath } from '../../tool/src/records/oci-layout.ts';
import { createOciMemory } from '../../tool/src/records/oci-memory.ts';
import { buildToKeep } from '../helpers/build-to-keep.ts';
import { type ContainerStorage, createContainerStorage } from '../helpers/container-storage.ts';
import {
  buildTinyImage,
  publishedImage,
  type RecordingWorkspace,
  recordingWorkspace,
} from '../helpers/publish-workspace.ts';

let here: ContainerStorage;
let there: ContainerStorage;
let workspace: RecordingWorkspace;
let other: RecordingWorkspace;
let imageId: string;

beforeAll(async () => {
  [here, there] = await Promise.all([createContainerStorage(), createContainerStorage()]);
  workspace = await recordingWorkspace(here.folder, { exec: here.exec });
  other = await recordingWorkspace(there.folder, { exec: there.exec });
  imageId = await buildTinyImage(workspace.buildah, here.folder);
});
afterAll(async () => {
  await here?.[Symbol.asyncDispose]();
  await there?.[Symbol.asyncDispose]();
});

function memoryAt(name: string) {
  const { signal, warn } = workspace;
  return createOciMemory({
    directory: path.join(here.folder, name),
    place: `oci:${here.folder}/${name}`,
    warn,
    signal,
  });
}

const KEY = 'a'.repeat(64) as RecipeKey;

test('another machine pulls by digest what was kept, sets tags without pulling, and builds on it', async () => {
  const memory = memoryAt('shared');
  await memory.keep(buildToKeep(imageId), workspace, { replace: false });
  const found = await memory.find(KEY);

  // Another machine's tags, without the image passing through its storage.
  const destination = { kind: 'oci', key: '', directory: 'images/tiny', tags: ['latest', '1.5'] } as const;
  const image = publishedImage('', {}, 'test/tiny', {
    shared: found!.image.shared!,
    labels: { site: 'own' },
    labelled: () => Promise.reject(new Error('pulled')),
  });
  await publish(image, destination, other, { make: () => Promise.reject(new Error('squashed')) });
  const reference = `oci:${path.join(other.root, 'images/tiny')}:1.5`;
  const { stdout } = await there.exec('skopeo', ['inspect', reference]);
  expect(JSON.parse(stdout).Labels).toMatchObject({ site: 'own' });
  const { stdout: images } = await there.exec('buildah', ['images', '--json']);
  expect(JSON.parse(images || 'null') ?? []).toEqual([]);

  const kept = await memory.pull(found!, other);
  expect(kept).toMatchObject(await other.buildah.store());
  const [ours, theirs] = [await workspace.buildah.inspect(imageId), await other.buildah.inspect(kept.id)];
  expect(theirs?.diffIds).toEqual(ours?.diffIds);
  expect(theirs?.labels).toEqual(ours?.labels);
  for (const from of [kept.id, reference]) {
    const container = await other.buildah.from(from);
    const root = await other.buildah.mount(container);
    expect(await readFile(path.join(root, 'etc/hostname'), 'utf8')).toBe('tiny\n');
    await other.buildah.remove(container);
  }
  expect(await readdir(other.temporary)).toEqual([]);
});

test('a layer with one wrong byte is never used; who keeps the image next mends it', async () => {
  const memory = memoryAt('poisoned');
  const { image } = await memory.keep(buildToKeep(imageId), workspace, { replace: false });
  const directory = path.join(here.folder, 'poisoned');
  const manifest = JSON.parse(await readFile(blobPath(directory, image.shared!.digest), 'utf8'));
  const file = blobPath(directory, manifest.layers[0].digest);
  const content = await readFile(file);
  content[content.length >> 1]! ^= 1;
  await writeFile(file, content);
  const fresh = await createContainerStorage();
  try {
    const machine = await recordingWorkspace(fresh.folder, { exec: fresh.exec });
    const found = await memory.find(KEY);
    await expect(memory.pull(found!, machine)).rejects.toBeInstanceOf(ImageGone);
    expect(await memory.find(KEY)).toBeUndefined();
    await expect(memory.pull(found!, machine)).rejects.toBeInstanceOf(ImageGone);
    await memory.keep(buildToKeep(imageId), workspace, { replace: false });
    await memory.pull((await memory.find(KEY))!, machine);
  } finally {
    await fresh[Symbol.asyncDispose]();
  }
});

test('four processes at once, two of one key: nothing is lost, and both go on with the same content', async () => {
  const script = fileURLToPath(new URL('../fixtures/keep-oci.ts', import.meta.url));
  const runs = [
    ['1', '1'],
    ['2', '2'],
    ['3', '3'],
    ['3', '4'],
  ].map(async ([key, content]) => {
    const child = spawn(process.execPath, [script, here.folder, imageId, key!, content!], {
      env: { ...process.env, ...here.env } as NodeJS.ProcessEnv,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    expect(code).toBe(0);
    return output;
  });
  const contents = await Promise.all(runs);
  expect(contents[2]).toBe(contents[3]);
  const memory = memoryAt('race');
  const found = await Promise.all(['1', '2', '3'].map((key) => memory.find(key.repeat(64) as RecipeKey)));
  expect(found.map((build) => build?.content)).toEqual(contents.slice(0, 3));
});
