import { type Architecture, isOneOfSeveral } from '../config/architectures.ts';
import type { Diagnostic } from '../config/diagnostic.ts';
import type { Layer, LayerId, LayerPlaces } from '../config/layer.ts';
import { type ImageLink, type LayerGraph, neededBy, type ParentLink } from './layer-graph.ts';

/**
 * Makes of each layer one an architecture of its list, each on its parent, and by its tools image, of that architecture. The first of a list keeps the layer's
 * id, others get `ID@ARCHITECTURE`: ids are the same on every machine, and a list that grows at its end changes none. A tree without
 * `architectures` stays as it is.
 * @param graph as linked, one layer a file
 * @param machine OCI name: what layers without a list are built for
 */
export function expandArchitectures(
  graph: LayerGraph,
  machine: string,
  places: ReadonlyMap<LayerId, LayerPlaces> = new Map(),
): { graph: LayerGraph; diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  if (![...graph.layers.values()].some(isListed)) return { graph, diagnostics };
  const layers = new Map<LayerId, Layer>();
  const parents = new Map<LayerId, ParentLink>();
  const tools = new Map<LayerId, ImageLink>();
  const children = new Map<LayerId, LayerId[]>();
  for (const id of graph.order) {
    const layer = graph.layers.get(id) as Layer;
    const link = graph.parents.get(id) as ParentLink;
    const image = graph.tools.get(id);
    const above = layerOf(link, graph);
    const aboveTools = layerOf(image, graph);
    const problems = [
      above && imageProblem(layer, above, 'parent', places),
      aboveTools && imageProblem(layer, aboveTools, 'tools image', places),
    ];
    diagnostics.push(...problems.filter((problem) => problem !== undefined));
    for (const node of nodesOf(layer)) {
      if (node.id !== id && graph.layers.has(node.id)) diagnostics.push(takenId(layer, node, graph));
      layers.set(node.id, node);
      parents.set(node.id, link.kind === 'scratch' ? link : nodeLink(node, link, above, machine));
      if (image !== undefined) tools.set(node.id, nodeLink(node, image, aboveTools, machine));
      children.set(node.id, []);
      for (const needed of neededBy({ parents, tools }, node.id)) children.get(needed)?.push(node.id);
    }
  }
  for (const list of children.values()) list.sort();
  return { graph: { layers, order: [...layers.keys()], parents, tools, children }, diagnostics };
}

/** The id of the layer's file: the same for all of its architectures. */
export function fileIdOf({ id, architecture }: Layer): string {
  const suffix = `@${architecture}`;
  return architecture !== undefined && id.endsWith(suffix) ? id.slice(0, -suffix.length) : id;
}

/** The id with the architecture, where the layer is one of several: the first of a list has none in its own. */
export function fullIdOf(layer: Layer): string {
  return isOneOfSeveral(layer) ? `${fileIdOf(layer)}@${layer.architecture}` : layer.id;
}

function isListed({ options }: Layer): boolean {
  return options.architectures.length > 0;
}

function listOf({ options }: Layer): readonly Architecture[] {
  // Checked when the file was read.
  return options.architectures as Architecture[];
}

function nodesOf(layer: Layer): Layer[] {
  if (!isListed(layer)) return [layer];
  return listOf(layer).map((architecture, index) => ({ ...layer, id: idOf(layer, index), architecture }));
}

function idOf(layer: Layer, index: number): LayerId {
  return (index === 0 ? layer.id : `${layer.id}@${listOf(layer)[index]}`) as LayerId;
}

function layerOf(link: ParentLink | undefined, graph: LayerGraph): Layer | undefined {
  return link?.kind === 'layer' ? graph.layers.get(link.id) : undefined;
}

function nodeLink(node: Layer, link: ImageLink, above: Layer | undefined, machine: string): ImageLink {
  const { architecture } = node;
  if (link.kind === 'external' && architecture !== undefined) return { ...link, architecture };
  if (link.kind !== 'layer' || above === undefined || !isListed(above)) return link;
  const index = listOf(above).indexOf((architecture ?? machine) as Architecture);
  // Without a list of its own, on a parent that is not for this machine: it is not built here, and hangs where others can see it.
  return { ...link, id: idOf(above, Math.max(0, index)) };
}

/** A layer of several architectures needs images of each. */
function imageProblem(
  layer: Layer,
  above: Layer,
  what: 'parent' | 'tools image',
  places: ReadonlyMap<LayerId, LayerPlaces>,
): Diagnostic | undefined {
  const has = listOf(above);
  const lacking = listOf(layer).filter((one) => !has.includes(one));
  // A single one on a parent without a list is built where the machine is of that architecture.
  if (lacking.length === 0 || (has.length === 0 && lacking.length === 1)) return undefined;
  const wanted = [...has, ...lacking].join(', ');
  const below = has.length === 0 ? 'it is built for one machine only' : `it is built for ${has.join(' and ')}`;
  return {
    severity: 'error',
    code: `${what === 'parent' ? 'parent' : 'tools'}-architecture`,
    message: `\`${layer.id}\` is for ${listOf(layer).join(' and ')}, and its ${what} \`${above.id}\` is not: ${below}`,
    hint: `write \`architectures: [${wanted}]\` into ${above.file}, or once under \`defaults\` in layers.yaml`,
    ...(places.get(layer.id)?.architectures ?? { file: layer.file }),
    related: [{ ...(places.get(above.id)?.architectures ?? { file: above.file }), message: `\`${above.id}\`` }],
  };
}

function takenId(layer: Layer, node: Layer, graph: LayerGraph): Diagnostic {
  const other = graph.layers.get(node.id) as Layer;
  return {
    severity: 'error',
    code: 'duplicate-id',
    message: `\`${node.id}\` is \`${layer.id}\` for ${node.architecture}, and another file has that name`,
    hint: 'rename the file',
    file: other.file,
    related: [{ file: layer.file, message: `\`${layer.id}\`` }],
  };
}
