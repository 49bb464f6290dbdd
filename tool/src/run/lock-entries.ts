import type { Layer, LayerId } from '../config/layer.ts';
import type { LockEntry } from '../config/lock.ts';
import { type ExternalImage, externalKey } from '../graph/external-image.ts';
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
  /** Digest of an external parent; undefined, after a warning, where it is not to be had. */
  parentNow(image: ExternalImage): Promise<string | undefined>;
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
  const parents = await parentsNow(chosen, asking);
  const entries = new Map<LayerId, LockEntry>();
  const [problems, notes]: Said[][] = [[], []];
  for (const id of chosen) {
    const found = placesFound(id, places.get(id) ?? [], now.digests.get(id) ?? new Map(), known, asking);
    for (const message of found.unknown) notes?.push({ id, message });
    const link = graph.parents.get(id);
    const isExternal = link?.kind === 'external';
    const digest = isExternal ? parents.get(externalKey(link)) : undefined;
    const failed = found.failed.map((url) => now.problems.find((one) => one.url === url)?.message ?? url);
    if (isExternal && digest === undefined) failed.push(`the parent image ${link.reference} cannot be asked`);
    for (const message of failed) problems?.push({ id, message });
    if (failed.length > 0) continue;
    const parent = isExternal && digest !== undefined ? { parent: { reference: link.reference, digest } } : {};
    entries.set(id, { ...parent, repositories: found.repositories });
    const isBlank = urls.get(id)?.length === 0 && installs(graph.layers.get(id) as Layer, link?.kind === 'scratch');
    if (isBlank) notes?.push({ id, message: 'its package repositories are known after its first build' });
  }
  return { entries, problems: problems ?? [], notes: notes ?? [] };
}

async function parentsNow(ids: readonly LayerId[], asking: AskingEntries): Promise<Map<string, string | undefined>> {
  const links = ids.map((id) => asking.graph.parents.get(id));
  const images = new Map(links.flatMap((link) => (link?.kind === 'external' ? [[externalKey(link), link]] : [])));
  return new Map(
    await Promise.all([...images].map(async ([key, image]) => [key, await asking.parentNow(image)] as const)),
  );
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
