import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { BootFiles, LocalFile } from '../../tool/src/publish/publisher.ts';
import { createS3Publisher } from '../../tool/src/publish/s3.ts';
import type { Buildah } from '../../tool/src/system/buildah.ts';
import { publishedImage, type RecordingWorkspace, recordingWorkspace } from '../helpers/publish-workspace.ts';
import { FakeS3, type Seen } from '../services/fake-s3.ts';

const ENV = { S3_ACCESS: 'key', S3_SECRET: 'secret' };
const POLICY = { attempts: 10, baseMs: 1, capMs: 5 };
const PART = 64 * 1024;
const ROOT = 'debian12-tiny-latest';

let folder: string;
let fake: FakeS3;
let endpoint: string;
let stop: AbortController;
let workspace: RecordingWorkspace;
let squashfs: LocalFile;

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-s3-'));
  fake = new FakeS3();
  endpoint = await fake.listen();
  stop = new AbortController();
  const exec = () => Promise.reject(new Error('nothing is to be run'));
  workspace = await recordingWorkspace(folder, { exec, buildah: {} as Buildah, signal: stop.signal });
  squashfs = await file('squashfs', randomBytes(5 * PART + 17));
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

async function publish(tags = ['latest'], settings: Parameters<typeof createS3Publisher>[0] = {}, layerId?: string) {
  const kernel = await file('kernel', Buffer.from('kernel'));
  const initramfs = await file('initramfs', Buffer.from('initramfs'));
  const names = { kernelVersion: '6.1', initramfsName: 'initrd-6.1', osId: 'debian', osVersion: '12' };
  const boot: BootFiles = { make: async () => ({ squashfs, kernel, initramfs, ...names }) };
  const publisher = createS3Publisher({ env: ENV, policy: POLICY, partSize: PART, ...settings });
  const place = { key: '', endpoint, bucket: 'boot-images', prefix: '', name: 'tiny' };
  const destination = { kind: 's3', ...place, tags, squashfsOptions: [], bootKernel: 'newest' } as const;
  return publisher.publish(publishedImage('0', {}, layerId), destination, workspace, boot);
}

/** The same fault for the first `times` requests of one operation. */
function first(times: number, operation: string, fault: ReturnType<FakeS3['fault']>): FakeS3['fault'] {
  let left = times;
  return (seen) => (seen.operation === operation && left-- > 0 ? fault : undefined);
}

const isWhole = () => fake.objects.get(ROOT)?.body.length === squashfs.size;

test('three tags: one upload in parts, two copies', async () => {
  const { bytes } = await publish(['latest', 'a', 'b']);
  expect(bytes).toBe(squashfs.size + 'kernelinitramfs'.length);
  expect(fake.count('CreateMultipartUpload')).toBe(1);
  expect(fake.count('UploadPart')).toBe(6);
  expect(fake.count('CopyObject')).toBe(2);
  expect(fake.objects.get('debian12-tiny-b')?.metadata.sha256).toBe(squashfs.sha256);
});

test.each([411, 501])('a server that answers %i to checksums is asked without, from then on', async (status) => {
  const hasChecksum = ({ headers }: Pick<Seen, 'headers'>) =>
    Object.keys(headers).some((name) => name.startsWith('x-amz-checksum-') || name.startsWith('x-amz-sdk-checksum'));
  fake.fault = (seen) => (hasChecksum(seen) ? { status, code: 'NotImplemented' } : undefined);
  await publish();
  expect(isWhole()).toBe(true);
  expect(fake.seen.filter((one) => one.status === status)).toHaveLength(1);
});

test('503 SlowDown: more tries than the SDK’s three', async () => {
  fake.fault = first(8, 'UploadPart', { status: 503, code: 'SlowDown' });
  await publish();
  expect(isWhole()).toBe(true);
  expect(workspace.lines.join('\n')).toContain('SlowDown');
});

test('429 with Retry-After waits as asked', async () => {
  fake.fault = first(1, 'PutObject', { status: 429, code: 'TooManyRequests', headers: { 'retry-after': '1' } });
  const started = performance.now();
  await publish();
  expect(performance.now() - started).toBeGreaterThan(950);
});

test('a connection that breaks in the middle of a part', async () => {
  fake.fault = first(3, 'UploadPart', 'drop-before');
  await publish();
  expect(isWhole()).toBe(true);
});

test('the reply to CompleteMultipartUpload is lost: the object is looked at', async () => {
  fake.fault = first(1, 'CompleteMultipartUpload', 'drop-after');
  await publish();
  expect(isWhole()).toBe(true);
  expect(fake.count('CompleteMultipartUpload', 404)).toBe(1);
  expect(await readdir(path.join(workspace.caches, 's3-uploads'))).toEqual([]);
});

test('an upload that is gone, with nothing stored, fails', async () => {
  fake.fault = (seen) =>
    seen.operation === 'CompleteMultipartUpload' ? { status: 404, code: 'NoSuchUpload' } : undefined;
  await expect(publish()).rejects.toThrow(/NoSuchUpload|404/);
  expect(fake.objects.has(ROOT)).toBe(false);
});

test('a server that stays down: the failure says what it answered, and no upload stays', async () => {
  fake.fault = (seen) => (seen.operation === 'UploadPart' ? { status: 503, code: 'SlowDown' } : undefined);
  await expect(publish()).rejects.toMatchObject({
    name: 'PublishFailure',
    message: expect.stringContaining('SlowDown'),
  });
  expect(fake.uploads.size).toBe(0);
});

test('an abort ends the upload on the server before it is told', async () => {
  fake.fault = (seen) => {
    if (seen.operation === 'UploadPart' && fake.count('UploadPart') >= 1) stop.abort();
    return undefined;
  };
  await expect(publish()).rejects.toMatchObject({ name: 'AbortError' });
  expect(fake.count('AbortMultipartUpload', 204)).toBe(1);
  expect(fake.uploads.size).toBe(0);
  expect(fake.objects.has(ROOT)).toBe(false);
});

test.each([
  ['shrinks', () => truncate(squashfs.path, squashfs.size - 100)],
  ['has other content', () => writeFile(squashfs.path, Buffer.alloc(squashfs.size))],
])('a file that %s while it is uploaded stores nothing', async (_what, change) => {
  await change();
  await expect(publish()).rejects.toThrow(/while it was uploaded/);
  expect(fake.objects.has(ROOT)).toBe(false);
  expect(fake.uploads.size).toBe(0);
});

test('credentials of the endpoint win over those for all', async () => {
  const suffix = `127_0_0_1_${new URL(endpoint).port}`;
  const own = { [`S3_ACCESS__${suffix}`]: 'mine', [`S3_SECRET__${suffix}`]: 'own' };
  await publish(['latest'], { env: { ...ENV, ...own } });
  expect(new Set(fake.seen.map(({ headers }) => /Credential=(\w+)/.exec(headers.authorization ?? '')?.[1]))).toEqual(
    new Set(['mine']),
  );
});

test('another layer’s kernel with other content: a warning; with equal content: nothing is sent', async () => {
  await publish(['latest'], {}, 'site/one');
  const key = 'efi-images/vmlinuz-6.1';
  const stored = fake.objects.get(key)!;
  expect(stored.metadata.layer).toBe('site/one');
  const puts = fake.count('PutObject');
  await publish(['latest'], {}, 'site/two');
  expect(fake.count('PutObject')).toBe(puts);
  expect(workspace.warnings).toEqual([]);
  fake.objects.set(key, { body: stored.body, metadata: { ...stored.metadata, sha256: 'other' } });
  await publish(['latest'], {}, 'site/two');
  expect(workspace.warnings).toEqual([expect.stringMatching(/vmlinuz-6\.1 was published by site\/one .* site\/two/)]);
});
