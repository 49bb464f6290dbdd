import { open } from 'node:fs/promises';
import type { LocalFile } from './publisher.ts';
import type { S3Door } from './s3-client.ts';
import { QUESTION } from './s3-client.ts';
import { isRefused, statusOf } from './s3-errors.ts';
import { type Metadata, multipartCopy, multipartUpload } from './s3-multipart.ts';

/** The size up to which one request copies; S3 refuses more. */
const MOST_IN_ONE_COPY = 5 * 1024 ** 3;
/** Up to this size one request uploads; above, parts of this size go up a few at a time. */
export const PART_SIZE = 16 * 1024 ** 2;

export interface StoredObject {
  readonly size: number;
  readonly metadata: Metadata;
}

/** What is stored under a key; undefined where there is nothing. */
export async function headObject(door: S3Door, key: string): Promise<StoredObject | undefined> {
  try {
    const { bucket: Bucket } = door.settings;
    const head = await door.send((client, sdk, options) =>
      client.send(new sdk.HeadObjectCommand({ Bucket, Key: key }), options),
    );
    return { size: head.ContentLength ?? -1, metadata: head.Metadata ?? {} };
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/** Whether the bucket is there, as far as we are told. Throws the SDK's error when nobody answers or knows us. */
export async function checkBucket(door: S3Door): Promise<'there' | 'missing'> {
  const { bucket: Bucket } = door.settings;
  try {
    await door.send((client, sdk, options) => client.send(new sdk.HeadBucketCommand({ Bucket }), options), QUESTION);
    return 'there';
  } catch (error) {
    if (statusOf(error) === 404) return 'missing';
    if (statusOf(error) !== 403) throw error;
  }
  // Who may write may be forbidden to ask, but the reply to a HEAD has no body that would tell wrong credentials apart.
  try {
    const list = { Bucket, MaxKeys: 1 };
    await door.send((client, sdk, options) => client.send(new sdk.ListObjectsV2Command(list), options), QUESTION);
  } catch (error) {
    if (isRefused(error)) throw error;
  }
  return 'there';
}

/** `onBytes` is told of each part that has arrived. Throws when the file is not what it was when it was hashed. */
export async function putObject(
  door: S3Door,
  key: string,
  file: LocalFile,
  metadata: Metadata,
  options: { readonly uploads: string; readonly partSize: number; readonly onBytes: (bytes: number) => void },
): Promise<void> {
  if (file.size > options.partSize) return multipartUpload(door, key, file, metadata, options);
  const { bucket: Bucket } = door.settings;
  const body = await readWhole(file);
  const put = { Bucket, Key: key, Body: body, ContentType: 'application/octet-stream', Metadata: { ...metadata } };
  await door.send((client, sdk, sending) => client.send(new sdk.PutObjectCommand(put), sending));
  options.onBytes(body.length);
}

/** On the server: no byte passes through this machine. Metadata is copied too. */
export async function copyObject(
  door: S3Door,
  from: string,
  to: string,
  size: number,
  metadata: Metadata,
): Promise<void> {
  const { bucket: Bucket } = door.settings;
  const CopySource = [Bucket, ...from.split('/')].map(encodeURIComponent).join('/');
  if (size > MOST_IN_ONE_COPY) return multipartCopy(door, CopySource, to, size, metadata);
  const copy = {
    Bucket,
    Key: to,
    CopySource,
    MetadataDirective: 'REPLACE',
    ContentType: 'application/octet-stream',
    Metadata: { ...metadata },
  } as const;
  await door.send((client, sdk, sending) => client.send(new sdk.CopyObjectCommand(copy), sending));
}

async function readWhole(file: LocalFile): Promise<Buffer> {
  const { createHash } = await import('node:crypto');
  const handle = await open(file.path, 'r');
  try {
    const body = await handle.readFile();
    const sha256 = createHash('sha256').update(body).digest('hex');
    if (sha256 !== file.sha256) throw new Error(`${file.path} changed before it was uploaded`);
    return body;
  } finally {
    await handle.close();
  }
}
