import path from 'node:path';
import type { Destination, PublishedReference } from '../config/destinations.ts';
import type { RetryPolicy } from '../system/retry.ts';
import type { Workspace } from '../system/workspace.ts';
import { type BootObject, fileOf, objectsOf, overwritten } from './object-keys.ts';
import {
  type BootArtefacts,
  type LocalFile,
  type PublishedImage,
  type Publisher,
  PublishFailure,
} from './publisher.ts';
import { openS3, type S3Door, TRANSFER } from './s3-client.ts';
import { createCommand, explainS3 } from './s3-errors.ts';
import { checkBucket, copyObject, headObject, PART_SIZE, putObject, type StoredObject } from './s3-objects.ts';
import { endStaleUploads } from './s3-uploads.ts';

export interface S3PublisherSettings {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly policy?: RetryPolicy;
  readonly partSize?: number;
}

type S3Destination = Extract<Destination, { kind: 's3' }>;

/**
 * Boot artefacts in a bucket, under exactly the contract's keys. Squashed once and uploaded once: the other tags are copies that the
 * server makes. What is there already with the same SHA-256 is not sent again.
 */
export function createS3Publisher(settings: S3PublisherSettings = {}): Publisher<'s3'> {
  const { env = process.env, policy = TRANSFER, partSize = PART_SIZE } = settings;

  const open = (destination: S3Destination, verifyTls: boolean, workspace?: Workspace): Promise<S3Door> => {
    const { endpoint, bucket } = destination;
    const { signal, say } = workspace ?? {};
    return openS3({ endpoint, bucket, verifyTls, env, policy, ...(signal ? { signal } : {}), ...(say ? { say } : {}) });
  };

  return {
    kind: 's3',

    async publish(image, destination, workspace, boot) {
      const { endpoint, bucket } = destination;
      const door = await open(destination, image.layer.options.s3_tls_verify, workspace);
      try {
        // Before the squash, which takes minutes.
        await checkPlace(door);
        const uploads = path.join(workspace.caches, 's3-uploads');
        await endStaleUploads(door, uploads);
        const artefacts = await boot.make(destination.squashfsOptions, destination.bootKernel);
        const objects = objectsOf(destination, artefacts);
        const bytes = await workspace.step('upload', () =>
          putAll(door, objects, artefacts, image, { workspace, uploads, partSize }),
        );
        const references = objects.map((object) => referenceOf(object, artefacts, `${endpoint}/${bucket}`));
        return { references, bytes };
      } catch (error) {
        workspace.signal.throwIfAborted();
        throw explainS3(error, endpoint, bucket);
      } finally {
        door.close();
      }
    },

    async verify(publication, destination, layer) {
      const { endpoint, bucket } = destination;
      const door = await open(destination, layer.options.s3_tls_verify);
      try {
        const checks = publication.references.map(async (published) => {
          if (published.kind === 'image') return false;
          return isThere(await headObject(door, keyOf(published.url, `${endpoint}/${bucket}`)), published);
        });
        return publication.references.length > 0 && (await Promise.all(checks)).every(Boolean);
      } catch (error) {
        throw explainS3(error, endpoint, bucket);
      } finally {
        door.close();
      }
    },
  };
}

async function checkPlace(door: S3Door): Promise<void> {
  const { endpoint, bucket } = door.settings;
  if ((await checkBucket(door)) === 'there') return;
  throw new PublishFailure(`${endpoint}: there is no bucket ${bucket}`, {
    hint: `Create it: ${createCommand(endpoint, bucket)}`,
  });
}

async function putAll(
  door: S3Door,
  objects: readonly BootObject[],
  artefacts: BootArtefacts,
  image: PublishedImage,
  { workspace, uploads, partSize }: { workspace: Workspace; uploads: string; partSize: number },
): Promise<number> {
  const stored = new Map<string, StoredObject | undefined>();
  await Promise.all(objects.map(async ({ key }) => stored.set(key, await headObject(door, key))));
  /** SHA-256 → a key that holds it, for copies on the server. */
  const holders = new Map<string, string>();
  for (const { kind, key } of objects) {
    const file = fileOf(artefacts, kind);
    if (isThere(stored.get(key), file)) holders.set(file.sha256, key);
  }
  const missing = objects.filter(({ kind, key }) => !isThere(stored.get(key), fileOf(artefacts, kind)));
  const sending = new Map(missing.map(({ kind }) => [kind, fileOf(artefacts, kind)]));
  for (const [kind, file] of sending) if (holders.has(file.sha256)) sending.delete(kind);
  const total = [...sending.values()].reduce((sum, { size }) => sum + size, 0);
  let sent = 0;
  for (const { kind, key } of missing) {
    const file = fileOf(artefacts, kind);
    const before = stored.get(key)?.metadata.layer;
    const warning = before === undefined ? undefined : overwritten(key, decodeURI(before), image.layer.id);
    if (warning) workspace.warn(warning);
    const metadata = metadataOf(image, file);
    const holder = holders.get(file.sha256);
    if (holder !== undefined) {
      await copyObject(door, holder, key, file.size, metadata);
      continue;
    }
    const onBytes = (bytes: number) => {
      sent += bytes;
      workspace.progress(`uploading ${key}`, sent, total);
    };
    await putObject(door, key, file, metadata, { uploads, partSize, onBytes });
    holders.set(file.sha256, key);
  }
  return sent;
}

/** What the server says of an object against what it should be. Neither ETags nor checksums come back from every server. */
function isThere(stored: StoredObject | undefined, { size, sha256 }: Pick<LocalFile, 'size' | 'sha256'>): boolean {
  return stored !== undefined && stored.size === size && stored.metadata.sha256 === sha256;
}

function metadataOf(image: PublishedImage, file: LocalFile): Record<string, string> {
  return {
    sha256: file.sha256,
    'recipe-key': image.recipeKey,
    'content-digest': image.contentDigest,
    layer: encodeURI(image.layer.id),
  };
}

/** Path-style, as a boot configuration takes it. */
function referenceOf({ kind, key }: BootObject, artefacts: BootArtefacts, base: string): PublishedReference {
  const { size, sha256 } = fileOf(artefacts, kind);
  return { kind, url: `${base}/${key.split('/').map(encodeURIComponent).join('/')}`, size, sha256 };
}

function keyOf(url: string, base: string): string {
  return url
    .slice(base.length + 1)
    .split('/')
    .map(decodeURIComponent)
    .join('/');
}
