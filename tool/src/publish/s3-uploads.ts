import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { writeFileAtomic } from '../system/files.ts';
import { tryLock } from '../system/lock.ts';
import type { S3Door } from './s3-client.ts';
import { statusOf } from './s3-errors.ts';

/** A multipart upload that has begun. Its parts stay on the server, unseen and paid for, until it is completed or aborted. */
interface BegunUpload {
  readonly endpoint: string;
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
}

/**
 * Keeps the id of an upload on this disk, and a kernel lock as long as we live, so that the next start can end what a kill
 * left behind and nothing else. Without a folder nothing is kept.
 */
export async function noteUpload(
  folder: string | undefined,
  upload: BegunUpload,
): Promise<{ forget(): Promise<void>; release(): void }> {
  if (folder === undefined) return { forget: async () => undefined, release: () => undefined };
  await mkdir(folder, { recursive: true });
  const name = createHash('sha256').update(`${upload.endpoint} ${upload.uploadId}`).digest('hex').slice(0, 32);
  const lock = tryLock(path.join(folder, `${name}.lock`), us());
  await writeFileAtomic(path.join(folder, `${name}.json`), JSON.stringify(upload));
  return {
    forget: () => forget(folder, name),
    release: () => lock?.release(),
  };
}

/** Aborts the uploads of dead processes to this endpoint. What cannot be aborted now is left for the next start. */
export async function endStaleUploads(door: S3Door, folder: string): Promise<number> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json'));
  let ended = 0;
  for (const name of names.map((file) => path.basename(file, '.json'))) {
    const lock = tryLock(path.join(folder, `${name}.lock`), us());
    if (lock === undefined) continue;
    try {
      const upload = JSON.parse(await readFile(path.join(folder, `${name}.json`), 'utf8')) as BegunUpload;
      if (upload.endpoint !== door.settings.endpoint) continue;
      await abort(door, upload);
      await forget(folder, name);
      ended += 1;
    } catch {
      // Somebody else ended it in the same moment, or the server does not answer.
    } finally {
      lock.release();
    }
  }
  return ended;
}

async function abort(door: S3Door, { bucket, key, uploadId }: BegunUpload): Promise<void> {
  const input = { Bucket: bucket, Key: key, UploadId: uploadId };
  try {
    await door.sendLast((client, sdk, options) => client.send(new sdk.AbortMultipartUploadCommand(input), options));
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
  }
}

async function forget(folder: string, name: string): Promise<void> {
  await rm(path.join(folder, `${name}.json`), { force: true });
  await rm(path.join(folder, `${name}.lock`), { force: true });
}

function us() {
  return { host: hostname(), pid: process.pid, runId: '' };
}
