import type { ImageList } from '../config/destinations.ts';
import { isPublicationOf, publicationAnnotations } from '../records/build-document.ts';
import { PUSH_TAG } from '../records/registry-keep.ts';
import { OCI_MANIFEST, parseManifest } from '../system/registry/manifest.ts';
import { type Registries, sharedRegistries } from '../system/registry/registries.ts';
import { isPassing, RegistryError } from '../system/registry/registry-error.ts';
import { digestOf, type FoundManifest, type Repository } from '../system/registry/repository.ts';
import { splitRepository } from '../system/registry/repository-name.ts';
import { type Effort, POLICIES } from '../system/registry/repository-places.ts';
import { pushImage } from '../system/registry/transfer.ts';
import { registryAccess, wantsDockerFormat } from '../system/registry-options.ts';
import type { RetryPolicy } from '../system/retry.ts';
import type { Workspace } from '../system/workspace.ts';
import { entriesOf, entryFor, type ListEntry } from './image-list.ts';
import type { Asking, Publication, PublishedImage, Publisher, WantedPublication } from './publisher.ts';
import { explainRegistry } from './registry-errors.ts';
import { deriveImage } from './registry-image.ts';
import { joinList } from './registry-list.ts';
import { present } from './registry-present.ts';
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
  async function fromShared(image: PublishedImage, target: Repository, names: Names, workspace: Workspace) {
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
    return putNames(image, found, source, target, names);
  }

  /** One push under the first tag, which then gets its annotations, as the others do; for a list under a tag that nobody reads. */
  async function fromLocal(image: PublishedImage, target: Repository, names: Names, workspace: Workspace) {
    const [first = '', ...others] = names === 'digest' ? [PUSH_TAG] : names;
    const words = image.layer.options.registry_opts_push;
    const transfer = { repository: target.name, words, workspace, policy };
    const pushed = await pushImage(await image.labelled(), first, transfer);
    try {
      const found = await target.manifest(pushed, { direct: true });
      if (found === undefined) throw new RegistryError('unexpected', `${target.name}@${pushed} is gone again`);
      const isPlain = found.mediaType !== OCI_MANIFEST || wantsDockerFormat(words);
      const put = isPlain ? undefined : await putNames(image, found, target, target, names);
      if (put !== undefined) return put;
      // Docker's own format has no annotations.
      for (const tag of others) await target.putManifest(tag, found.mediaType, found.bytes);
    } catch (error) {
      // What buildah reaches and we do not: its own kind of authentication, say. Tags count more than annotations.
      if (!(error instanceof RegistryError) || isPassing(error) || names === 'digest') throw error;
      workspace.say(`${target.name}: ${error.message}; skopeo sets the tags, without annotations`);
      await setTagsBySkopeo(target.name, pushed, others, { words, workspace, policy });
    }
    return { digest: pushed, bytes: 0 };
  }

  return {
    kind: 'registry',

    async publish(image, { repository, tags, list }, workspace) {
      if (tags.length === 0) return { references: [], bytes: 0 };
      try {
        const target = open(repository, image, 'work', workspace);
        const names = list === undefined ? tags : 'digest';
        const isDocker = wantsDockerFormat(image.layer.options.registry_opts_push);
        const shared = isDocker
          ? undefined
          : await fromShared(image, target, names, workspace).catch((error: unknown) => {
              // Not readable, or not to be mounted for this account; buildah may still push.
              if (!(error instanceof RegistryError) || isPassing(error)) throw error;
              workspace.say(`${repository}: pushed instead of taken from the key tag: ${error.message}`);
              return undefined;
            });
        const { digest, bytes } = shared ?? (await fromLocal(image, target, names, workspace));
        if (list !== undefined) await joinLists(image, target, digest, tags, list, workspace);
        return { references: referencesOf(repository, tags, digest), bytes };
      } catch (error) {
        workspace.signal.throwIfAborted();
        throw explainRegistry(error, repository);
      }
    },

    async verify(publication, { repository, list }, layer, asking) {
      const target = open(repository, { layer }, 'question', asking);
      const same = publication.references.map(async (published) => {
        if (published.kind !== 'image') return false;
        const tag = published.reference.slice(published.reference.lastIndexOf(':') + 1);
        return ownPart(await present(target, tag), list)?.digest === published.digest;
      });
      return same.length > 0 && (await Promise.all(same)).every(Boolean);
    },

    async observe(wanted, { repository, tags, list }, asking): Promise<Publication | undefined> {
      const target = open(repository, wanted, 'question', asking);
      let found: ReturnType<typeof ownPart>[];
      try {
        found = await Promise.all(tags.map(async (tag) => ownPart(await present(target, tag), list)));
      } catch {
        return undefined;
      }
      const [first] = found;
      const isOne = first !== undefined && found.every((one) => one?.digest === first.digest);
      if (!isOne || !isPublicationOf(first.annotations, wanted)) return undefined;
      return { references: referencesOf(repository, tags, first.digest), bytes: 0 };
    },
  };
}

type Surroundings = Asking & Partial<Pick<Workspace, 'signal' | 'say'>>;

/** Tags, or the digest alone: whoever names that is a list. */
type Names = readonly string[] | 'digest';

/** What is ours of what a tag names: in a list the image of our architecture. */
function ownPart(
  found: FoundManifest | undefined,
  list: ImageList | undefined,
): { readonly digest: string; readonly annotations?: Readonly<Record<string, string>> } | undefined {
  if (list !== undefined) return found && entryFor(entriesOf(found.bytes), list.architecture);
  const annotations = found && parseManifest(found.bytes)?.annotations;
  return found && { digest: found.digest, ...(annotations && { annotations }) };
}

/** One tag after the other, as each may take some rounds. */
async function joinLists(
  image: PublishedImage,
  target: Repository,
  digest: string,
  tags: readonly string[],
  list: ImageList,
  workspace: Workspace,
): Promise<void> {
  const found = await target.manifest(digest, { direct: true });
  if (found === undefined) throw new RegistryError('unexpected', `${target.name}@${digest} is gone again`);
  const own: ListEntry = {
    mediaType: found.mediaType,
    digest,
    size: found.bytes.length,
    platform: { architecture: list.architecture, os: 'linux' },
    // So that one look at the list tells what it holds of us.
    annotations: publicationAnnotations(image),
  };
  for (const tag of tags) await joinList(target, tag, own, list, workspace.signal);
}

/** The derived configuration, then one manifest under every name. The layers are there. */
async function putNames(
  image: PublishedImage,
  found: FoundManifest,
  source: Repository,
  target: Repository,
  names: Names,
): Promise<{ digest: string; bytes: number } | undefined> {
  const manifest = parseManifest(found.bytes);
  const config = manifest && (await source.blob(manifest.config.digest, { direct: true }));
  const derived = config && deriveImage(manifest, config, image.labels, image);
  if (derived === undefined) return undefined;
  await target.putBlob(derived.config);
  const references = names === 'digest' ? [digestOf(derived.manifest)] : names;
  const digests = await Promise.all(references.map((one) => target.putManifest(one, OCI_MANIFEST, derived.manifest)));
  const [digest = ''] = digests;
  return { digest, bytes: derived.config.length + derived.manifest.length };
}

function referencesOf(repository: string, tags: readonly string[], digest: string): Publication['references'] {
  return tags.map((tag) => ({ kind: 'image', reference: `${repository}:${tag}`, digest }));
}
