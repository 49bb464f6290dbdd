import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Destination } from '../../tool/src/config/destinations.ts';
import { createBootFiles } from '../../tool/src/publish/boot-files.ts';
import { publish, publisherOf } from '../../tool/src/publish/publishers.ts';
import { verify } from '../../tool/src/publish/verify.ts';
import { type ContainerStorage, createContainerStorage } from '../helpers/container-storage.ts';
import {
  buildTinyImage,
  publishedImage,
  type RecordingWorkspace,
  recordingWorkspace,
} from '../helpers/publish-workspace.ts';

let storage: ContainerStorage;
let workspace: RecordingWorkspace;
let imageId: string;

beforeAll(async () => {
  storage = await createContainerStorage();
  const { buildah } = await recordingWorkspace(storage.folder, { exec: storage.exec });
  imageId = await buildTinyImage(buildah, storage.folder, { 'usr/share/text': 'content '.repeat(100_000) });
});
afterAll(() => storage?.[Symbol.asyncDispose]());
beforeEach(async () => {
  workspace = await recordingWorkspace(storage.folder, { exec: storage.exec });
});

type FileDestination = Extract<Destination, { kind: 'file' }>;

function destination(more: Partial<FileDestination> = {}): FileDestination {
  const place = { key: '', directory: 'published/boot-images', prefix: 'compute/', name: 'tiny' };
  const options = { squashfsOptions: ['-comp', 'zstd', '-Xcompression-level', '6'], bootKernel: 'newest' };
  return { kind: 'file', ...place, tags: ['latest', '1.5'], ...options, ...more };
}

const put = (place: FileDestination, id = imageId, layerId?: string) =>
  publish(publishedImage(id, {}, layerId), place, workspace, createBootFiles(publishedImage(id), workspace));

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort();
}

test('the contract’s keys as files, made once, one inode for all tags', async () => {
  const publication = await put(destination());
  const bucket = path.join(workspace.root, 'published/boot-images');
  expect(await filesBelow(bucket)).toEqual([
    'compute/tiny1.5-tiny-1.5',
    'compute/tiny1.5-tiny-latest',
    'efi-images/compute/initrd-6.1.0-18-amd64',
    'efi-images/compute/vmlinuz-6.1.0-18-amd64',
  ]);
  for (const one of publication.references) {
    if (one.kind === 'image') throw new Error('not an image');
    const content = await readFile(fileURLToPath(one.url));
    expect([content.length, createHash('sha256').update(content).digest('hex')]).toEqual([one.size, one.sha256]);
  }
  const [first, second] = ['1.5', 'latest'].map((tag) => path.join(bucket, `compute/tiny1.5-tiny-${tag}`));
  expect((await stat(first!)).ino).toBe((await stat(second!)).ino);
  expect((await stat(first!)).mode & 0o777).toBe(0o644);
  const layer = publishedImage(imageId).layer;
  expect(await verify(publication, destination(), layer, workspace)).toBe(true);
  expect((await put(destination())).bytes).toBe(0);

  await rm(path.join(workspace.root, 'published/.boot-images.json'));
  expect(await verify(publication, destination(), layer, workspace)).toBe(true);
  await writeFile(second!, 'touched');
  expect(await verify(publication, destination(), layer, workspace)).toBe(false);
});

test('a new tag is another name, made without the image; a fresh state folder sees what is there', async () => {
  const { contentDigest, recipeKey, publishKey, layer } = publishedImage(imageId);
  const wanted = { contentDigest, recipeKey, publishKey, layer };
  const publisher = await publisherOf('file');
  expect(await publisher.observe(wanted, destination(), workspace)).toBeUndefined();
  const { references } = await put(destination());
  const absent = { make: () => Promise.reject(new Error('squashed')) };
  const more = destination({ tags: ['new', 'latest'] });
  expect(await publisher.observe(wanted, more, workspace)).toBeUndefined();
  expect((await publish(publishedImage(imageId), more, workspace, absent)).bytes).toBe(0);
  expect(await publisher.observe(wanted, more, workspace)).toBeDefined();
  expect(await publisher.observe(wanted, destination(), workspace)).toEqual({ references, bytes: 0 });
  const other = { ...wanted, contentDigest: `sha256:${'0'.repeat(64)}` };
  expect(await publisher.observe(other, destination(), workspace)).toBeUndefined();
  expect(await publisher.observe(wanted, destination({ bootKernel: '6.1.0-9*' }), workspace)).toBeUndefined();
  // Written anew, as the names are of one file.
  const root = path.join(workspace.root, 'published/boot-images/compute/tiny1.5-tiny-1.5');
  await rm(root);
  await writeFile(root, 'touched');
  expect(await publisher.observe(wanted, destination(), workspace)).toBeUndefined();
  expect((await publish(publishedImage(imageId), destination(), workspace, absent)).bytes).toBe(0);
  expect(await publisher.observe(wanted, destination(), workspace)).toEqual({ references, bytes: 0 });
});

test('the squashfs holds the image, and the mount points that it lacked; twice made, equal bytes', async () => {
  const [one, two] = [
    createBootFiles(publishedImage(imageId), workspace),
    createBootFiles(publishedImage(imageId), workspace),
  ];
  const { squashfsOptions } = destination();
  const made = await one.make(squashfsOptions, 'newest');
  expect(await one.make(squashfsOptions, 'newest')).toBe(made);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  expect((await two.make(squashfsOptions, 'newest')).squashfs.sha256).toBe(made.squashfs.sha256);
  const { stdout } = await storage.exec('unsquashfs', ['-ll', made.squashfs.path]);
  for (const name of ['proc', 'sys', 'dev', 'run'])
    expect(stdout).toMatch(new RegExp(`^drwxr-xr-x .* squashfs-root/${name}$`, 'm'));
  expect(stdout).toContain('squashfs-root/etc/os-release -> /usr/lib/os-release');
  const { stdout: containers } = await storage.exec('buildah', ['containers', '--json']);
  expect(JSON.parse(containers || 'null') ?? []).toEqual([]);
});

test('the temporary folder on another file system: copied, checked, still one inode', async () => {
  const memory = '/dev/shm';
  const other = await recordingWorkspace(memory, { exec: storage.exec });
  try {
    const far = { ...workspace, temporary: other.temporary };
    await publish(
      publishedImage(imageId),
      destination({ directory: 'far' }),
      far,
      createBootFiles(publishedImage(imageId), far),
    );
    const place = path.join(workspace.root, 'far/compute/tiny1.5-tiny');
    expect((await stat(`${place}-latest`)).nlink).toBe(2);
  } finally {
    await rm(path.dirname(other.root), { recursive: true });
  }
});

test('another layer’s kernel of the same name and other content: a warning that names both', async () => {
  const other = await buildTinyImage(workspace.buildah, storage.folder, {
    'boot/vmlinuz-6.1.0-18-amd64': 'another 18',
  });
  await put(destination(), imageId, 'site/one');
  await put(destination({ name: 'other' }), other, 'site/two');
  expect(workspace.warnings).toEqual([expect.stringMatching(/vmlinuz-6\.1\.0-18-amd64.*site\/one.*site\/two/)]);
});

test('an image without a kernel fails before it is squashed', async () => {
  const container = await workspace.buildah.from('scratch');
  await mkdir(path.join(workspace.root, 'bare/etc'), { recursive: true });
  await writeFile(path.join(workspace.root, 'bare/etc/os-release'), 'ID=bare\n');
  await workspace.buildah.copy(container, [path.join(workspace.root, 'bare')], '/');
  const bare = await workspace.buildah.commit(container);
  await workspace.buildah.remove(container);
  await expect(put(destination(), bare)).rejects.toMatchObject({ name: 'PublishFailure', hint: expect.any(String) });
  expect(workspace.steps).not.toContain('squashfs');
});

test('a prefix cannot lead out of the bucket', async () => {
  await expect(put(destination({ prefix: '../../' }))).rejects.toThrow(/no path below/);
});

test('options that mksquashfs does not know: nothing is published', async () => {
  await expect(put(destination({ squashfsOptions: ['-comp', 'none-such'] }))).rejects.toMatchObject({
    name: 'CommandFailure',
  });
  expect(await readdir(workspace.root)).toEqual([]);
});
