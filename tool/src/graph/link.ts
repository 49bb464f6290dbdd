import type { Diagnostic } from '../config/diagnostic.ts';
import type { Layer, LayerId, LayerPlaces } from '../config/layer.ts';
import type { LayerGraph, ParentLink } from './layer-graph.ts';
import { nearMiss } from './near-miss.ts';
import { cyclesOf, parentGraph, topologicalOrder } from './order.ts';
import { mainReference } from './published.ts';
import { formatReference, parseReference } from './reference.ts';
import { createIndex, type ReferenceIndex } from './reference-index.ts';

type Places = ReadonlyMap<LayerId, LayerPlaces>;

/**
 * Links layers by their parents. Nothing is thrown: with errors among the diagnostics the graph leaves out the links that
 * are wrong, so that it is acyclic in any case.
 * @param places where parents and names are written, for the diagnostics
 */
export function linkLayers(
  layers: readonly Layer[],
  places: Places = new Map(),
): { graph: LayerGraph; diagnostics: Diagnostic[] } {
  const byId = new Map(layers.map((layer) => [layer.id, layer]));
  const { index, duplicates } = createIndex(layers);
  const diagnostics = duplicates.map((one) => duplicateReference(one, places));
  const parents = new Map<LayerId, ParentLink>();
  for (const layer of layers) {
    const { link, problem } = linkOf(layer, index);
    parents.set(layer.id, link);
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
  return { graph: { layers: byId, order, parents, children }, diagnostics };
}

type Problem = Omit<Diagnostic, 'file' | 'range'>;

/** By reference first; then, for a bare word, by name or id. */
function linkOf(layer: Layer, index: ReferenceIndex): { link: ParentLink; problem?: Problem } {
  const { parent } = layer.options;
  if (parent === 'scratch') return { link: { kind: 'scratch' } };
  const reference = parseReference(parent);
  if (reference !== undefined) {
    const published = index.publisher(reference);
    if (published !== undefined) return { link: { kind: 'layer', ...published } };
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
  const problem = nearMiss(layer, reference, index);
  return { link: external, ...(problem === undefined ? {} : { problem }) };
}

function atParent(layer: Layer, places: Places, problem: Problem): Diagnostic {
  const place = places.get(layer.id)?.parent;
  return { ...problem, ...(place ?? { file: layer.file }) };
}

function duplicateReference(
  { reference, first, second }: { reference: string; first: Layer; second: Layer },
  places: Places,
): Diagnostic {
  const at = (layer: Layer) => {
    const place = places.get(layer.id);
    // The name tells the two apart; a place in layers.yaml would be the same for both.
    return place?.name?.file === layer.file ? place.name : { file: layer.file };
  };
  return {
    severity: 'error',
    code: 'duplicate-reference',
    message: `\`${second.id}\` and \`${first.id}\` both publish \`${reference}\``,
    hint: 'give one of them another name, tag or registry',
    ...at(second),
    related: [{ ...at(first), message: `\`${first.id}\` publishes it here` }],
  };
}

function cycleProblem(cycle: readonly LayerId[], byId: ReadonlyMap<LayerId, Layer>, places: Places): Diagnostic {
  const [first] = cycle as [LayerId];
  const layer = byId.get(first) as Layer;
  if (cycle.length === 1) {
    return atParent(layer, places, {
      severity: 'error',
      code: 'self-parent',
      message: `\`${first}\` is its own parent`,
      hint: `if an image from elsewhere is meant, write its full reference, for example \`docker.io/library/${layer.options.parent}\``,
    });
  }
  const shown = cycle.length > 12 ? [...cycle.slice(0, 6), `… ${cycle.length - 11} more …`, ...cycle.slice(-5)] : cycle;
  return atParent(layer, places, {
    severity: 'error',
    code: 'cycle',
    message: `The parents form a cycle: ${[...shown, first].join(' → ')}`,
    hint: 'let one of them stand on `scratch` or on an image from elsewhere',
    related: cycle.slice(1).map((id) => {
      const member = byId.get(id) as Layer;
      return {
        ...(places.get(id)?.parent ?? { file: member.file }),
        message: `\`${id}\` stands on \`${member.options.parent}\``,
      };
    }),
  });
}
