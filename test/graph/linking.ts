import type { Diagnostic } from '../../tool/src/config/diagnostic.ts';
import type { LayerId } from '../../tool/src/config/layer.ts';
import type { LayerGraph } from '../../tool/src/graph/layer-graph.ts';
import { linkLayers } from '../../tool/src/graph/link.ts';
import { NO_OTHER_NAMES, type RegistryNames } from '../../tool/src/graph/registry-names.ts';
import { layer } from '../helpers/layers.ts';

type Options = Readonly<Record<string, unknown>>;

/** Layers by id with their options, linked; problems as `code file`. */
export function link(
  layers: Readonly<Record<string, Options>>,
  names: Partial<RegistryNames> = {},
): {
  graph: LayerGraph;
  diagnostics: Diagnostic[];
  problems: string[];
  unsure: readonly string[];
} {
  const parsed = Object.entries(layers).map(([id, options]) => layer(id, options));
  const { graph, diagnostics, unsure } = linkLayers(parsed, new Map(), { ...NO_OTHER_NAMES, ...names });
  return { graph, diagnostics, problems: diagnostics.map(({ code, file }) => `${code} ${file}`), unsure };
}

/** The graph of a tree given as child → parent. */
export function graphOfParents(parents: Readonly<Record<string, string>>): LayerGraph {
  const all = Object.entries(parents).map(([id, parent]) => [id, { parent }] as const);
  return link(Object.fromEntries(all)).graph;
}

export const id = (text: string): LayerId => text as LayerId;
