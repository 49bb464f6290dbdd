import { isPublicationOf } from '../records/build-document.ts';
import { OCI_MANIFEST, parseManifest } from '../system/registry/manifest.ts';
import { type Registries, sharedRegistries } from '../system/registry/registries.ts';
import { isPassing, RegistryError } from '../system/registry/registry-error.ts';
import { type Effort, type FoundManifest, POLICIES, type Repository } from '../system/registry/repository.ts';
import { splitRepository } from '../system/registry/repository-name.ts';
import { pushImage } from '../system/registry/transfer.ts';
import { registryAccess, wantsDockerFormat } from '../system/registry-options.ts';
import type { RetryPolicy } from '../system/retry.ts';
import type { Workspace } from '../system/workspace.ts';
import type { Asking, Publication, PublishedImage, Publisher, WantedPublication } from './publisher.ts';
import { explainRegistry } from './registry-errors.ts';
import { deriveImage } from './registry-image.ts';
import { setTagsBySkopeo } from './registry-skopeo.ts';

interface RegistryPublisherSettings {
  readonly policy?: RetryPolicy;
  /** Default: those of this process. */
  readonly registries?: Registries;
}

/**
 * A registry: one manifest with the publication's labels and annotations under every tag, so that all have one digest. Where the
 * content stands under its key tag in the same registry, no layer passes this machine; else it is pushed once.
 */
export function createRegistryPublisher(settings: RegistryPublisherSettings = {}): Publisher<'registry'> {
  const { policy = POLICIES.work, registries = sharedRegistries() } = settings;

  const open = (repository: string, wanted: Pick<WantedPublication, 'layer'>, effort: Effort, at: Surroundings) =>
    registries.repository(repository, registryAccess(wanted.layer.options.registry_opts_push, at.root), {
      effort,
      ...(effort === 'work' ? { policy } : {}),
      ...(at.signal ? { signal: at.signal } : {}),
      ...(at.say ? { say: at.say } : {}),
    });

  /** From the key tag; undefined where that cannot be. */
  async function fromShared(image: PublishedImage, target: Repository, tags: readonly string[], workspace: Workspace) {
    const { place = '', digest = '' } = image.shared ?? {};
    const isElsewhere = splitRepository(place).host !== splitRepository(target.name).host;
    if (image.shared === undefined || place.startsWith('oci:') || isElsewhere) return undefined;
    const source = open(place, image, 'work', workspace);
    const found = await source.manifest(digest, { direct: true });
    const layers = found && parseManifest(found.bytes)?.layers;
    if (found === undefined || layers === undefined) return undefined;
    const { path: from } = splitRepository(place);
    if (source.name !== target.name) {
      const mounted = await Promise.all(layers.map((layer) => target.mountBlob(layer.digest, from)));
      if (!mounted.every(Boolean)) return undefined;
    }
    return putTags(image, found, source, target, tags);
  }

  /** One push under the first tag, which then gets its annotations, as the others do. */
  async function fromLocal(image: PublishedImage, target: Repository, tags: readonly string[], workspace: Workspace) {
    const words = image.layer.options.registry_opts_push;
    const transfer = { repository: target.name, words, workspace, policy };
    const pushed = await pushImage(await image.labelled(), tags[0] ?? '', transfer);
    try {
      const found = await target.manifest(pushed, { direct: true });
      if (found === undefined) throw new RegistryError('unexpected', `${target.name}@${pushed} is gone again`);
      const isPlain = found.mediaType !== OCI_MANIFEST || wantsDockerFormat(words);
      const put = isPlain ? undefined : await putTags(image, found, target, target, tags);
      if (put !== undefined) return put;
      // Docker's own format has no annotations.
      for (const tag of tags.slice(1)) await target.putManifest(tag, found.mediaType, found.bytes);
    } catch (error) {
      // What buildah reaches and we do not: its own kind of authentication, say. Tags count more than annotations.
      if (!(error instanceof RegistryError) || isPassing(error)) throw error;
      workspace.say(`${target.name}: ${error.message}; skopeo sets the tags, without annotations`);
      await setTagsBySkopeo(target.name, pushed, tags.slice(1), { words, workspace, policy });
    }
    return { digest: pushed, bytes: 0 };
  }

  return {
    kind: 'registry',

    async publish(image, { repository, tags }, workspace) {
      if (tags.length === 0) return { references: [], bytes: 0 };
      try {
        const target = open(repository, image, 'work', workspace);
        const isDocker = wantsDockerFormat(image.layer.options.registry_opts_push);
        const shared = isDocker
          ? undefined
          : await fromShared(image, target, tags, workspace).catch((error: unknown) => {
              // Not readable, or not to be mounted for this account; buildah may still push.
              if (!(error instanceof RegistryError) || isPassing(error)) throw error;
              workspace.say(`${repository}: pushed instead of taken from the key tag: ${error.message}`);
              return undefined;
            });
        const { digest, bytes } = shared ?? (await fromLocal(image, target, tags, workspace));
        return { references: referencesOf(repository, tags, digest), bytes };
      } catch (error) {
        workspace.signal.throwIfAborted();
        throw explainRegistry(error, repository);
      }
    },

    async verify(publication, { repository }, layer, asking) {
      const target = open(repository, { layer }, 'question', asking);
      const same = publication.references.map(async (published) => {
        if (published.kind !== 'image') return false;
        const tag = published.reference.slice(published.reference.lastIndexOf(':') + 1);
        return (await present(target, tag))?.digest === published.digest;
      });
      return same.length > 0 && (await Promise.all(same)).every(Boolean);
    },

    async observe(wanted, { repository, tags }, asking): Promise<Publication | undefined> {
      const target = open(repository, wanted, 'question', asking);
      let found: (FoundManifest | undefined)[];
      try {
        found = await Promise.all(tags.map((tag) => present(target, tag)));
      } catch {
        return undefined;
      }
      const [first] = found;
      const isOne = first !== undefined && found.every((one) => one?.digest === first.digest);
      if (!isOne || !isPublicationOf(parseManifest(first.bytes)?.annotations, wanted)) return undefined;
      return { references: referencesOf(repository, tags, first.digest), bytes: 0 };
    },
  };
}

type Surroundings = Asking & Partial<Pick<Workspace, 'signal' | 'say'>>;

/** What a tag names where we write to; a mirror may be late. Damaged is as good as not there: it will be put again. */
async function present(target: Repository, tag: string): Promise<FoundManifest | undefined> {
  try {
    return await target.manifest(tag, { direct: true });
  } catch (error) {
    if (error instanceof RegistryError && error.kind === 'digest') return undefined;
    throw error;
  }
}

/** The derived configuration, then one manifest under every tag. The layers are there. */
async function putTags(
  image: PublishedImage,
  found: FoundManifest,
  source: Repository,
  target: Repository,
  tags: readonly string[],
): Promise<{ digest: string; bytes: number } | undefined> {
  const manifest = parseManifest(found.bytes);
  const config = manifest && (await source.blob(manifest.config.digest, { direct: true }));
  const derived = config && deriveImage(manifest, config, image.labels, image);
  if (derived === undefined) return undefined;
  await target.putBlob(derived.config);
  const digests = await Promise.all(tags.map((tag) => target.putManifest(tag, OCI_MANIFEST, derived.manifest)));
  const [digest = ''] = digests;
  return { digest, bytes: derived.config.length + derived.manifest.length };
}

function referencesOf(repository: string, tags: readonly string[], digest: string): Publication['references'] {
  return tags.map((tag) => ({ kind: 'image', reference: `${repository}:${tag}`, digest }));
}
