import type { Layer, LayerId } from '../config/layer.ts';
import { fileIdOf, fullIdOf } from './architectures.ts';
import { externalsOf, type LayerGraph, neededBy } from './layer-graph.ts';

/** Beyond this depth the lines of a tree no longer move to the right; the depth is given instead. */
const MAXIMAL_INDENT = 40;

interface Row {
  readonly id: LayerId;
  readonly depth: number;
  readonly prefix: string;
  readonly last: boolean;
}

/** The graph as lines of a tree: what comes from outside as roots, then what stands on it; a tools image beside the layer that has one. Without trailing newline. */
export function drawTree(graph: LayerGraph): string {
  const lines: string[] = [];
  for (const [root, ids] of rootsOf(graph)) {
    lines.push(printable(root));
    const open = rows(ids, 0, '');
    for (let row = open.pop(); row !== undefined; row = open.pop()) {
      const { id, depth, prefix, last } = row;
      const deep = depth >= MAXIMAL_INDENT;
      lines.push(
        `${prefix}${last ? '└── ' : '├── '}${deep ? `(${depth + 1}) ` : ''}${printable(treeLabel(graph, id))}`,
      );
      const inner = deep ? prefix : `${prefix}${last ? '    ' : '│   '}`;
      open.push(...rows(standingOn(graph, id), depth + 1, inner));
    }
  }
  return lines.join('\n');
}

/** For Graphviz. */
export function drawDot(graph: LayerGraph): string {
  const quote = (text: string) => `"${printable(text).replaceAll(/["\\]/g, '\\$&')}"`;
  const lines = ['digraph layers {', '  rankdir=LR;', '  node [shape=box];'];
  for (const reference of externals(graph))
    lines.push(`  ${quote(`external:${reference}`)} [label=${quote(reference)}, style=dashed];`);
  for (const id of graph.order) lines.push(`  ${quote(id)} [label=${quote(label(graph, id))}];`);
  for (const [from, to] of edges(graph)) lines.push(`  ${quote(from)} -> ${quote(to)};`);
  return [...lines, '}'].join('\n');
}

/** For Markdown on GitHub and GitLab. */
export function drawMermaid(graph: LayerGraph): string {
  const names = new Map<string, string>();
  for (const reference of externals(graph)) names.set(`external:${reference}`, `e${names.size}`);
  for (const id of graph.order) names.set(id, `l${names.size}`);
  const quote = (text: string) => `"${printable(text).replaceAll(/[&<>"#;`\\]/g, (one) => `#${one.charCodeAt(0)};`)}"`;
  const lines = ['graph LR'];
  for (const [key, name] of names) {
    const external = name.startsWith('e');
    const text = quote(external ? key.slice('external:'.length) : label(graph, key as LayerId));
    lines.push(`  ${name}${external ? `([${text}])` : `[${text}]`}`);
  }
  for (const [from, to] of edges(graph)) lines.push(`  ${names.get(from)} --> ${names.get(to)}`);
  return lines.join('\n');
}

/** Plain data for other programs, layers in build order. */
export function graphJson(graph: LayerGraph) {
  return {
    version: 1,
    layers: graph.order.map((id) => {
      const layer = graph.layers.get(id) as Layer;
      const [parent, tools] = [graph.parents.get(id), graph.tools.get(id)];
      const links = { parent, ...(tools && { tools }), children: graph.children.get(id) ?? [] };
      const { architecture } = layer;
      const several = architecture === undefined ? {} : { architecture };
      return { id, name: layer.options.name, path: layer.file, ...several, ...links };
    }),
  };
}

/** The last child first, as the rows are taken from the end. */
function rows(ids: readonly LayerId[], depth: number, prefix: string): Row[] {
  return ids.map((id, index) => ({ id, depth, prefix, last: index === ids.length - 1 })).toReversed();
}

function rootsOf(graph: LayerGraph): Map<string, LayerId[]> {
  const roots = new Map<string, LayerId[]>();
  for (const id of graph.order) {
    const link = graph.parents.get(id);
    if (link === undefined || link.kind === 'layer') continue;
    const root = link.kind === 'scratch' ? 'scratch' : link.reference;
    const members = roots.get(root);
    if (members === undefined) roots.set(root, [id]);
    else members.push(id);
  }
  return roots;
}

function externals(graph: LayerGraph): Set<string> {
  const references = new Set<string>();
  for (const id of graph.order) for (const { reference } of externalsOf(graph, id)) references.add(reference);
  return new Set([...references].sort());
}

function edges(graph: LayerGraph): [string, string][] {
  return graph.order.flatMap((id): [string, string][] => [
    ...neededBy(graph, id).map((one): [string, string] => [one, id]),
    ...externalsOf(graph, id).map(({ reference }): [string, string] => [`external:${reference}`, id]),
  ]);
}

/** Without those that only have its image for tools: they are drawn below their parents. */
function standingOn(graph: LayerGraph, id: LayerId): LayerId[] {
  const isParent = (child: LayerId) => {
    const link = graph.parents.get(child);
    return link?.kind === 'layer' && link.id === id;
  };
  return (graph.children.get(id) ?? []).filter(isParent);
}

function treeLabel(graph: LayerGraph, id: LayerId): string {
  const tools = graph.tools.get(id);
  if (tools === undefined) return label(graph, id);
  return `${label(graph, id)}, tools: ${tools.kind === 'layer' ? tools.id : tools.reference}`;
}

/** `debian/base`, and the name beside it where the id does not end with it. */
function label(graph: LayerGraph, id: LayerId): string {
  const layer = graph.layers.get(id);
  const name = layer?.options.name ?? id;
  const [own, shown] = layer === undefined ? [id, id] : [fileIdOf(layer), fullIdOf(layer)];
  return own === name || own.endsWith(`/${name}`) ? shown : `${shown} (${name})`;
}

function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '?');
}
