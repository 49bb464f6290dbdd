import { setTimeout as sleep } from 'node:timers/promises';
import type { ImageList } from '../config/destinations.ts';
import { settled } from '../records/registry-settled.ts';
import { OCI_INDEX, parseManifest } from '../system/registry/manifest.ts';
import { RegistryError } from '../system/registry/registry-error.ts';
import type { FoundManifest, Repository } from '../system/registry/repository.ts';
import { architectureIn, entriesOf, type ListEntry, listBytes, listWith } from './image-list.ts';
import { present } from './registry-present.ts';

/** Builders of other architectures join the same list at the same time: who finds itself missing joins again. */
const ATTEMPTS = 10;
const LONGEST_PAUSE_MS = 400;

type Turns = Map<string, Promise<unknown>>;

/** In this process one after the other: its own architectures never have to find out about each other. */
const ours: Turns = new Map();

/**
 * Puts an image, which is there by its digest, into the list that a tag names; a single image that stood there becomes part of it. A
 * registry has no "only if unchanged", so that what was put is read again. Throws RegistryError.
 */
export async function joinList(
  target: Repository,
  tag: string,
  own: ListEntry,
  { architectures }: ImageList,
  signal: AbortSignal,
  turns: Turns = ours,
): Promise<void> {
  const name = `${target.name}:${tag}`;
  const before = turns.get(name) ?? Promise.resolve();
  const mine = before.then(() => join(target, tag, own, architectures, signal));
  const done = mine.catch(() => undefined);
  turns.set(name, done);
  await mine.finally(() => {
    if (turns.get(name) === done) turns.delete(name);
  });
}

async function join(
  target: Repository,
  tag: string,
  own: ListEntry,
  wanted: ImageList['architectures'],
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const started = performance.now();
    const before = await present(target, tag);
    const bytes = listBytes(listWith(await entriesAt(target, before), own, wanted));
    if (before?.bytes.equals(bytes) === true) return;
    await target.putManifest(tag, OCI_INDEX, bytes);
    await settled(started, signal);
    const after = await present(target, tag);
    if (after !== undefined && entriesOf(after.bytes)?.some(({ digest }) => digest === own.digest) === true) return;
    // Not all at once again.
    await sleep(Math.random() * LONGEST_PAUSE_MS, undefined, { signal });
  }
  throw new RegistryError(
    'unexpected',
    `${target.name}:${tag}: others replaced the list ${ATTEMPTS} times without our image`,
  );
}

async function entriesAt(target: Repository, found: FoundManifest | undefined): Promise<readonly ListEntry[]> {
  if (found === undefined) return [];
  const entries = entriesOf(found.bytes);
  if (entries !== undefined) return entries;
  const manifest = parseManifest(found.bytes);
  const config = manifest && (await target.blob(manifest.config.digest, { direct: true }));
  const architecture = architectureIn(config);
  if (architecture === undefined) return [];
  const { digest, mediaType, bytes } = found;
  return [{ mediaType, digest, size: bytes.length, platform: { architecture, os: 'linux' } }];
}
