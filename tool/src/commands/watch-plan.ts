import type { Layer, LayerId } from '../config/layer.ts';
import { linksOf } from '../graph/layer-graph.ts';
import { withDescendants } from '../graph/select.ts';
import type { Prepared } from './prepare.ts';

/** The plan without what would only fail again, and what stands on it. */
export function withoutFailing(prepared: Prepared, same: ReadonlySet<LayerId>): Prepared {
  if (same.size === 0) return prepared;
  const left = withDescendants(prepared.graph, same);
  const decisions = new Map([...prepared.plan.decisions].filter(([id]) => !left.has(id)));
  return { ...prepared, plan: { ...prepared.plan, decisions } };
}

/**
 * Lets a run go on with what layer files say now: of `ids`, whose work was ended, those that are still there, of their kind and made with
 * the same images, without those that would only fail again (`same`). The others have to wait for the next run.
 */
export function takeOver(
  running: Prepared | undefined,
  now: Prepared | undefined,
  ids: ReadonlySet<LayerId>,
  same: ReadonlySet<LayerId>,
): Set<LayerId> {
  const able = new Set<LayerId>();
  if (running === undefined || now === undefined) return able;
  for (const id of ids) {
    const layer = now.graph.layers.get(id);
    const before = running.graph.layers.get(id);
    if (same.has(id)) continue;
    if (layer === undefined || before?.options.layer_type !== layer.options.layer_type) continue;
    if (JSON.stringify(linksOf(running.graph, id)) !== JSON.stringify(linksOf(now.graph, id))) continue;
    // Made for this watch alone, by `loadTree`.
    (running.graph.layers as Map<LayerId, Layer>).set(id, layer);
    able.add(id);
  }
  return able;
}
