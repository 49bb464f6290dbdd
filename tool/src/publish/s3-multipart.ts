import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { CompletedPart } from '@aws-sdk/client-s3';
import PQueue from 'p-queue';
import type { CannedAcl } from '../config/destinations.ts';
import { type LocalFile, PublishFailure } from './publisher.ts';
import type { S3Door } from './s3-client.ts';
import { statusOf } from './s3-errors.ts';
import { noteUpload } from './s3-uploads.ts';

/** User metadata of an object: `x-amz-meta-…`. Values are printable ASCII. */
export type Metadata = Readonly<Record<string, string>>;

const PARTS_AT_ONCE = 4;
const MOST_PARTS = 10_000;
const COPY_PART = 1024 ** 3;

/** What every request that makes an object says of it. A copy on the server takes over no ACL, so that it is said again. */
interface Written {
  readonly ContentType: string;
  readonly Metadata: Record<string, string>;
  readonly ACL?: CannedAcl;
}

export function written(metadata: Metadata, acl: CannedAcl | undefined): Written {
  const Metadata = { ...metadata };
  return { ContentType: 'application/octet-stream', Metadata, ...(acl === undefined ? {} : { ACL: acl }) };
}

type Part = (number: number, uploadId: string) => Promise<CompletedPart>;

/**
 * Own multipart upload instead of lib-storage's, which stores a short object when the file shrinks, rejects before its abort is
 * sent, and fails when only the reply to the last request is lost. Memory: at most five parts.
 */
export async function multipartUpload(
  door: S3Door,
  key: string,
  file: LocalFile,
  metadata: Metadata,
  options: { readonly acl?: CannedAcl; uploads: string; partSize: number; onBytes: (bytes: number) => void },
): Promise<void> {
  const { acl, uploads, partSize, onBytes } = options;
  const size = Math.max(partSize, Math.ceil(file.size / MOST_PARTS));
  const handle = await open(file.path, 'r');
  const hash = createHash('sha256');
  // Parts are read one after another, in order, so that the hash is of exactly what is sent.
  let reading: Promise<unknown> = Promise.resolve();
  const read = (number: number): Promise<Buffer> => {
    const offset = (number - 1) * size;
    const length = Math.min(size, file.size - offset);
    const next = reading.then(async () => {
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, offset);
      if (bytesRead !== length) throw new PublishFailure(`${file.path} shrank while it was uploaded`);
      hash.update(buffer);
      return buffer;
    });
    reading = next;
    return next;
  };
  const { bucket: Bucket } = door.settings;
  const part: Part = async (PartNumber, UploadId) => {
    const Body = await read(PartNumber);
    const input = { Bucket, Key: key, UploadId, PartNumber, Body };
    const done = await door.send((client, sdk, options) => client.send(new sdk.UploadPartCommand(input), options));
    onBytes(Body.length);
    return { ...checksumsOf(done), PartNumber };
  };
  const check = () => {
    if (hash.digest('hex') !== file.sha256) throw new PublishFailure(`${file.path} changed while it was uploaded`);
  };
  try {
    await multipart(door, key, file.size, Math.ceil(file.size / size), written(metadata, acl), part, check, uploads);
  } finally {
    await handle.close();
  }
}

/** For objects above the size that one request copies. */
export async function multipartCopy(
  door: S3Door,
  source: { readonly CopySource: string; readonly CopySourceIfMatch?: string },
  key: string,
  size: number,
  object: Written,
): Promise<void> {
  const { bucket: Bucket } = door.settings;
  const part: Part = async (PartNumber, UploadId) => {
    const first = (PartNumber - 1) * COPY_PART;
    const CopySourceRange = `bytes=${first}-${Math.min(size, first + COPY_PART) - 1}`;
    const input = { Bucket, Key: key, UploadId, PartNumber, ...source, CopySourceRange };
    const done = await door.send((client, sdk, options) => client.send(new sdk.UploadPartCopyCommand(input), options));
    return { ...checksumsOf(done.CopyPartResult ?? {}), PartNumber };
  };
  await multipart(door, key, size, Math.ceil(size / COPY_PART), object, part, () => undefined, undefined);
}

async function multipart(
  door: S3Door,
  key: string,
  size: number,
  count: number,
  object: Written,
  part: Part,
  check: () => void,
  uploads: string | undefined,
): Promise<void> {
  const { bucket: Bucket, endpoint } = door.settings;
  const create = { Bucket, Key: key, ...object };
  const { UploadId } = await door.send((client, sdk, options) =>
    client.send(new sdk.CreateMultipartUploadCommand(create), options),
  );
  if (UploadId === undefined) throw new PublishFailure(`${endpoint} gave no upload id for ${key}`);
  const noted = await noteUpload(uploads, { endpoint, bucket: Bucket, key, uploadId: UploadId });
  try {
    const parts = await allParts(count, (number) => part(number, UploadId));
    check();
    await complete(door, key, UploadId, parts, size, object.Metadata);
  } catch (error) {
    // Parts in flight have ended by now: one that arrived after the abort would stay for ever.
    await door
      .sendLast((client, sdk, options) =>
        client.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key: key, UploadId }), options),
      )
      .then(noted.forget, () => undefined);
    throw error;
  } finally {
    noted.release();
  }
  await noted.forget();
}

/** A few at a time; the first failure starts no more and is thrown when those that run have ended. */
async function allParts(count: number, part: (number: number) => Promise<CompletedPart>): Promise<CompletedPart[]> {
  const queue = new PQueue({ concurrency: PARTS_AT_ONCE });
  const parts: CompletedPart[] = [];
  let failure: { error: unknown } | undefined;
  for (let number = 1; number <= count; number++) {
    void queue.add(async () => {
      try {
        if (failure === undefined) parts[number - 1] = await part(number);
      } catch (error) {
        failure ??= { error };
      }
    });
  }
  await queue.onIdle();
  if (failure !== undefined) throw (failure as { error: unknown }).error;
  return parts;
}

/** When the reply is lost, another try finds no upload although the object is there: then the object itself is asked. */
async function complete(
  door: S3Door,
  key: string,
  UploadId: string,
  Parts: CompletedPart[],
  size: number,
  metadata: Metadata,
): Promise<void> {
  const { bucket: Bucket } = door.settings;
  const input = { Bucket, Key: key, UploadId, MultipartUpload: { Parts } };
  try {
    await door.send((client, sdk, options) => client.send(new sdk.CompleteMultipartUploadCommand(input), options));
  } catch (error) {
    if (statusOf(error) !== 404 && (error as Error).name !== 'NoSuchUpload') throw error;
    const head = await door.send((client, sdk, options) =>
      client.send(new sdk.HeadObjectCommand({ Bucket, Key: key }), options),
    );
    const isOurs = head.ContentLength === size && head.Metadata?.sha256 === metadata.sha256;
    if (!isOurs) throw error;
  }
}

/** The members that CompleteMultipartUpload wants back. Some servers send no ETag in a copy's reply; then none is sent. */
function checksumsOf(done: CompletedPart): CompletedPart {
  const { ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumSHA1, ChecksumSHA256, ChecksumCRC64NVME } = done;
  return { ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumSHA1, ChecksumSHA256, ChecksumCRC64NVME };
}
