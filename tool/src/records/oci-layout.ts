import { createHash } from 'node:crypto';
import { copyFile, link, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { syncFile, temporaryNameBeside, writeFileAtomic } from '../system/files.ts';

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
  readonly annotations?: Readonly<Record<string, string>>;
}

export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';

export function blobPath(layout: string, digest: string): string {
  const match = /^(sha256):([0-9a-f]{64})$/.exec(digest);
  if (match === null) throw new Error(`not a digest that we know: ${digest}`);
  return path.join(layout, 'blobs', match[1] as string, match[2] as string);
}

function digestOf(data: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`;
}

/**
 * The content of a small blob (a manifest, a configuration); undefined where it is missing or is not what its digest says: it was
 * changed, or cut off.
 */
export async function readBlob(layout: string, digest: string): Promise<Buffer | undefined> {
  const data = await readFile(blobPath(layout, digest)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return data !== undefined && digestOf(data) === digest ? data : undefined;
}

/** A manifest whose digest was checked. Undefined as of `readBlob`, and where it is no manifest. */
export async function readManifest(layout: string, digest: string): Promise<OciManifest | undefined> {
  const manifest = parsed(await readBlob(layout, digest)) as Partial<OciManifest> | undefined;
  return manifest?.config !== undefined && Array.isArray(manifest.layers) ? (manifest as OciManifest) : undefined;
}

/** Undefined for what is no JSON object. */
export function parsed(data: Uint8Array | undefined): object | undefined {
  if (data === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(data));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Writes a small blob, durable when it returns, and gives its descriptor. The folder is there. */
export async function writeBlob(layout: string, mediaType: string, content: object): Promise<Descriptor> {
  const data = Buffer.from(JSON.stringify(content));
  const digest = digestOf(data);
  await writeFileAtomic(blobPath(layout, digest), data);
  return { mediaType, digest, size: data.length };
}

/** Whether all that a manifest names is there with its size; content is checked when it is read. */
export async function isWhole(layout: string, { config, layers }: OciManifest): Promise<boolean> {
  for (const { digest, size } of [config, ...layers]) {
    const found = await stat(blobPath(layout, digest)).catch(() => undefined);
    if (found?.size !== size) return false;
  }
  return true;
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

/**
 * Brings a blob into a layout, by a hard link where both are on one file system. Gives the bytes that are new there; 0 when it was
 * there already.
 */
export async function linkBlob(from: string, to: string, descriptor: Descriptor): Promise<number> {
  const source = blobPath(from, descriptor.digest);
  const target = blobPath(to, descriptor.digest);
  const { size } = await stat(source);
  if (size !== descriptor.size) throw new Error(`${source} has ${size} bytes instead of ${descriptor.size}`);
  const there = await stat(target).catch(() => undefined);
  if (there?.size === size) return 0;
  await rm(target, { force: true });
  try {
    await link(source, target);
  } catch (error) {
    if (!['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await copyBlob(source, target);
  }
  return size;
}

/** Only whole blobs have their names. */
async function copyBlob(source: string, target: string): Promise<void> {
  const temporary = temporaryNameBeside(target);
  try {
    await copyFile(source, temporary);
    await syncFile(temporary);
    await rename(temporary, target);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function firstBytes(file: string, count: number): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    return (await handle.read(Buffer.alloc(count), 0, count, 0)).buffer;
  } finally {
    await handle.close();
  }
}
