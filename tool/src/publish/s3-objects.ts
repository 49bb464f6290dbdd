import { open } from 'node:fs/promises';
import type { CannedAcl } from '../config/destinations.ts';
import type { LocalFile } from './publisher.ts';
import type { S3Door } from './s3-client.ts';
import { QUESTION } from './s3-client.ts';
import { isRefused, statusOf } from './s3-errors.ts';
import { type Metadata, multipartCopy, multipartUpload, written } from './s3-multipart.ts';

/** The size up to which one request copies; S3 refuses more. */
const MOST_IN_ONE_COPY = 5 * 1024 ** 3;
/** Up to this size one request uploads; above, parts of this size go up a few at a time. */
export const PART_SIZE = 16 * 1024 ** 2;

export interface StoredObject {
  readonly size: number;
  readonly metadata: Metadata;
  /** As the server gives it; empty from some. */
  readonly etag: string;
}

/** What lies directly below a prefix, up to the next slash. */
export interface Listing {
  readonly objects: readonly { readonly key: string; readonly at: number }[];
  /** With the slash at their end. */
  readonly folders: readonly string[];
}

/** Pages of 1,000 names; a folder with more is not looked through. */
const MOST_PAGES = 20;

/** What is stored under a key; undefined where there is nothing. */
export async function headObject(door: S3Door, key: string): Promise<StoredObject | undefined> {
  try {
    const { bucket: Bucket } = door.settings;
    const head = await door.send((client, sdk, options) =>
      client.send(new sdk.HeadObjectCommand({ Bucket, Key: key }), options),
    );
    return { size: head.ContentLength ?? -1, metadata: head.Metadata ?? {}, etag: head.ETag ?? '' };
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/** Names below a prefix. Empty where we may not list, or the server cannot. */
export async function listFolder(door: S3Door, prefix: string): Promise<Listing> {
  const { bucket: Bucket } = door.settings;
  const objects: { key: string; at: number }[] = [];
  const folders: string[] = [];
  let next: string | undefined;
  try {
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const input = { Bucket, Prefix: prefix, Delimiter: '/', ...(next ? { ContinuationToken: next } : {}) };
      const found = await door.send((client, sdk, options) =>
        client.send(new sdk.ListObjectsV2Command(input), options),
      );
      for (const { Key, LastModified } of found.Contents ?? []) {
        if (Key !== undefined) objects.push({ key: Key, at: LastModified?.getTime() ?? 0 });
      }
      for (const { Prefix } of found.CommonPrefixes ?? []) if (Prefix !== undefined) folders.push(Prefix);
      next = found.IsTruncated ? found.NextContinuationToken : undefined;
      if (next === undefined) break;
    }
  } catch (error) {
    if (isRefused(error) || ![403, 404, 405, 501].includes(statusOf(error) ?? 0)) throw error;
  }
  return { objects, folders };
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
  options: {
    readonly acl?: CannedAcl;
    readonly uploads: string;
    readonly partSize: number;
    readonly onBytes: (bytes: number) => void;
  },
): Promise<void> {
  if (file.size > options.partSize) return multipartUpload(door, key, file, metadata, options);
  const { bucket: Bucket } = door.settings;
  const body = await readWhole(file);
  const put = { Bucket, Key: key, Body: body, ...written(metadata, options.acl) };
  await door.send((client, sdk, sending) => client.send(new sdk.PutObjectCommand(put), sending));
  options.onBytes(body.length);
}

/**
 * On the server: no byte passes through this machine. `metadata` is the copy's. Fails with status 412 when the source is not `from`
 * any more, whose metadata would be a lie then.
 */
export async function copyObject(
  door: S3Door,
  from: { readonly key: string; readonly etag: string },
  to: string,
  size: number,
  metadata: Metadata,
  acl?: CannedAcl,
): Promise<void> {
  const { bucket: Bucket } = door.settings;
  const source = {
    CopySource: [Bucket, ...from.key.split('/')].map(encodeURIComponent).join('/'),
    ...(from.etag === '' ? {} : { CopySourceIfMatch: from.etag }),
  };
  if (size > MOST_IN_ONE_COPY) return multipartCopy(door, source, to, size, written(metadata, acl));
  const copy = {
    Bucket,
    Key: to,
    ...source,
    MetadataDirective: 'REPLACE',
    ...written(metadata, acl),
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
