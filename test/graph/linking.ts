import type { Diagnostic } from '../../tool/src/config/diagnostic.ts';
import type { LayerId } from '../../tool/src/config/layer.ts';
import type { LayerGraph } from '../../tool/src/graph/layer-graph.ts';
import { linkLayers } from '../../tool/src/graph/link.ts';
import { layer } from '../helpers/layers.ts';

type Options = Readonly<Record<string, unknown>>;

/** Layers by id with their options, linked; problems as `code file`. */
export function link(layers: Readonly<Record<string, Options>>): {
  graph: LayerGraph;
  diagnostics: Diagnostic[];
  problems: string[];
} {
  const { graph, diagnostics } = linkLayers(Object.entries(layers).map(([id, options]) => layer(id, options)));
  return { graph, diagnostics, problems: diagnostics.map(({ code, file }) => `${code} ${file}`) };
}

/** The graph of a tree given as child → parent. */
export function graphOfParents(parents: Readonly<Record<string, string>>): LayerGraph {
  const all = Object.entries(parents).map(([id, parent]) => [id, { parent }] as const);
  return link(Object.fromEntries(all)).graph;
}

export const id = (text: string): LayerId => text as LayerId;
