import type { Layer, LayerId } from '../../tool/src/config/layer.ts';
import { recipeSettings } from '../../tool/src/config/recipe-settings.ts';
import { layerFileSchema } from '../../tool/src/config/schema.ts';
import type { LayerGraph, ParentLink } from '../../tool/src/graph/layer-graph.ts';

/** A valid layer, as if parsed from a file: options first, then top-level keys. */
export function layer(id: string, options: Record<string, unknown> = {}, top: Record<string, unknown> = {}): Layer {
  const file = layerFileSchema.parse({
    options: { layer_type: 'base', pkg_manager: 'apt', name: id.split('/').at(-1), ...options },
    ...top,
  });
  return { ...file, id: id as LayerId, file: `layers/${id}.yaml`, recipe: recipeSettings(file) };
}

/** A linked graph of layers given parents first; `links` names the parents, absent ones stand on scratch. */
export function graphOf(layers: readonly Layer[], links: Readonly<Record<string, ParentLink>> = {}): LayerGraph {
  const parents = new Map(layers.map(({ id }) => [id, links[id] ?? ({ kind: 'scratch' } as const)]));
  const children = new Map(layers.map(({ id }) => [id, [] as LayerId[]]));
  for (const [id, link] of parents) if (link.kind === 'layer') children.get(link.id)?.push(id);
  const order = layers.map(({ id }) => id);
  return { layers: new Map(layers.map((one) => [one.id, one])), order, parents, tools: new Map(), children };
}

export function on(id: string): ParentLink {
  return { kind: 'layer', id: id as LayerId, reference: id };
}
