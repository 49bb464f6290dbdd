import { InvalidInput } from '../config/diagnostic.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import { notBuiltHere } from '../graph/builds-here.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import { type Selection, select } from '../graph/select.ts';
import type { BuilderHere } from './builders-here.ts';

export interface Chosen extends ReturnType<typeof select> {
  /** A line about what was selected and is left to other machines, where there is such. */
  readonly note?: string;
}

/** What was selected, as far as this machine builds it. Throws InvalidInput for a selector of which nothing would be left. */
export function chooseLayers(graph: LayerGraph, selection: Selection, machine: BuilderHere): Chosen {
  const elsewhere = notBuiltHere(graph, machine);
  if (elsewhere.size === 0) return select(graph, selection);
  const asked = select(graph, { ...selection, only: true }).named;
  for (const selector of selection.selectors) {
    const { named } = select(graph, { ...selection, selectors: [selector], all: false, only: true });
    if (named.size > 0 && [...named].every((id) => elsewhere.has(id))) throw refusal(graph, named, elsewhere, machine);
  }
  const here = new Set([...(selection.within ?? graph.layers.keys())].filter((id) => !elsewhere.has(id)));
  const left = [...asked].filter((id) => elsewhere.has(id));
  return {
    ...select(graph, { ...selection, within: here }),
    ...(left.length > 0 && { note: noteOf(graph, left, machine) }),
  };
}

/** Throws InvalidInput unless this machine builds all of a graph. */
export function refuseElsewhere(graph: LayerGraph, machine: BuilderHere): void {
  const elsewhere = notBuiltHere(graph, machine);
  if (elsewhere.size > 0) throw refusal(graph, new Set(elsewhere.keys()), elsewhere, machine);
}

function refusal(
  graph: LayerGraph,
  named: ReadonlySet<LayerId>,
  elsewhere: ReadonlyMap<LayerId, string>,
  { builds, emulation }: BuilderHere,
): InvalidInput {
  const diagnostics = [...named].map((id) => ({
    severity: 'error' as const,
    code: 'other-architecture',
    message: `\`${id}\` is not built on this machine: ${elsewhere.get(id)}`,
    file: (graph.layers.get(id) as Layer).file,
  }));
  return new InvalidInput(`this machine builds images for ${[...builds].join(' and ')}`, {
    diagnostics,
    hint: emulation,
  });
}

function noteOf(graph: LayerGraph, left: readonly LayerId[], { emulation }: BuilderHere): string {
  const byArchitecture = new Map<string, LayerId[]>();
  for (const id of left) {
    const { architecture = 'this machine' } = graph.layers.get(id) as Layer;
    byArchitecture.set(architecture, [...(byArchitecture.get(architecture) ?? []), id]);
  }
  const parts = [...byArchitecture].map(([name, ids]) => `${name} (${shortened(ids)})`);
  return `left to other machines: ${parts.join(', ')}; ${emulation}`;
}

const MOST_NAMED = 8;

function shortened(ids: readonly LayerId[]): string {
  const more = ids.length - MOST_NAMED;
  return [...ids.slice(0, MOST_NAMED), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}
