import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { syncFolder, writeFileAtomic } from '../system/files.ts';
import { blobPath, type Descriptor, type OciManifest, parsed, readBlob } from './oci-layout.ts';

interface OciIndex {
  readonly schemaVersion: 2;
  readonly manifests: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

const REF_NAME = 'org.opencontainers.image.ref.name';
/** Marks layouts that we made: only there unreachable blobs are removed. */
const MADE_BY_US = { 'org.openchami.image.layout': 'layers' };

/** Indexes that were read, by layout: a run that asks for a thousand keys reads each layout's once. */
const read = new Map<string, { readonly stamp: string; readonly tags: Promise<ReadonlyMap<string, Descriptor>> }>();

/** The index of a layout; undefined where there is none. Throws where it is damaged. */
async function readIndex(layout: string): Promise<OciIndex | undefined> {
  const file = path.join(layout, 'index.json');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const index = parsed(Buffer.from(text)) as OciIndex | undefined;
  if (!Array.isArray(index?.manifests)) throw new DamagedIndex(`${file} is no OCI index`);
  return index;
}

export class DamagedIndex extends Error {
  override readonly name = 'DamagedIndex';
}

/**
 * Tag → descriptor of what a layout holds, empty where there is none. Read again only when the file was replaced. Throws
 * DamagedIndex.
 */
export async function tagsOf(layout: string): Promise<ReadonlyMap<string, Descriptor>> {
  const found = await stat(path.join(layout, 'index.json'), { bigint: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return new Map();
  const stamp = [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ');
  const known = read.get(layout);
  if (known?.stamp === stamp) return known.tags;
  // Replaced between the two calls: the stamp is of the older file, and the next call reads again.
  const tags = readIndex(layout).then(tagsIn);
  // Kept while it is read: many ask at once.
  read.set(layout, { stamp, tags });
  tags.catch(() => read.delete(layout));
  return tags;
}

function tagsIn(index: OciIndex | undefined): Map<string, Descriptor> {
  const tags = new Map<string, Descriptor>();
  for (const descriptor of index?.manifests ?? []) {
    const tag = descriptor.annotations?.[REF_NAME];
    if (tag !== undefined) tags.set(tag, descriptor);
  }
  return tags;
}

/**
 * Points tags at manifests whose blobs are there, all at once for readers; other tags stay as they are. Reads it back. Only who
 * holds the layout's lock calls this. Gives whether a manifest lost its last tag, so that something may be unreachable.
 */
export async function setTags(layout: string, entries: ReadonlyMap<string, Descriptor>): Promise<boolean> {
  await syncFolder(path.join(layout, 'blobs', 'sha256'));
  await writeFileAtomic(path.join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const before = (await readIndex(layout)) ?? { schemaVersion: 2, manifests: [], annotations: MADE_BY_US };
  const manifests = [
    ...before.manifests.filter(({ annotations }) => !entries.has(annotations?.[REF_NAME] ?? '')),
    ...[...entries].map(([tag, { annotations, ...descriptor }]) => ({
      ...descriptor,
      annotations: { ...annotations, [REF_NAME]: tag },
    })),
  ];
  await writeFileAtomic(path.join(layout, 'index.json'), JSON.stringify({ ...before, manifests }));
  const held = tagsIn(await readIndex(layout));
  const lost = [...entries].filter(([tag, { digest }]) => held.get(tag)?.digest !== digest).map(([tag]) => tag);
  if (lost.length > 0) throw new Error(`${layout}: tags ${lost.join(', ')} are not what was just written`);
  const reached = new Set(manifests.map(({ digest }) => digest));
  return before.manifests.some(({ digest }) => !reached.has(digest));
}

/** Takes tags away that still name these digests. Only who holds the layout's lock calls this. */
export async function dropTags(layout: string, digests: ReadonlyMap<string, string>): Promise<void> {
  const before = await readIndex(layout);
  if (before === undefined) return;
  const manifests = before.manifests.filter(
    ({ digest, annotations }) => digests.get(annotations?.[REF_NAME] ?? '') !== digest,
  );
  await writeFileAtomic(path.join(layout, 'index.json'), JSON.stringify({ ...before, manifests }));
}

/**
 * Removes blobs that no manifest of the index reaches (human tags and key tags alike), in layouts that we made. Where a manifest
 * cannot be read nothing is removed, as nobody knows what it needs. Gives the bytes that are free now.
 */
export async function removeUnreachable(layout: string): Promise<number> {
  const index = await readIndex(layout);
  if (index?.annotations?.['org.openchami.image.layout'] === undefined) return 0;
  const reached = new Set<string>();
  const todo = [...index.manifests];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (reached.has(next.digest)) continue;
    reached.add(next.digest);
    if (!/manifest|index/.test(next.mediaType)) continue;
    const inner = parsed(await readBlob(layout, next.digest)) as Partial<OciManifest & OciIndex> | undefined;
    if (inner === undefined) return 0;
    todo.push(...(inner.layers ?? []), ...(inner.manifests ?? []), ...(inner.config ? [inner.config] : []));
  }
  const folder = path.dirname(blobPath(layout, `sha256:${'0'.repeat(64)}`));
  let freed = 0;
  for (const name of await readdir(folder)) {
    if (!/^[0-9a-f]{64}$/.test(name) || reached.has(`sha256:${name}`)) continue;
    freed += (await stat(path.join(folder, name))).size;
    await rm(path.join(folder, name), { force: true });
  }
  return freed;
}
