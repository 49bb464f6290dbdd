import PQueue from 'p-queue';
import { parsedJson } from '../system/registry/json.ts';
import { type Descriptor, parseManifest } from '../system/registry/manifest.ts';
import { type Registries, sharedRegistries } from '../system/registry/registries.ts';
import { RegistryError } from '../system/registry/registry-error.ts';
import type { FoundManifest, Repository } from '../system/registry/repository.ts';
import { registryAccess } from '../system/registry-options.ts';
import { keptAtOf } from './build-document.ts';
import { asUnreachable } from './registry-keep.ts';
import type { SharedPlace, SharedRemoval, SharedTag } from './shared-prune.ts';

const AT_ONCE = 8;
const OWN_COLLECTION = "the registry's own garbage collection frees what no tag names any more";

interface Settings {
  /** `registry_opts_push` of a layer that is shared there. */
  readonly options: readonly string[];
  /** Absolute; relative paths in the options start here. */
  readonly root: string;
  readonly signal: AbortSignal;
  /** What is waited for: one that does not answer is tried for minutes. */
  say(line: string): void;
  readonly registries?: Registries;
}

/** A repository of a registry (`HOST[:PORT]/PATH`). Each tag costs a request. */
export function createRegistryPruning(
  place: string,
  { options, root, signal, say, registries = sharedRegistries() }: Settings,
): SharedPlace {
  // Aborted when one look has failed for good: each of the others would be tried as long, and nobody waits for them.
  const giveUp = new AbortController();
  const repository = registries.repository(place, registryAccess(options, root), {
    effort: 'work',
    signal: AbortSignal.any([signal, giveUp.signal]),
    say,
  });
  const reachable = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      throw asUnreachable(error, place);
    }
  };
  return {
    place,
    tags: () =>
      reachable(async () => {
        const names: string[] = [];
        for await (const tag of repository.tags()) names.push(tag);
        const queue = new PQueue({ concurrency: AT_ONCE });
        try {
          const looks = await queue.addAll(names.map((tag) => () => lookAt(repository, tag)));
          return looks.filter((one) => one !== undefined);
        } catch (error) {
          giveUp.abort();
          throw error;
        }
      }),
    remove: (tags, kept) => reachable(() => removeTags(repository, tags, kept)),
  };
}

/** Undefined where it went meanwhile. One that is damaged names nothing that could be kept from going. */
async function lookAt(repository: Repository, tag: string): Promise<SharedTag | undefined> {
  const found = await manifestOf(repository, tag);
  if (found === undefined) return undefined;
  const { digest, bytes } = found;
  const blobs = new Map([[digest, bytes.length]]);
  await addBlobs(repository, bytes, blobs);
  const keptAt = keptAtOf(parseManifest(bytes)?.annotations);
  return { tag, digest, blobs, ...(keptAt !== undefined && { keptAt }) };
}

async function addBlobs(repository: Repository, bytes: Buffer, blobs: Map<string, number>): Promise<void> {
  const manifest = parseManifest(bytes);
  for (const { digest, size } of manifest === undefined ? [] : [manifest.config, ...manifest.layers]) {
    blobs.set(digest, size);
  }
  // An index of images for several architectures holds them by digest.
  const { manifests } = parsedJson<{ manifests?: readonly Descriptor[] } | null>(bytes) ?? {};
  for (const { digest, size } of Array.isArray(manifests) ? manifests : []) {
    if (blobs.has(digest)) continue;
    blobs.set(digest, size);
    const inner = await manifestOf(repository, digest);
    if (inner !== undefined) await addBlobs(repository, inner.bytes, blobs);
  }
}

async function manifestOf(repository: Repository, reference: string): Promise<FoundManifest | undefined> {
  try {
    return await repository.manifest(reference, { direct: true });
  } catch (error) {
    if (error instanceof RegistryError && error.kind === 'digest') return undefined;
    throw error;
  }
}

/**
 * Tag by tag where the registry can do that; else by digest, but never one that a tag which stays names too. A registry that deletes
 * nothing is not asked again.
 */
async function removeTags(
  repository: Repository,
  tags: readonly SharedTag[],
  kept: readonly SharedTag[],
): Promise<SharedRemoval> {
  const left = new Map<string, string>();
  const named = new Map(kept.flatMap(({ tag, blobs }) => [...blobs.keys()].map((digest) => [digest, tag] as const)));
  let byTag = true;
  for (const [index, { tag, digest }] of tags.entries()) {
    if (byTag) {
      const isDone = await repository.deleteTag(tag);
      if (isDone && (await repository.manifest(tag, { direct: true })) === undefined) continue;
      byTag = false;
    }
    const other = named.get(digest);
    if (other !== undefined) {
      left.set(tag, `its manifest is also named by ${other}, and this registry takes no tag away alone`);
      continue;
    }
    if (await repository.deleteManifest(digest)) continue;
    for (const one of tags.slice(index)) left.set(one.tag, 'the registry deletes nothing');
    const rest = `${repository.name}: deleting is turned off in this registry (of docker-registry: storage.delete.enabled)`;
    return { left, rest };
  }
  return { left, rest: OWN_COLLECTION };
}
