import type { Diagnostic } from '../config/diagnostic.ts';
import type { Layer, LayerId, LayerPlaces } from '../config/layer.ts';
import type { LayerGraph, ParentLink } from './layer-graph.ts';
import { atParent, cycleProblem, duplicateReference, type Problem } from './link-problems.ts';
import { nearMiss } from './near-miss.ts';
import { cyclesOf, parentGraph, topologicalOrder } from './order.ts';
import { mainReference } from './published.ts';
import { formatReference, parseReference, type Reference } from './reference.ts';
import { createIndex, type Published, type ReferenceIndex } from './reference-index.ts';
import { NO_OTHER_NAMES, onlyOnThisMachine, type RegistryNames } from './registry-names.ts';

type Places = ReadonlyMap<LayerId, LayerPlaces>;

export interface Linked {
  readonly graph: LayerGraph;
  readonly diagnostics: Diagnostic[];
  /** Repositories of parents from elsewhere that may be a layer's under another name of its registry. */
  readonly unsure: readonly string[];
}

/**
 * Links layers by their parents. Nothing is thrown: with errors among the diagnostics the graph leaves out the links that
 * are wrong, so that it is acyclic in any case.
 * @param places where parents and names are written, for the diagnostics
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
  for (const layer of layers) {
    const { link, problem, otherName } = linkOf(layer, index, names.readFrom);
    parents.set(layer.id, link);
    if (otherName !== undefined) unsure.add(otherName);
    if (problem !== undefined) diagnostics.push(atParent(layer, places, problem));
  }
  const parentOf = (id: LayerId): LayerId | undefined => {
    const link = parents.get(id);
    return link?.kind === 'layer' ? link.id : undefined;
  };
  for (const cycle of cyclesOf(byId.keys(), parentOf)) {
    diagnostics.push(cycleProblem(cycle, byId, places));
    for (const id of cycle) parents.set(id, { kind: 'external', reference: byId.get(id)?.options.parent ?? '' });
  }
  const linked = parentGraph(byId.keys(), parentOf);
  const order = topologicalOrder<LayerId>(linked);
  const children = new Map(order.map((id) => [id, linked.outNeighbors(id).sort() as LayerId[]]));
  return { graph: { layers: byId, order, parents, children }, diagnostics, unsure: [...unsure] };
}

interface LinkOf {
  readonly link: ParentLink;
  readonly problem?: Problem;
  /** The parent's repository, when a layer has its name and tag in another registry. */
  readonly otherName?: string;
}

/** By reference first; then, for a bare word, by name or id; last by where this machine reads it from. */
function linkOf(layer: Layer, index: ReferenceIndex, readFrom: RegistryNames['readFrom']): LinkOf {
  const { parent } = layer.options;
  if (parent === 'scratch') return { link: { kind: 'scratch' } };
  const reference = parseReference(parent);
  if (reference !== undefined) {
    const published = index.publisher(reference);
    if (published !== undefined) return { link: linkTo(published) };
  }
  const named = index.named(parent);
  const external: ParentLink = {
    kind: 'external',
    reference: reference === undefined ? parent : formatReference(reference),
  };
  if (named.length > 1) {
    return {
      link: external,
      problem: {
        severity: 'error',
        code: 'ambiguous-parent',
        message: `The parent \`${parent}\` may be any of ${named.length} layers`,
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
        code: 'unknown-parent',
        message: `The parent \`${parent}\` is neither a layer of this tree nor an image reference`,
        ...(near === undefined ? {} : { hint: `did you mean \`${near}\`?` }),
      },
    };
  }
  const here = onThisMachine(layer, reference, index, readFrom);
  if (here !== undefined) return here;
  const near = nearMiss(layer, reference, index);
  if (near === undefined) return { link: external };
  return { link: external, problem: near.problem, ...(near.otherRegistry && { otherName: reference.repository }) };
}

function linkTo({ layer, reference }: Published): ParentLink {
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
