import type { Layer, LayerId } from '../config/layer.ts';
import type { LockEntry, LockedImage } from '../config/lock.ts';
import { type ExternalImage, externalKey } from '../graph/external-image.ts';
import { externalsOf, type ParentLink } from '../graph/layer-graph.ts';
import { type AskingOutside, isInImage, repositoriesNow } from './drift.ts';
import { type Alternatives, installs, type KnownOutside, repositoryPlaces } from './lock-places.ts';

interface Said {
  readonly id: LayerId;
  readonly message: string;
}

export interface EntriesNow {
  /** In build order. */
  readonly entries: ReadonlyMap<LayerId, LockEntry>;
  /** Layers whose outside could not be asked, and why: they get no entry. */
  readonly problems: readonly Said[];
  /** What only a build can tell. */
  readonly notes: readonly Said[];
}

export interface AskingEntries extends AskingOutside {
  /** Digest of an external image; undefined, after a warning, where it is not to be had. */
  imageNow(image: ExternalImage): Promise<string | undefined>;
}

/** The entries that layers.lock would have if these layers were built at this moment. */
export async function entriesNow(
  ids: ReadonlySet<LayerId>,
  known: KnownOutside,
  asking: AskingEntries,
): Promise<EntriesNow> {
  const { graph } = asking;
  const places = repositoryPlaces(graph, known);
  const chosen = graph.order.filter((id) => ids.has(id));
  const urls = new Map(chosen.map((id) => [id, (places.get(id) ?? []).flat()]));
  const now = await repositoriesNow(urls, asking);
  const digests = await imagesNow(chosen, asking);
  const entries = new Map<LayerId, LockEntry>();
  const [problems, notes]: Said[][] = [[], []];
  for (const id of chosen) {
    const found = placesFound(id, places.get(id) ?? [], now.digests.get(id) ?? new Map(), known, asking);
    for (const message of found.unknown) notes?.push({ id, message });
    const link = graph.parents.get(id);
    const failed = found.failed.map((url) => now.problems.find((one) => one.url === url)?.message ?? url);
    const images = [link, graph.tools.get(id)].map((one) => imageNow(one, digests));
    for (const image of images) if (typeof image === 'string') failed.push(`the image ${image} cannot be asked`);
    for (const message of failed) problems?.push({ id, message });
    if (failed.length > 0) continue;
    const [parent, tools] = images.map((image) => (typeof image === 'string' ? undefined : image));
    entries.set(id, { ...(parent && { parent }), ...(tools && { tools }), repositories: found.repositories });
    const isBlank = urls.get(id)?.length === 0 && installs(graph.layers.get(id) as Layer, link?.kind === 'scratch');
    if (isBlank) notes?.push({ id, message: 'its package repositories are known after its first build' });
  }
  return { entries, problems: problems ?? [], notes: notes ?? [] };
}

async function imagesNow(ids: readonly LayerId[], asking: AskingEntries): Promise<Map<string, string | undefined>> {
  const all = ids.flatMap((id) => externalsOf(asking.graph, id));
  const images = new Map(all.map((image) => [externalKey(image), image]));
  return new Map(
    await Promise.all([...images].map(async ([key, image]) => [key, await asking.imageNow(image)] as const)),
  );
}

/** An image from elsewhere as it is now; its reference alone where nobody could tell. */
function imageNow(
  link: ParentLink | undefined,
  digests: ReadonlyMap<string, string | undefined>,
): LockedImage | string | undefined {
  if (link?.kind !== 'external') return undefined;
  const digest = digests.get(externalKey(link));
  return digest === undefined ? link.reference : { reference: link.reference, digest };
}

interface Found {
  readonly repositories: Readonly<Record<string, string>>;
  /** URLs that nobody could ask. */
  readonly failed: readonly string[];
  readonly unknown: readonly string[];
}

function placesFound(
  id: LayerId,
  places: readonly Alternatives[],
  digests: ReadonlyMap<string, string>,
  known: KnownOutside,
  { graph }: AskingOutside,
): Found {
  const repositories: [string, string][] = [];
  const failed: string[] = [];
  const unknown: string[] = [];
  for (const place of places) {
    const url = place.find((one) => digests.has(one)) ?? place[0] ?? '';
    const recorded = known.record(id)?.repositories[url] ?? known.entry(id)?.repositories[url];
    const digest = isInImage(id, url, graph) ? recorded : digests.get(url);
    if (digest !== undefined) repositories.push([url, digest]);
    else if (isInImage(id, url, graph)) unknown.push(`${url} lies in the image: the next build tells what it is`);
    else failed.push(url);
  }
  return { repositories: Object.fromEntries(repositories), failed, unknown };
}
