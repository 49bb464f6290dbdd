import type { Diagnostic } from '../config/diagnostic.ts';
import type { Layer, LayerId, LayerPlaces } from '../config/layer.ts';
import { toolsImageOf } from '../config/tools-image.ts';
import { type ImageLink, type LayerGraph, neededBy, type ParentLink } from './layer-graph.ts';
import { atKey, cycleProblem, duplicateReference, type Problem, toolsCycleProblem } from './link-problems.ts';
import { nearMiss } from './near-miss.ts';
import { cycleLeft, cyclesOf, neededGraph, topologicalOrder } from './order.ts';
import { mainReference } from './published.ts';
import { formatReference, parseReference, type Reference } from './reference.ts';
import { createIndex, type Published, type ReferenceIndex } from './reference-index.ts';
import { NO_OTHER_NAMES, onlyOnThisMachine, type RegistryNames } from './registry-names.ts';

type Places = ReadonlyMap<LayerId, LayerPlaces>;

export interface Linked {
  readonly graph: LayerGraph;
  readonly diagnostics: Diagnostic[];
  /** Repositories of images from elsewhere that may be a layer's under another name of its registry. */
  readonly unsure: readonly string[];
}

/**
 * Links layers by their parents and tools images. Nothing is thrown: with errors among the diagnostics the graph leaves out the links that
 * are wrong, so that it is acyclic in any case.
 * @param places where images and names are written, for the diagnostics
 * @param names registries that have several
 */
export function linkLayers(
  layers: readonly Layer[],
  places: Places = new Map(),
  names: RegistryNames = NO_OTHER_NAMES,
): Linked {
  const byId = new Map(layers.map((layer) => [layer.id, layer]));
  const { index, duplicates } = createIndex(layers, names.groups);
  const unsure = new Set<string>();
  const diagnostics = duplicates.map((one) => duplicateReference(one, places));
  const parents = new Map<LayerId, ParentLink>();
  const tools = new Map<LayerId, ImageLink>();
  const linked = (image: string, key: 'parent' | 'tools_image', layer: Layer): ImageLink => {
    const { link, problem, otherName } = linkOf(image, { key, layer, index, readFrom: names.readFrom });
    if (otherName !== undefined) unsure.add(otherName);
    if (problem !== undefined) diagnostics.push(atKey(key, layer, places, problem));
    return link;
  };
  for (const layer of layers) {
    const { parent } = layer.options;
    parents.set(layer.id, parent === 'scratch' ? { kind: 'scratch' } : linked(parent, 'parent', layer));
    const image = toolsImageOf(layer);
    if (image !== undefined) tools.set(layer.id, linked(image, 'tools_image', layer));
  }
  const parentOf = (id: LayerId): LayerId | undefined => {
    const link = parents.get(id);
    return link?.kind === 'layer' ? link.id : undefined;
  };
  for (const cycle of cyclesOf(byId.keys(), parentOf)) {
    diagnostics.push(cycleProblem(cycle, byId, places));
    for (const id of cycle) parents.set(id, { kind: 'external', reference: byId.get(id)?.options.parent ?? '' });
  }
  for (;;) {
    const nodes = neededGraph(byId.keys(), (id) => neededBy({ parents, tools }, id));
    const order = topologicalOrder<LayerId>(nodes);
    const cycle = cycleLeft(nodes, order);
    if (cycle === undefined) {
      const children = new Map(order.map((id) => [id, nodes.outNeighbors(id).sort() as LayerId[]]));
      return { graph: { layers: byId, order, parents, tools, children }, diagnostics, unsure: [...unsure] };
    }
    // Parents alone make none by now.
    const members = new Set(cycle);
    const byTools = cycle.filter((id) => isAmong(tools.get(id), members));
    diagnostics.push(toolsCycleProblem(cycle, byTools[0] as LayerId, byId, places));
    for (const id of byTools) tools.set(id, { kind: 'external', reference: byId.get(id)?.options.tools_image ?? '' });
  }
}

function isAmong(link: ImageLink | undefined, ids: ReadonlySet<LayerId>): boolean {
  return link?.kind === 'layer' && ids.has(link.id);
}

interface LinkOf {
  readonly link: ImageLink;
  readonly problem?: Problem;
  /** The image's repository, when a layer has its name and tag in another registry. */
  readonly otherName?: string;
}

interface Linking {
  readonly key: 'parent' | 'tools_image';
  readonly layer: Layer;
  readonly index: ReferenceIndex;
  readonly readFrom: RegistryNames['readFrom'];
}

/** By reference first; then, for a bare word, by name or id; last by where this machine reads it from. */
function linkOf(parent: string, { key, layer, index, readFrom }: Linking): LinkOf {
  const [what, kind] = key === 'parent' ? (['parent', 'parent'] as const) : (['tools image', 'tools-image'] as const);
  const reference = parseReference(parent);
  if (reference !== undefined) {
    const published = index.publisher(reference);
    if (published !== undefined) return { link: linkTo(published) };
  }
  const named = index.named(parent);
  const external: ImageLink = {
    kind: 'external',
    reference: reference === undefined ? parent : formatReference(reference),
  };
  if (named.length > 1) {
    return {
      link: external,
      problem: {
        severity: 'error',
        code: `ambiguous-${kind}`,
        message: `The ${what} \`${parent}\` may be any of ${named.length} layers`,
        hint: `name one by the reference it publishes, for example \`${mainReference(named[0] as Layer)}\``,
        related: named.map(({ file, id }) => ({ file, message: `\`${id}\`` })),
      },
    };
  }
  const [only] = named;
  if (only !== undefined) return { link: { kind: 'layer', id: only.id, reference: mainReference(only) } };
  if (reference === undefined) {
    const near = index.nearestName(parent);
    return {
      link: external,
      problem: {
        severity: 'error',
        code: `unknown-${kind}`,
        message: `The ${what} \`${parent}\` is neither a layer of this tree nor an image reference`,
        ...(near === undefined ? {} : { hint: `did you mean \`${near}\`?` }),
      },
    };
  }
  const here = onThisMachine(layer, reference, index, readFrom);
  if (here !== undefined) return here;
  const near = nearMiss(layer, what, reference, index);
  if (near === undefined) return { link: external };
  return { link: external, problem: near.problem, ...(near.otherRegistry && { otherName: reference.repository }) };
}

function linkTo({ layer, reference }: Published): ImageLink {
  return { kind: 'layer', id: layer.id, reference };
}

function onThisMachine(
  layer: Layer,
  parent: Reference,
  index: ReferenceIndex,
  readFrom: RegistryNames['readFrom'],
): LinkOf | undefined {
  for (const repository of readFrom.get(parent.repository) ?? []) {
    const published = index.publisher({ ...parent, repository });
    if (published === undefined || published.layer === layer) continue;
    return { link: linkTo(published), problem: onlyOnThisMachine(parent, repository, published.layer) };
  }
  return undefined;
}
