import { InvalidInput } from '../config/diagnostic.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import { type LayerGraph, neededBy } from '../graph/layer-graph.ts';
import type { Wish } from '../plan/facts.ts';
import { decideNow } from '../plan/plan.ts';
import { type MutableFacts, readLayerInputs } from '../run/gather-facts.ts';
import type { InputReader } from '../run/input-reader.ts';

interface LeftOut {
  readonly graph: LayerGraph;
  readonly facts: MutableFacts;
  readonly wish: Wish;
  readonly reader: Pick<InputReader, 'fixed' | 'ofSet'>;
}

/**
 * Parents (and layers of tools images) that `--only` leaves out are used as last recorded: gives a warning about each that is stale. Throws InvalidInput where there is
 * nothing to build on.
 */
export async function lookAtLeftOutParents({ graph, facts, wish, reader }: LeftOut): Promise<Map<LayerId, string>> {
  const warnings = new Map<LayerId, string>();
  for (const child of wish.needed) {
    for (const id of neededBy(graph, child)) if (!wish.needed.has(id) && !warnings.has(id)) await look(child, id);
  }
  return warnings;

  async function look(child: LayerId, id: LayerId): Promise<void> {
    const record = facts.records.get(id);
    if (record === undefined || (facts.missingImages.has(id) && record.image.shared === undefined)) {
      const what = record ? 'whose image is not in local storage any more' : 'which was never built here';
      throw new InvalidInput(`${child} stands on ${id}, ${what}`, {
        hint: `without --only (and --exclude) it is built first; or run 'layers build ${id}'`,
      });
    }
    await readLayerInputs({ reader, warn: () => {} }, facts, graph.layers.get(id) as Layer);
    const { action, reasons } = decideNow(graph, id, facts, { ...wish, named: new Set() }, new Map());
    if (action === 'nothing' || action === 'publish') return;
    warnings.set(id, `is left out and used as last built, although it is stale: ${reasons[0]?.text ?? action}`);
  }
}
