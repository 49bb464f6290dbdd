import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Destination } from '../../tool/src/config/destinations.ts';
import { createBootFiles } from '../../tool/src/publish/boot-files.ts';
import { publish } from '../../tool/src/publish/publishers.ts';
import { verify } from '../../tool/src/publish/verify.ts';
import { createBuildah } from '../../tool/src/system/buildah-cli.ts';
import { type ContainerStorage, createContainerStorage } from '../helpers/container-storage.ts';
import {
  buildTinyImage,
  publishedImage,
  type RecordingWorkspace,
  recordingWorkspace,
} from '../helpers/publish-workspace.ts';
import { registryService } from '../helpers/services.ts';

let storage: ContainerStorage;
let workspace: RecordingWorkspace;
let imageId: string;

beforeAll(async () => {
  storage = await createContainerStorage();
  workspace = await recordingWorkspace(storage.folder, { exec: storage.exec });
  imageId = await buildTinyImage(workspace.buildah, storage.folder);
});
afterAll(() => storage?.[Symbol.asyncDispose]());

const put = (destination: Destination, image = publishedImage(imageId, { registry_opts_push: '--tls-verify=false' })) =>
  publish(image, destination, workspace, createBootFiles(image, workspace));

test('three tags are one upload and one digest', async () => {
  const { host, log } = await registryService();
  const repository = `${host}/site/tiny`;
  const tags = ['one', 'two', '9.4'];
  const destination = { kind: 'registry', key: '', repository, tags } as const;
  const publication = await put(destination);
  expect(publication.references.map(({ kind }) => kind)).toEqual(['image', 'image', 'image']);
  const digests = new Set(publication.references.map((one) => one.kind === 'image' && one.digest));
  expect(digests.size).toBe(1);

  for (const tag of tags) {
    const { stdout } = await storage.exec('skopeo', ['inspect', '--tls-verify=false', `docker://${repository}:${tag}`]);
    expect(digests).toContain(JSON.parse(stdout).Digest);
  }
  const requests = (await readFile(log, 'utf8')).split('\n').filter((line) => line.includes('/v2/site/tiny/'));
  const uploads = requests.filter((line) => /"PUT \/v2\/site\/tiny\/blobs/.test(line));
  // A layer and a configuration; then the configuration with the publication's labels.
  expect(uploads).toHaveLength(3);
  // The push, and one a tag with annotations.
  expect(requests.filter((line) => /"PUT \/v2\/site\/tiny\/manifests/.test(line))).toHaveLength(4);

  const { layer } = publishedImage(imageId, { registry_opts_push: '--tls-verify=false' });
  expect(await verify(publication, destination, layer, workspace)).toBe(true);
  await storage.exec('skopeo', ['delete', '--tls-verify=false', `docker://${repository}:two`]);
  expect(await verify(publication, destination, layer, workspace)).toBe(false);
});

test('what was pushed is pulled as a parent', async () => {
  const { host } = await registryService();
  await put({ kind: 'registry', key: '', repository: `${host}/parent`, tags: ['latest'] });
  const other = await createContainerStorage();
  try {
    const buildah = createBuildah(other.exec, { isolation: 'chroot', runId: 'other' });
    const container = await buildah.from(`${host}/parent:latest`, { args: ['--tls-verify=false'] });
    const root = await buildah.mount(container);
    expect(await readFile(path.join(root, 'etc/hostname'), 'utf8')).toBe('tiny\n');
  } finally {
    await other[Symbol.asyncDispose]();
  }
});

test('a registry that speaks plain HTTP: the hint names the option', async () => {
  const { host } = await registryService();
  const destination = { kind: 'registry', key: '', repository: `${host}/plain`, tags: ['latest'] } as const;
  await expect(put(destination, publishedImage(imageId))).rejects.toMatchObject({
    name: 'PublishFailure',
    hint: expect.stringContaining('--tls-verify=false'),
  });
});

test('an oci layout holds every tag under one digest, with true media types, and is a parent', async () => {
  const destination = { kind: 'oci', key: '', directory: 'images/tiny', tags: ['latest', '1.5'] } as const;
  const publication = await put(destination);
  const layout = path.join(workspace.root, 'images/tiny');
  const index = JSON.parse(await readFile(path.join(layout, 'index.json'), 'utf8'));
  expect(new Set(index.manifests.map(({ digest }: { digest: string }) => digest)).size).toBe(1);
  const blob = path.join(layout, 'blobs', index.manifests[0].digest.replace(':', '/'));
  const manifest = JSON.parse(await readFile(blob, 'utf8'));
  expect(manifest.layers[0].mediaType).toBe('application/vnd.oci.image.layer.v1.tar');
  expect(await readdir(layout)).toEqual(['blobs', 'index.json', 'oci-layout']);

  const { layer } = publishedImage(imageId);
  expect(await verify(publication, destination, layer, workspace)).toBe(true);
  const container = await workspace.buildah.from(`oci:${layout}:1.5`);
  expect(await readFile(path.join(await workspace.buildah.mount(container), 'etc/hostname'), 'utf8')).toBe('tiny\n');
  await workspace.buildah.remove(container);
  await writeFile(path.join(layout, 'index.json'), '{"schemaVersion":2,"manifests":[]}');
  expect(await verify(publication, destination, layer, workspace)).toBe(false);
});

test('a child links its parent’s layers from the layout beside; a replaced image leaves no blob behind', async () => {
  await put({ kind: 'oci', key: '', directory: 'chain/parent', tags: ['latest'] });
  const container = await workspace.buildah.from(imageId, { pull: 'never' });
  await workspace.buildah.copy(container, ['/etc/hosts'], '/etc/');
  const child = await workspace.buildah.commit(container);
  await workspace.buildah.remove(container);
  await put({ kind: 'oci', key: '', directory: 'chain/child', tags: ['latest'] }, publishedImage(child));
  const blobs = (name: string) => path.join(workspace.root, 'chain', name, 'blobs/sha256');
  const shared = (await readdir(blobs('parent'))).filter((name) => existsSync(path.join(blobs('child'), name)));
  expect(shared).toHaveLength(1);
  expect((await stat(path.join(blobs('child'), shared[0]!))).nlink).toBe(2);
  expect(await readdir(blobs('child'))).toHaveLength(4);

  await put({ kind: 'oci', key: '', directory: 'chain/child', tags: ['latest'] });
  expect(await readdir(blobs('child'))).toHaveLength(3);
});

test('blobs of a layout that somebody else made are left alone', async () => {
  const layout = path.join(workspace.root, 'foreign');
  await storage.exec('skopeo', ['copy', '--quiet', `containers-storage:${imageId}`, `oci:${layout}:theirs`]);
  const name = 'f'.repeat(64);
  await writeFile(path.join(layout, 'blobs/sha256', name), 'theirs');
  await put({ kind: 'oci', key: '', directory: 'foreign', tags: ['ours'] });
  expect(existsSync(path.join(layout, 'blobs/sha256', name))).toBe(true);
  const index = JSON.parse(await readFile(path.join(layout, 'index.json'), 'utf8'));
  expect(index.manifests).toHaveLength(2);
});

test('a damaged index is set aside and said; what a killed push left is removed', async () => {
  const layout = path.join(workspace.root, 'damaged');
  await mkdir(path.join(layout, '.push-dead/blobs'), { recursive: true });
  await writeFile(path.join(layout, 'index.json'), '{"schemaVer');
  await put({ kind: 'oci', key: '', directory: 'damaged', tags: ['latest'] });
  expect(workspace.warnings.at(-1)).toContain('was damaged');
  expect(await readdir(layout)).toEqual(['blobs', 'index.json', 'index.json.damaged-test', 'oci-layout']);
});

test('a colon in the folder of a layout is refused in words', async () => {
  await expect(put({ kind: 'oci', key: '', directory: 'a:b', tags: ['latest'] })).rejects.toThrow(/colon/);
});

test('four processes push to one layout at once: no tag is lost', async () => {
  const script = fileURLToPath(new URL('../fixtures/push-oci.ts', import.meta.url));
  const children = ['a', 'b', 'c', 'd'].map((tag) =>
    spawn(process.execPath, [script, storage.folder, imageId, tag], {
      env: { ...process.env, ...storage.env } as NodeJS.ProcessEnv,
      stdio: ['ignore', 'inherit', 'inherit'],
    }),
  );
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]));
  expect(codes).toEqual([0, 0, 0, 0]);
  const index = JSON.parse(await readFile(path.join(storage.folder, 'four/index.json'), 'utf8'));
  const tags = index.manifests.map(
    (one: { annotations: Record<string, string> }) => one.annotations['org.opencontainers.image.ref.name'],
  );
  expect(tags.sort()).toEqual(['a', 'b', 'c', 'd']);
});

test('local storage: every tag names the image', async () => {
  const destination = { kind: 'local', key: '', name: 'tiny', tags: ['latest', '1.5'] } as const;
  const publication = await put(destination);
  expect((await workspace.buildah.inspect('localhost/tiny:1.5'))?.id).toBe(imageId);
  const { layer } = publishedImage(imageId);
  expect(await verify(publication, destination, layer, workspace)).toBe(true);
  await storage.exec('buildah', ['rmi', 'localhost/tiny:1.5'], { accept: [0, 125] });
  expect(await verify(publication, destination, layer, workspace)).toBe(false);
});
