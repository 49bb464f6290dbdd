import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Destination } from '../../tool/src/config/destinations.ts';
import { createBootFiles } from '../../tool/src/publish/boot-files.ts';
import type { BootFiles } from '../../tool/src/publish/publisher.ts';
import { createS3Publisher } from '../../tool/src/publish/s3.ts';
import { openS3, QUESTION, type S3Door } from '../../tool/src/publish/s3-client.ts';
import { noteUpload } from '../../tool/src/publish/s3-uploads.ts';
import { type ContainerStorage, createContainerStorage } from '../helpers/container-storage.ts';
import {
  buildTinyImage,
  publishedImage,
  type RecordingWorkspace,
  recordingWorkspace,
} from '../helpers/publish-workspace.ts';
import { s3Service } from '../helpers/services.ts';
import type { S3Service } from '../services/s3.ts';

const BUCKET = 'boot-images';
const MIB = 1024 ** 2;

let s3: Omit<S3Service, 'end'>;
let storage: ContainerStorage;
let workspace: RecordingWorkspace;
let boot: BootFiles;
let imageId: string;
let door: S3Door;
let env: Record<string, string>;

beforeAll(async () => {
  [s3, storage] = await Promise.all([s3Service(), createContainerStorage()]);
  env = { S3_ACCESS: s3.accessKeyId, S3_SECRET: s3.secretAccessKey };
  workspace = await recordingWorkspace(storage.folder, { exec: storage.exec });
  // Above two parts of a multipart upload, and not compressible.
  imageId = await buildTinyImage(workspace.buildah, storage.folder, { 'usr/share/random': randomBytes(40 * MIB) });
  boot = createBootFiles(publishedImage(imageId), workspace);
  door = await openS3({ endpoint: s3.endpoint, bucket: BUCKET, verifyTls: true, env, policy: QUESTION });
  await door.send((client, sdk) => client.send(new sdk.CreateBucketCommand({ Bucket: BUCKET })));
});
afterAll(async () => {
  door?.close();
  await storage?.[Symbol.asyncDispose]();
});

const NO_SQUASH: BootFiles = { make: () => Promise.reject(new Error('squashed')) };
/** The image is not on this machine, and nobody is to bring it. */
const ABSENT = {
  local: () => Promise.reject(new Error('pulled')),
  labelled: () => Promise.reject(new Error('pulled')),
};

type S3Destination = Extract<Destination, { kind: 's3' }>;

function destination(more: Partial<S3Destination> = {}): S3Destination {
  const squashfsOptions = ['-comp', 'zstd', '-Xcompression-level', '6'];
  const place = { key: '', endpoint: s3.endpoint, bucket: BUCKET, prefix: 'compute/', name: 'tiny' };
  return { kind: 's3', ...place, tags: ['latest', '1.5', 'r1'], squashfsOptions, bootKernel: 'newest', ...more };
}

async function list(Prefix = ''): Promise<string[]> {
  const found = await door.send((client, sdk) => client.send(new sdk.ListObjectsV2Command({ Bucket: BUCKET, Prefix })));
  return (found.Contents ?? []).map(({ Key }) => Key!);
}

async function get(Key: string): Promise<{ sha256: string; metadata: Record<string, string> }> {
  const reply = await door.send((client, sdk) => client.send(new sdk.GetObjectCommand({ Bucket: BUCKET, Key })));
  const hash = createHash('sha256');
  for await (const chunk of reply.Body as AsyncIterable<Uint8Array>) hash.update(chunk);
  return { sha256: hash.digest('hex'), metadata: reply.Metadata ?? {} };
}

async function unfinishedUploads(): Promise<number> {
  const found = await door.send((client, sdk) => client.send(new sdk.ListMultipartUploadsCommand({ Bucket: BUCKET })));
  return found.Uploads?.length ?? 0;
}

test('exactly the contract’s objects, read back equal; a second publication sends nothing', async () => {
  const publisher = createS3Publisher({ env });
  const image = publishedImage(imageId);
  const publication = await publisher.publish(image, destination(), workspace, boot);
  const roots = ['1.5', 'latest', 'r1'].map((tag) => `compute/tiny1.5-tiny-${tag}`);
  const kernel = 'efi-images/compute/vmlinuz-6.1.0-18-amd64';
  const initrd = 'efi-images/compute/initrd-6.1.0-18-amd64';
  expect(await list()).toEqual([...roots, initrd, kernel]);

  const artefacts = await boot.make(destination().squashfsOptions, 'newest');
  expect(artefacts.squashfs.size).toBeGreaterThan(32 * MIB);
  for (const root of roots) {
    const { sha256, metadata } = await get(root);
    expect(sha256).toBe(artefacts.squashfs.sha256);
    expect(metadata).toEqual({
      sha256,
      'recipe-key': image.recipeKey,
      'content-digest': image.contentDigest,
      layer: 'test/tiny',
      settings: expect.stringMatching(/^[0-9a-f]{32}$/),
      os: 'tiny1.5',
      kernel: 'vmlinuz-6.1.0-18-amd64',
      'kernel-sha256': (await get(kernel)).sha256,
      initramfs: 'initrd-6.1.0-18-amd64',
      'initramfs-sha256': (await get(initrd)).sha256,
    });
  }
  expect((await get(kernel)).sha256).toBe(createHash('sha256').update('kernel 18').digest('hex'));
  expect((await get(initrd)).sha256).toBe(createHash('sha256').update('initramfs 18').digest('hex'));
  // Sent once, not once a tag.
  expect(publication.bytes).toBe(artefacts.squashfs.size + 'kernel 18initramfs 18'.length);
  expect(workspace.steps.filter((step) => step === 'squashfs')).toHaveLength(1);
  expect(publication.references.map((one) => one.kind !== 'image' && one.url)).toEqual([
    `${s3.endpoint}/${BUCKET}/${kernel}`,
    `${s3.endpoint}/${BUCKET}/${initrd}`,
    ...['latest', '1.5', 'r1'].map((tag) => `${s3.endpoint}/${BUCKET}/compute/tiny1.5-tiny-${tag}`),
  ]);
  expect(await unfinishedUploads()).toBe(0);
  expect(await readdir(path.join(workspace.caches, 's3-uploads'))).toEqual([]);

  const again = await publisher.publish(image, destination(), workspace, boot);
  expect(again).toEqual({ ...publication, bytes: 0 });
});

test('a new tag is a copy on the server, made without the image, also from a tag that is not wanted any more', async () => {
  const publisher = createS3Publisher({ env });
  const image = { ...publishedImage(imageId), ...ABSENT };
  for (const tags of [['latest', 'new'], ['newest']]) {
    const { bytes, references } = await publisher.publish(image, destination({ tags }), workspace, NO_SQUASH);
    expect(bytes).toBe(0);
    for (const one of references) {
      if (one.kind === 'image') throw new Error('not an image');
      expect((await get(new URL(one.url).pathname.slice(`/${BUCKET}/`.length))).sha256).toBe(one.sha256);
    }
  }
  expect(await list('compute/tiny1.5-tiny-new')).toHaveLength(2);
});

test('a fresh machine asks what is there; other content, options or tags are not', async () => {
  const publisher = createS3Publisher({ env });
  const { publishKey, recipeKey, layer, contentDigest } = publishedImage(imageId);
  const wanted = { publishKey, recipeKey, layer, contentDigest };
  const found = await publisher.observe(wanted, destination(), workspace);
  const published = await publisher.publish(
    { ...publishedImage(imageId), ...ABSENT },
    destination(),
    workspace,
    NO_SQUASH,
  );
  expect(found).toEqual(published);
  expect(await publisher.verify(found!, destination(), layer, workspace)).toBe(true);
  const other = { ...wanted, contentDigest: `sha256:${'0'.repeat(64)}` };
  expect(await publisher.observe(other, destination(), workspace)).toBeUndefined();
  expect(await publisher.observe(wanted, destination({ tags: ['latest', 'x'] }), workspace)).toBeUndefined();
  expect(await publisher.observe(wanted, destination({ squashfsOptions: [] }), workspace)).toBeUndefined();
  expect(await publisher.observe(wanted, destination({ bucket: 'absent' }), workspace)).toBeUndefined();
  // Another image's root under a tag of ours, by whoever it was.
  const moved = destination({ prefix: 'moved/', tags: ['latest'] });
  await publisher.publish(publishedImage(imageId), moved, workspace, boot);
  expect(await createS3Publisher({ env }).observe(wanted, moved, workspace)).toBeDefined();
  await publisher.publish({ ...publishedImage(imageId), ...other }, moved, workspace, boot);
  expect(await createS3Publisher({ env }).observe(wanted, moved, workspace)).toBeUndefined();
});

test('verify notices a missing and a replaced object', async () => {
  const publisher = createS3Publisher({ env });
  const place = destination({ prefix: 'verify/' });
  const image = publishedImage(imageId);
  const publication = await publisher.publish(image, place, workspace, boot);
  expect(await publisher.verify(publication, place, image.layer, workspace)).toBe(true);
  const Key = 'verify/tiny1.5-tiny-1.5';
  await door.send((client, sdk) => client.send(new sdk.PutObjectCommand({ Bucket: BUCKET, Key, Body: 'other' })));
  expect(await publisher.verify(publication, place, image.layer, workspace)).toBe(false);
  await publisher.publish(image, place, workspace, boot);
  await door.send((client, sdk) => client.send(new sdk.DeleteObjectCommand({ Bucket: BUCKET, Key })));
  expect(await publisher.verify(publication, place, image.layer, workspace)).toBe(false);
});

test('another layer with other content under one kernel key: a warning that names both', async () => {
  const other = await buildTinyImage(workspace.buildah, storage.folder, {
    'boot/vmlinuz-6.1.0-18-amd64': 'another 18',
  });
  const publisher = createS3Publisher({ env });
  const image = publishedImage(other, { name: 'other' }, 'test/other');
  await publisher.publish(
    image,
    destination({ name: 'other' }),
    workspace,
    createBootFiles(publishedImage(other), workspace),
  );
  expect(workspace.warnings.filter((one) => one.includes('vmlinuz-6.1.0-18-amd64'))).toHaveLength(1);
  expect(workspace.warnings.at(-1)).toMatch(/published by test\/tiny .* test\/other/);
});

test('what a killed upload left on the server is ended by the next publication, and nothing else', async () => {
  const begin = async (Key: string) => {
    const begun = await door.send((client, sdk) =>
      client.send(new sdk.CreateMultipartUploadCommand({ Bucket: BUCKET, Key })),
    );
    return begun.UploadId!;
  };
  const uploads = path.join(workspace.caches, 's3-uploads');
  const place = { endpoint: s3.endpoint, bucket: BUCKET };
  (await noteUpload(uploads, { ...place, key: 'dead', uploadId: await begin('dead') })).release();
  const alive = await noteUpload(uploads, { ...place, key: 'alive', uploadId: await begin('alive') });
  await begin('somebody-else');
  expect(await unfinishedUploads()).toBe(3);
  await createS3Publisher({ env }).publish(publishedImage(imageId), destination({ tags: ['latest'] }), workspace, boot);
  expect(await unfinishedUploads()).toBe(2);
  alive.release();
});

test('what is missing is told before anything is squashed', async () => {
  const never: BootFiles = { make: () => Promise.reject(new Error('squashed')) };
  const image = publishedImage(imageId);
  await expect(
    createS3Publisher({ env }).publish(image, destination({ bucket: 'absent' }), workspace, never),
  ).rejects.toMatchObject({
    message: expect.stringContaining('no bucket absent'),
    hint: expect.stringContaining('s3 mb s3://absent'),
  });
  await expect(
    createS3Publisher({ env: { ...env, S3_SECRET: 'wrong' } }).publish(image, destination(), workspace, never),
  ).rejects.toMatchObject({ hint: expect.stringContaining('S3_ACCESS') });
  await expect(
    createS3Publisher({ env: { S3_ACCESS: 'x' } }).publish(image, destination(), workspace, never),
  ).rejects.toThrow(/S3_SECRET is not/);
  await expect(
    createS3Publisher({ env }).publish(image, destination({ endpoint: 'http://127.0.0.1:1' }), workspace, never),
  ).rejects.toMatchObject({ name: 'PublishFailure', message: expect.stringContaining('nothing listens there') });
});
