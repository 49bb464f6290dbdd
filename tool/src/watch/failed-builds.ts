import { createHash } from 'node:crypto';
import { InvalidInput } from '../config/diagnostic.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import { type LayerGraph, linksOf, neededBy } from '../graph/layer-graph.ts';
import type { Plan } from '../plan/plan.ts';
import type { MutableFacts } from '../run/gather-facts.ts';
import type { InputReader } from '../run/input-reader.ts';

/** What a layer is tried to be made from: kept in memory only, so it may hold more than a recipe. */
type Attempt = string;

interface Now {
  readonly graph: LayerGraph;
  readonly facts: MutableFacts;
  readonly reader: InputReader;
}

/** Builds that failed, by what they were made from: the same is not tried again. */
export class FailedBuilds {
  readonly #tried = new Map<LayerId, Attempt>();
  readonly #failed = new Map<LayerId, Attempt>();

  /** Remembers what a layer's build that begins is made from. */
  async begins(layer: Layer, now: Now): Promise<void> {
    this.#tried.set(layer.id, await attemptOf(layer, now));
  }

  /** A layer's turn is over. */
  ended(id: LayerId, isFailed: boolean): void {
    const tried = this.#tried.get(id);
    if (isFailed && tried !== undefined) this.#failed.set(id, tried);
    else this.#failed.delete(id);
  }

  forget(): void {
    this.#failed.clear();
  }

  /** Of a plan's layers those that would only fail again. */
  async among(plan: Plan, now: Now): Promise<Set<LayerId>> {
    const same = new Set<LayerId>();
    for (const { id, action } of plan.decisions.values()) {
      const failed = this.#failed.get(id);
      const layer = now.graph.layers.get(id);
      if (failed === undefined || layer === undefined || action === 'nothing') continue;
      const below = neededBy(now.graph, id).flatMap((needed) => plan.decisions.get(needed) ?? []);
      // With another parent or tools image it may work.
      if (below.some((one) => one.action !== 'nothing' && !same.has(one.id))) continue;
      if ((await attemptOf(layer, now)) === failed) same.add(id);
    }
    return same;
  }
}

/**
 * The layer file, all that it reads, and the images that it is made with. Of an Ansible layer also what its playbooks may read: what a run
 * that failed would have read next nobody knows.
 */
async function attemptOf(layer: Layer, { graph, facts, reader }: Now): Promise<Attempt> {
  const links = linksOf(graph, layer.id);
  const contents = neededBy(graph, layer.id).map((id) => facts.records.get(id)?.content);
  const { files, tools, environment } = facts.inputs.get(layer.id) ?? {};
  const recorded = facts.recorded.get(layer.id)?.files;
  const missing = layer.options.mounts.length > 0 ? reader.missingMounts(layer) : [];
  const all = [layer, links, contents, files, tools, environment, recorded, missing, await mayReadNow(layer, reader)];
  return createHash('sha256').update(JSON.stringify(all)).digest('hex');
}

async function mayReadNow(layer: Layer, reader: InputReader): Promise<unknown> {
  if (layer.options.layer_type !== 'ansible') return null;
  try {
    return (await reader.ofSet(layer, await reader.named(layer, undefined, ''))).files;
  } catch (error) {
    if (error instanceof InvalidInput) return error.message;
    throw error;
  }
}
