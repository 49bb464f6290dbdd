import { createHash } from 'node:crypto';
import { link, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { syncFolder, writeFileAtomic } from '../system/files.ts';

/** https://github.com/opencontainers/image-spec/blob/main/descriptor.md, the members that we read or write. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface OciManifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

interface OciIndex {
  readonly schemaVersion: 2;
  readonly manifests: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

const REF_NAME = 'org.opencontainers.image.ref.name';
/** Marks layouts that we made: only there unreachable blobs are removed. */
const MADE_BY_US = { 'org.openchami.image.layout': 'layers' };

export function blobPath(layout: string, digest: string): string {
  const match = /^(sha256):([0-9a-f]{64})$/.exec(digest);
  if (match === null) throw new Error(`not a digest that we know: ${digest}`);
  return path.join(layout, 'blobs', match[1] as string, match[2] as string);
}

async function readJson<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(file, 'utf8')) as T;
}

/** The index of a layout; undefined where there is none. Throws where it is damaged. */
async function readIndex(layout: string): Promise<OciIndex | undefined> {
  const text = await readFile(path.join(layout, 'index.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const index = JSON.parse(text) as OciIndex;
  if (!Array.isArray(index.manifests)) throw new Error(`${layout}/index.json is no OCI index`);
  return index;
}

/** Tag → digest of what a layout holds; empty where there is none. */
export async function tagsOf(layout: string): Promise<Map<string, string>> {
  const index = await readIndex(layout);
  const named = (index?.manifests ?? []).map(({ annotations, digest }) => [annotations?.[REF_NAME], digest] as const);
  return new Map(named.filter((entry): entry is [string, string] => entry[0] !== undefined));
}

/** The only image of a layout that was just written. */
export async function onlyManifest(layout: string): Promise<OciManifest> {
  const index = await readIndex(layout);
  const descriptor = index?.manifests[0];
  if (descriptor === undefined || index?.manifests.length !== 1) throw new Error(`${layout} does not hold one image`);
  return readJson<OciManifest>(blobPath(layout, descriptor.digest));
}

/**
 * Media types by what the blobs really are: skopeo 1.9 calls layers `+gzip` that it stored as plain tar, which other readers
 * refuse.
 */
export async function truthfulMediaTypes(layout: string, manifest: OciManifest): Promise<OciManifest> {
  const layers: Descriptor[] = [];
  for (const layer of manifest.layers) {
    const isGzip = (await firstBytes(blobPath(layout, layer.digest), 2)).equals(Buffer.from([0x1f, 0x8b]));
    const plain = !isGzip && layer.mediaType.endsWith('.tar+gzip');
    layers.push(plain ? { ...layer, mediaType: layer.mediaType.slice(0, -'+gzip'.length) } : layer);
  }
  return { ...manifest, layers };
}

/** Brings a blob into a layout by a hard link. Gives the bytes that are new there; 0 when it was there already. */
export async function linkBlob(from: string, to: string, descriptor: Descriptor): Promise<number> {
  const source = blobPath(from, descriptor.digest);
  const target = blobPath(to, descriptor.digest);
  const { size } = await stat(source);
  if (size !== descriptor.size) throw new Error(`${source} has ${size} bytes instead of ${descriptor.size}`);
  const there = await stat(target).catch(() => undefined);
  if (there?.size === size) return 0;
  await rm(target, { force: true });
  await link(source, target);
  return size;
}

/** Writes a manifest's blob and points every tag at it, all at once for readers. Other tags stay as they are. */
export async function tagManifest(layout: string, manifest: OciManifest, tags: readonly string[]): Promise<string> {
  const text = JSON.stringify(manifest);
  const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
  await writeFileAtomic(blobPath(layout, digest), text);
  await syncFolder(path.join(layout, 'blobs', 'sha256'));
  await writeFileAtomic(path.join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const before = (await readIndex(layout)) ?? { schemaVersion: 2, manifests: [], annotations: MADE_BY_US };
  const descriptor = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: Buffer.byteLength(text) };
  const manifests = [
    ...before.manifests.filter(({ annotations }) => !tags.includes(annotations?.[REF_NAME] ?? '')),
    ...tags.map((tag) => ({ ...descriptor, annotations: { [REF_NAME]: tag } })),
  ];
  await writeFileAtomic(path.join(layout, 'index.json'), JSON.stringify({ ...before, manifests }));
  return digest;
}

/** Removes blobs that no manifest of the index reaches, in layouts that we made. Gives the bytes that are free now. */
export async function removeUnreachable(layout: string): Promise<number> {
  const index = await readIndex(layout);
  if (index?.annotations?.['org.openchami.image.layout'] === undefined) return 0;
  const reached = new Set<string>();
  const todo = [...index.manifests];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (reached.has(next.digest)) continue;
    reached.add(next.digest);
    if (!/manifest|index/.test(next.mediaType)) continue;
    const inner = await readJson<Partial<OciManifest & OciIndex>>(blobPath(layout, next.digest));
    todo.push(...(inner.layers ?? []), ...(inner.manifests ?? []), ...(inner.config ? [inner.config] : []));
  }
  const folder = path.join(layout, 'blobs', 'sha256');
  let freed = 0;
  for (const name of await readdir(folder)) {
    if (!/^[0-9a-f]{64}$/.test(name) || reached.has(`sha256:${name}`)) continue;
    freed += (await stat(path.join(folder, name))).size;
    await rm(path.join(folder, name), { force: true });
  }
  return freed;
}

async function firstBytes(file: string, count: number): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    return (await handle.read(Buffer.alloc(count), 0, count, 0)).buffer;
  } finally {
    await handle.close();
  }
}
