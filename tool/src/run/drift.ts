import type { Layer, LayerId } from '../config/layer.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import { movedReasons } from '../plan/drift.ts';
import type { Reason } from '../plan/reason.ts';

/** Requests to package repositories at once. */
const AT_ONCE = 8;

export interface AskingOutside {
  readonly graph: LayerGraph;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** What package repositories say at this moment, as far as they could be asked. */
export interface RepositoriesNow {
  /** Layer → URL → `sha256:…`. What lies in the image itself is left out: it moves with the parent only. */
  readonly digests: ReadonlyMap<LayerId, ReadonlyMap<string, string>>;
  /** Said once a URL, without credentials. */
  readonly problems: readonly { readonly id: LayerId; readonly url: string; readonly message: string }[];
}

/**
 * Asks package repositories for their metadata of now, each place once, some at a time. Rejects only with the signal's reason.
 * @param wanted layer → URLs as recorded
 */
export async function repositoriesNow(
  wanted: ReadonlyMap<LayerId, readonly string[]>,
  asking: AskingOutside,
): Promise<RepositoriesNow> {
  const digests = new Map<LayerId, Map<string, string>>();
  const problems: { id: LayerId; url: string; message: string }[] = [];
  const places = new Map<string, { readonly url: string; readonly ids: LayerId[] }>();
  for (const [id, urls] of wanted) {
    digests.set(id, new Map());
    for (const url of urls) {
      if (isInImage(id, url, asking.graph)) continue;
      // Layers may go there by different proxies, or log in as different users.
      const key = JSON.stringify([url, asking.graph.layers.get(id)?.options.proxy, ownPlaces(asking.graph, id)]);
      const place = places.get(key) ?? { url, ids: [] };
      places.set(key, place);
      place.ids.push(id);
    }
  }
  if (places.size === 0) return { digests, problems };
  const [{ metadataNow }, { default: Queue }] = await Promise.all([
    import('../build/metadata-now.ts'),
    import('p-queue'),
  ]);
  const queue = new Queue({ concurrency: AT_ONCE });
  const ask = async ({ url, ids }: { readonly url: string; readonly ids: readonly LayerId[] }): Promise<void> => {
    const [id] = ids as [LayerId];
    const lenders = lineOf(asking.graph, id);
    try {
      const digest = await metadataNow(url, { ...asking, layer: lenders[0] as Layer, lenders });
      for (const one of ids) digests.get(one)?.set(url, digest);
    } catch (error) {
      asking.signal.throwIfAborted();
      problems.push({ id, url, message: error instanceof Error ? error.message : String(error) });
    }
  };
  await Promise.all([...places.values()].map((place) => queue.add(() => ask(place))));
  return { digests, problems: problems.toSorted((a, b) => (a.url < b.url ? -1 : 1)) };
}

/**
 * `--refresh`: layer → what its package repositories moved since the build that would be reused. Parents are not looked at: their digests
 * are asked by the plan's own questions. Layers with nothing that moved are left out.
 * @param builds layer → the build that is known of it, from a record or from the shared memory
 */
export async function movedOutside(
  builds: ReadonlyMap<LayerId, { readonly repositories: Readonly<Record<string, string>> }>,
  asking: AskingOutside,
  warn: (id: LayerId, message: string) => void,
): Promise<Map<LayerId, readonly Reason[]>> {
  const wanted = new Map([...builds].map(([id, build]) => [id, Object.keys(build.repositories)]));
  const { digests, problems } = await repositoriesNow(wanted, asking);
  for (const { id, message } of problems) warn(id, message);
  const moved = new Map<LayerId, readonly Reason[]>();
  for (const [id, build] of builds) {
    const reasons = movedReasons(build.repositories, digests.get(id) ?? new Map());
    if (reasons.length > 0) moved.set(id, reasons);
  }
  return moved;
}

/** A layer and its ancestors in the tree, the layer first. */
function lineOf(graph: LayerGraph, id: LayerId): Layer[] {
  const line: Layer[] = [];
  for (let at: LayerId | undefined = id; at !== undefined; ) {
    line.push(graph.layers.get(at) as Layer);
    const link = graph.parents.get(at);
    at = link?.kind === 'layer' ? link.id : undefined;
  }
  return line;
}

function ownPlaces(graph: LayerGraph, id: LayerId): unknown {
  return lineOf(graph, id).flatMap(({ repos }) => repos.map(({ url, config }) => [url, config]));
}

/** Whether the file that a URL names was read from within an image, by the package manager of that or of its tools image. */
export function isInImage(id: LayerId, url: string, graph: LayerGraph): boolean {
  const layer = graph.layers.get(id);
  const isOutside = graph.parents.get(id)?.kind === 'scratch' || layer?.options.force_installroot === true;
  return (!isOutside || graph.tools.has(id)) && /^(file|copy):/.test(url);
}
