import type { LayerId } from '../config/layer.ts';
import type { LayerGraph } from './layer-graph.ts';

/**
 * For each layer the longest way from its start to the end of a leaf, its own duration included: what has most left should
 * start first. Durations in milliseconds, never negative.
 */
export function remainingPath(graph: LayerGraph, duration: (id: LayerId) => number): Map<LayerId, number> {
  const remaining = new Map<LayerId, number>();
  for (const id of graph.order.toReversed()) {
    const below = (graph.children.get(id) ?? []).reduce((most, child) => Math.max(most, remaining.get(child) ?? 0), 0);
    remaining.set(id, Math.max(0, duration(id)) + below);
  }
  return remaining;
}
