import type { CannedAcl, Destination } from '../config/destinations.ts';
import type { Workspace } from '../system/workspace.ts';
import { type BootContents, type BootNames, type BootObject, fileOf, objectsOf, overwritten } from './object-keys.ts';
import { type BootArtefacts, PublishFailure, type WantedPublication } from './publisher.ts';
import { type RootFacts, rootFactsOf, sameFacts } from './root-facts.ts';
import type { S3Door } from './s3-client.ts';
import { isSourceGone } from './s3-errors.ts';
import type { S3View } from './s3-held.ts';
import { isThere, layerOf, metadataOf, ownerOf, rootFactsIn } from './s3-metadata.ts';
import { copyObject, putObject, type StoredObject } from './s3-objects.ts';

export interface Putting {
  readonly door: S3Door;
  readonly view: S3View;
  readonly image: WantedPublication;
  readonly destination: Extract<Destination, { kind: 's3' }>;
  readonly workspace: Workspace;
  readonly uploads: string;
  readonly partSize: number;
}

interface Holder {
  readonly key: string;
  readonly etag: string;
}

/**
 * Brings every object in line: what is there with the same SHA-256 stays, what another key holds is copied by the server, the rest
 * is uploaded from `artefacts`. `holder`: a root with this content under whatever tag. Gives the bytes that were sent.
 */
export async function putAll(
  putting: Putting,
  names: BootNames,
  contents: BootContents,
  from: { readonly artefacts: BootArtefacts } | { readonly holder: string },
): Promise<number> {
  const { door, view, image, destination, workspace } = putting;
  const { acl } = destination;
  const objects = objectsOf(destination, names);
  const facts = rootFactsOf(image.contentDigest, destination, names, contents);
  const keys = 'holder' in from ? [...objects.map(({ key }) => key), from.holder] : objects.map(({ key }) => key);
  const stored = new Map(await Promise.all(keys.map(async (key) => [key, await view.head(key)] as const)));
  const holders = holdersOf(stored, contents);
  const todo = objects.filter((object) => !isInLine(object, stored.get(object.key), contents, facts, destination.acl));
  const sending = new Set(todo.map(({ kind }) => kind).filter((kind) => !holders.has(contents[kind].sha256)));
  const total = [...sending].reduce((sum, kind) => sum + contents[kind].size, 0);
  let sent = 0;
  for (const { kind, key } of todo) {
    const content = contents[kind];
    const before = stored.get(key);
    if (!isThere(before, content)) warnOfOwner(putting, key, before);
    const metadata = metadataOf(image, content, { acl, ...(kind === 'root' ? { root: facts } : {}) });
    const holder = holders.get(content.sha256);
    if (holder !== undefined) {
      // Onto itself where only what it says of itself is out of date.
      const source = before !== undefined && isThere(before, content) ? { key, etag: before.etag } : holder;
      if (await isCopied(() => copyObject(door, source, key, content.size, metadata, acl), 'artefacts' in from))
        continue;
    }
    if (!('artefacts' in from)) throw new PublishFailure(`${key} went while it was published; publish again`);
    const onBytes = (bytes: number) => {
      sent += bytes;
      workspace.progress(`uploading ${key}`, sent, total);
    };
    await putObject(door, key, fileOf(from.artefacts, kind), metadata, {
      ...putting,
      ...(acl ? { acl } : {}),
      onBytes,
    });
    holders.set(content.sha256, { key, etag: '' });
  }
  return sent;
}

/** False where the source is gone or another by now (or a server compares ETags in its own way), and there is another way. */
async function isCopied(copy: () => Promise<void>, hasFile: boolean): Promise<boolean> {
  try {
    await copy();
    return true;
  } catch (error) {
    if (hasFile && isSourceGone(error)) return false;
    throw error;
  }
}

/**
 * Whether nothing is to be done for an object. Kernels are shared between layers: they say nothing of the root, and a layer without
 * an ACL of its own leaves them as another made them. Pure.
 */
export function isInLine(
  { kind }: BootObject,
  stored: StoredObject | undefined,
  contents: BootContents,
  facts: RootFacts,
  acl: CannedAcl | undefined,
): boolean {
  if (stored === undefined || !isThere(stored, contents[kind])) return false;
  if (stored.metadata.acl !== acl && (kind === 'root' || acl !== undefined)) return false;
  return kind !== 'root' || sameFacts(rootFactsIn(stored), facts);
}

/** SHA-256 → a key that holds it, for copies on the server. */
function holdersOf(stored: ReadonlyMap<string, StoredObject | undefined>, contents: BootContents): Map<string, Holder> {
  const holders = new Map<string, Holder>();
  for (const [key, one] of stored) {
    const content = Object.values(contents).find((wanted) => isThere(one, wanted));
    if (one !== undefined && content !== undefined) holders.set(content.sha256, { key, etag: one.etag });
  }
  return holders;
}

function warnOfOwner({ image, workspace }: Putting, key: string, before: StoredObject | undefined): void {
  const owner = before?.metadata.layer;
  if (owner === undefined || owner === ownerOf(image.layer.id)) return;
  const warning = overwritten(key, layerOf(owner), image.layer.id);
  if (warning) workspace.warn(warning);
}
