import path from 'node:path';
import type { Destination } from '../config/destinations.ts';
import type { Layer } from '../config/layer.ts';
import type { RetryPolicy } from '../system/retry.ts';
import type { Workspace } from '../system/workspace.ts';
import { contentsOf, namesOf, objectsOf } from './object-keys.ts';
import { type BootFiles, type PublishedImage, type Publisher, PublishFailure } from './publisher.ts';
import { rootFactsOf } from './root-facts.ts';
import { openS3, type S3Door, TRANSFER } from './s3-client.ts';
import { createCommand, explainS3, isSourceGone } from './s3-errors.ts';
import { createS3View, findHeld, type HeldContent, type S3View } from './s3-held.ts';
import { isThere } from './s3-metadata.ts';
import { checkBucket, headObject, PART_SIZE } from './s3-objects.ts';
import { isInLine, type Putting, putAll } from './s3-put.ts';
import { keyOf, referencesOf } from './s3-references.ts';
import { createSharedViews } from './s3-shared-views.ts';
import { endStaleUploads } from './s3-uploads.ts';

export interface S3PublisherSettings {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly policy?: RetryPolicy;
  readonly partSize?: number;
}

type S3Destination = Extract<Destination, { kind: 's3' }>;

/** A plan waits for the answers, and many of them at once may be too much for a server. */
const PLAN: RetryPolicy = { attempts: 5, baseMs: 200, capMs: 3_000 };

/**
 * Boot artefacts in a bucket, under exactly the contract's keys. Squashed once and uploaded once: the other tags are copies that the
 * server makes. Where any tag of the destination holds the content already, nothing is pulled, squashed or sent.
 */
export function createS3Publisher(settings: S3PublisherSettings = {}): Publisher<'s3'> {
  const { env = process.env, policy = TRANSFER, partSize = PART_SIZE } = settings;

  const open = (
    { endpoint, bucket }: S3Destination,
    verifyTls: boolean,
    more: { readonly policy: RetryPolicy; readonly workspace?: Workspace },
  ): Promise<S3Door> => {
    const { signal, say } = more.workspace ?? {};
    const doors = { ...(signal ? { signal } : {}), ...(say ? { say } : {}) };
    return openS3({ endpoint, bucket, verifyTls, env, policy: more.policy, ...doors });
  };
  const views = createSharedViews((destination, verifyTls) =>
    open(destination, verifyTls, { policy: settings.policy ?? PLAN }),
  );
  const asked = async <T>(
    destination: S3Destination,
    { options }: Layer,
    look: Parameters<typeof views.use<T>>[2],
  ): Promise<T> => {
    try {
      return await views.use(destination, options.s3_tls_verify, look);
    } catch (error) {
      throw explainS3(error, destination.endpoint, destination.bucket);
    }
  };

  return {
    kind: 's3',

    async publish(image, destination, workspace, boot) {
      const { endpoint, bucket } = destination;
      const door = await open(destination, image.layer.options.s3_tls_verify, { policy, workspace });
      try {
        // Before the squash, which takes minutes.
        await checkPlace(door);
        const uploads = path.join(workspace.caches, 's3-uploads');
        await endStaleUploads(door, uploads);
        const putting = { door, image, destination, workspace, uploads, partSize };
        return (await copyHeld(putting)) ?? (await makeAndPut(putting, image, boot));
      } catch (error) {
        workspace.signal.throwIfAborted();
        throw explainS3(error, endpoint, bucket);
      } finally {
        door.close();
      }
    },

    verify(publication, destination, layer) {
      return asked(destination, layer, async ({ door }) => {
        const checks = publication.references.map(async (published) => {
          if (published.kind === 'image') return false;
          return isThere(await headObject(door, keyOf(published.url, destination)), published);
        });
        return publication.references.length > 0 && (await Promise.all(checks)).every(Boolean);
      });
    },

    observe(wanted, destination) {
      return asked(destination, wanted.layer, async ({ view }) => {
        const held = await findHeld(view, wanted.contentDigest, destination, { anyTag: false });
        if (held === undefined || !(await isAllInLine(view, wanted.contentDigest, destination, held))) return undefined;
        return { references: referencesOf(destination, held.names, held.contents), bytes: 0 };
      });
    },
  };
}

let usual: Publisher<'s3'> | undefined;

/** The one of this process: it lists a bucket once for all layers of a plan. */
export function theS3Publisher(): Publisher<'s3'> {
  usual ??= createS3Publisher();
  return usual;
}

type Starting = Omit<Putting, 'view'>;

/** Undefined where the destination holds the content under no tag, or what held it changes in this moment. */
async function copyHeld(starting: Starting) {
  const { door, image, destination, workspace } = starting;
  const view = createS3View(door);
  const held = await findHeld(view, image.contentDigest, destination, { anyTag: true });
  if (held === undefined) return undefined;
  const { names, contents } = held;
  try {
    const bytes = await workspace.step('copy on the server', () =>
      putAll({ ...starting, view }, names, contents, held),
    );
    return { references: referencesOf(destination, names, contents), bytes };
  } catch (error) {
    if (!isSourceGone(error)) throw error;
    workspace.say(`${held.holder} changed while it was copied: the image is uploaded instead`);
    return undefined;
  }
}

async function makeAndPut(starting: Starting, image: PublishedImage, boot: BootFiles) {
  const { door, destination, workspace } = starting;
  const artefacts = await boot.make(destination.squashfsOptions, destination.bootKernel);
  const [names, contents] = [namesOf(artefacts), contentsOf(artefacts)];
  // Looked at anew: squashing took its time.
  const putting = { ...starting, image, view: createS3View(door) };
  const bytes = await workspace.step('upload', () => putAll(putting, names, contents, { artefacts }));
  return { references: referencesOf(destination, names, contents), bytes };
}

async function checkPlace(door: S3Door): Promise<void> {
  const { endpoint, bucket } = door.settings;
  if ((await checkBucket(door)) === 'there') return;
  throw new PublishFailure(`${endpoint}: there is no bucket ${bucket}`, {
    hint: `Create it: ${createCommand(endpoint, bucket)}`,
  });
}

/** Whether every object is what is wanted, under every tag. */
async function isAllInLine(
  view: S3View,
  contentDigest: string,
  destination: S3Destination,
  { names, contents }: HeldContent,
): Promise<boolean> {
  const facts = rootFactsOf(contentDigest, destination, names, contents);
  const checks = objectsOf(destination, names).map(async (object) =>
    isInLine(object, await view.head(object.key), contents, facts, destination.acl),
  );
  return (await Promise.all(checks)).every(Boolean);
}
