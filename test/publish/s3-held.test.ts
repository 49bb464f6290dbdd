import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Destination } from '../../tool/src/config/destinations.ts';
import type { BootArtefacts, BootFiles, LocalFile, PublishedImage } from '../../tool/src/publish/publisher.ts';
import { createS3Publisher } from '../../tool/src/publish/s3.ts';
import type { Buildah } from '../../tool/src/system/buildah.ts';
import { publishedImage, type RecordingWorkspace, recordingWorkspace } from '../helpers/publish-workspace.ts';
import { FakeS3 } from '../services/fake-s3.ts';

const OTHER = `sha256:${'d'.repeat(64)}`;
const PART = 64 * 1024;

let folder: string;
let fake: FakeS3;
let endpoint: string;
let workspace: RecordingWorkspace;
/** How often the image was squashed. */
let squashes: number;
let artefacts: BootArtefacts;

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-s3-'));
  fake = new FakeS3();
  endpoint = await fake.listen();
  const exec = () => Promise.reject(new Error('nothing is to be run'));
  workspace = await recordingWorkspace(folder, { exec, buildah: {} as Buildah });
  squashes = 0;
  artefacts = {
    squashfs: await file('squashfs', randomBytes(2 * PART)),
    kernel: await file('kernel', Buffer.from('kernel')),
    initramfs: await file('initramfs', Buffer.from('initramfs')),
    kernelVersion: '6.1',
    initramfsName: 'initrd-6.1',
    osId: 'debian',
    osVersion: '12',
  };
});
afterEach(async () => {
  fake.close();
  await rm(folder, { recursive: true });
});

async function file(name: string, content: Uint8Array): Promise<LocalFile> {
  const place = path.join(folder, name);
  await writeFile(place, content);
  return { path: place, size: content.length, sha256: createHash('sha256').update(content).digest('hex') };
}

const boot: BootFiles = {
  make: async () => {
    squashes += 1;
    return artefacts;
  },
};

type S3Destination = Extract<Destination, { kind: 's3' }>;

function place(more: { tags?: string[]; squashfsOptions?: string[]; prefix?: string; name?: string } = {}) {
  const usual = { prefix: '', name: 'tiny', tags: ['latest'], squashfsOptions: [], bootKernel: 'newest' };
  return { kind: 's3', key: '', endpoint, bucket: 'boot-images', ...usual, ...more } as const;
}

const publisher = () =>
  createS3Publisher({
    env: { S3_ACCESS: 'key', S3_SECRET: 'secret' },
    policy: { attempts: 2, baseMs: 1, capMs: 5 },
    partSize: PART,
  });
const publish = (destination: S3Destination, more: Partial<PublishedImage> = {}) =>
  publisher().publish(publishedImage('0', {}, 'test/tiny', more), destination, workspace, boot);
const observe = (destination: S3Destination, more: Partial<PublishedImage> = {}) =>
  publisher().observe(publishedImage('0', {}, 'test/tiny', more), destination, workspace);

/** Operations since the last call, each once, and how many requests. */
function asked(): { operations: string[]; requests: number } {
  const seen = fake.seen.splice(0);
  return { operations: [...new Set(seen.map(({ operation }) => operation))].sort(), requests: seen.length };
}

test('a new tag: no squash, no byte, one copy on the server', async () => {
  await publish(place());
  expect(squashes).toBe(1);
  asked();
  const publication = await publish(place({ tags: ['latest', 'new'] }));
  expect(squashes).toBe(1);
  expect(publication.bytes).toBe(0);
  expect(fake.count('CopyObject')).toBe(1);
  expect(fake.objects.get('debian12-tiny-new')).toEqual(fake.objects.get('debian12-tiny-latest'));
});

test('a tag that is not wanted any more still serves as the source', async () => {
  await publish(place({ tags: ['r1'] }));
  const publication = await publish(place({ tags: ['r2'] }));
  expect([squashes, publication.bytes]).toEqual([1, 0]);
  expect(fake.objects.has('debian12-tiny-r2')).toBe(true);
});

test.each(['tiny', 'group/tiny'])('a fresh machine asks by names and HEADs only, for %s', async (name) => {
  const destination = place({ tags: ['latest', 'a'], prefix: 'compute/', name });
  const { references } = await publish(destination);
  asked();
  expect(await observe(destination)).toEqual({ references, bytes: 0 });
  const { operations, requests } = asked();
  expect(operations).toEqual(['HeadObject', 'ListObjectsV2']);
  expect(requests).toBe(name === 'tiny' ? 5 : 6);
});

test('layers that are asked for together list their common prefix once', async () => {
  await publish(place());
  asked();
  const shared = publisher();
  const image = publishedImage('0');
  const found = await Promise.all([1, 2, 3].map(() => shared.observe(image, place(), workspace)));
  expect(found.map(Boolean)).toEqual([true, true, true]);
  expect(fake.count('ListObjectsV2')).toBe(1);
  expect(fake.count('HeadObject')).toBe(3);
});

test('what is not all in line is not observed', async () => {
  const destination = place({ tags: ['latest', 'a'] });
  await publish(destination);
  expect(await observe(destination, { contentDigest: OTHER })).toBeUndefined();
  expect(await observe(place({ tags: ['latest', 'b'] }))).toBeUndefined();
  expect(await observe(place({ tags: ['latest', 'a'], squashfsOptions: ['-comp', 'xz'] }))).toBeUndefined();
  const stored = fake.objects.get('debian12-tiny-a')!;
  fake.objects.set('debian12-tiny-a', { ...stored, metadata: { ...stored.metadata, sha256: 'f'.repeat(64) } });
  expect(await observe(destination)).toBeUndefined();
  fake.objects.set('debian12-tiny-a', stored);
  expect(await observe(destination)).toBeDefined();
  fake.objects.set('efi-images/vmlinuz-6.1', { body: Buffer.from('another'), metadata: {} });
  expect(await observe(destination)).toBeUndefined();
});

test('another layer whose name ends alike is not taken for this one', async () => {
  await publish(place({ name: 'a-tiny' }), { contentDigest: OTHER });
  expect(await observe(place())).toBeUndefined();
  expect(await observe(place(), { contentDigest: OTHER })).toBeUndefined();
});

test('other content or other options are squashed', async () => {
  await publish(place());
  await publish(place({ squashfsOptions: ['-comp', 'xz'] }));
  artefacts = { ...artefacts, squashfs: await file('squashfs', randomBytes(PART)) };
  await publish(place(), { contentDigest: OTHER });
  expect(squashes).toBe(3);
  expect(fake.objects.get('debian12-tiny-latest')?.metadata['content-digest']).toBe(OTHER);
});

test('new content with equal files: only what the root says of itself is written', async () => {
  await publish(place());
  const { bytes } = await publish(place(), { contentDigest: OTHER });
  expect(bytes).toBe(0);
  expect(fake.count('CopyObject')).toBe(1);
  expect(await observe(place(), { contentDigest: OTHER })).toBeDefined();
});

test('a root that is replaced while it is copied: the image is made after all, and no root says what it is not', async () => {
  await publish(place());
  fake.fault = (seen) => {
    const stored = fake.objects.get('debian12-tiny-latest')!;
    if (seen.operation === 'CopyObject') fake.objects.set('debian12-tiny-latest', { ...stored, body: Buffer.alloc(9) });
    return undefined;
  };
  await publish(place({ tags: ['new'] }));
  expect(squashes).toBe(2);
  expect(fake.objects.get('debian12-tiny-new')?.body.length).toBe(2 * PART);
});

test('a server that refuses the copy: every tag is uploaded', async () => {
  fake.fault = (seen) => (seen.operation === 'CopyObject' ? { status: 412, code: 'PreconditionFailed' } : undefined);
  await publish(place({ tags: ['latest', 'a'] }));
  await publish(place({ tags: ['latest', 'a', 'b'] }));
  for (const tag of ['latest', 'a', 'b']) expect(fake.objects.get(`debian12-tiny-${tag}`)?.body.length).toBe(2 * PART);
  expect(fake.count('CreateMultipartUpload')).toBe(3);
});

test('an account that may not list uploads as before', async () => {
  fake.fault = (seen) => (seen.operation === 'ListObjectsV2' ? { status: 403, code: 'AccessDenied' } : undefined);
  await publish(place());
  await publish(place());
  expect(squashes).toBe(2);
  expect(fake.count('CreateMultipartUpload')).toBe(1);
  expect(await observe(place())).toBeUndefined();
});

test('metadata stays below 2 KiB, and the owner of a long path is still known', async () => {
  const id = `sites/${'long-name/'.repeat(300)}x`;
  const image = publishedImage('0', { name: 'tiny' }, id);
  artefacts = { ...artefacts, kernelVersion: '6'.repeat(240), initramfsName: `initrd-${'6'.repeat(240)}` };
  await publisher().publish(image, place(), workspace, boot);
  const { metadata } = fake.objects.get('debian12-tiny-latest')!;
  const size = Object.entries(metadata).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  expect(size).toBeLessThan(2048);
  artefacts = { ...artefacts, kernel: await file('kernel', Buffer.from('newer')) };
  await publisher().publish({ ...image, contentDigest: OTHER }, place(), workspace, boot);
  expect(workspace.warnings).toEqual([]);
});

/** Requests that make an object → the ACL that they ask for. */
const acls = () =>
  fake.seen
    .filter(({ operation }) => /^(PutObject|CopyObject|CreateMultipartUpload)$/.test(operation))
    .map(({ operation, headers }) => `${operation} ${headers['x-amz-acl'] ?? '-'}`)
    .sort();

test('an ACL is asked for with every object, copies on the server too; without one no request names any', async () => {
  await publish(place({ tags: ['latest', 'b'] }));
  expect(acls()).toEqual(['CopyObject -', 'CreateMultipartUpload -', 'PutObject -', 'PutObject -']);
  fake.seen.length = 0;
  await publish({ ...place({ prefix: 'p/', tags: ['latest', 'b'] }), acl: 'public-read' });
  expect(acls()).toEqual([
    'CopyObject public-read',
    'CreateMultipartUpload public-read',
    'PutObject public-read',
    'PutObject public-read',
  ]);
});

test('another ACL is a copy of each object onto itself; a layer without one leaves shared kernels as they are', async () => {
  await publish(place());
  const open = { ...place(), acl: 'public-read' } as const;
  expect(await observe(open)).toBeUndefined();
  fake.seen.length = 0;
  const { bytes } = await publish(open);
  expect([bytes, squashes, acls()]).toEqual([0, 1, Array(3).fill('CopyObject public-read')]);
  expect(await observe(open)).toBeDefined();
  fake.seen.length = 0;
  await publish(open);
  expect(acls()).toEqual([]);
  // Back: the root is this layer's alone.
  await publish(place());
  expect(acls()).toEqual(['CopyObject -']);
});
