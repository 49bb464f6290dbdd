import type { Layer, LayerId } from '../config/layer.ts';
import type { LayerGraph } from './layer-graph.ts';

/** A machine as a builder of images. Architectures by their OCI names. */
export interface Machine {
  /** What it is, and what layers are built for that name no architecture. */
  readonly architecture: string;
  /** What it builds. */
  readonly builds: ReadonlySet<string>;
}

/** Layers that a machine cannot build, each with why: its own architecture or that of what it stands on. Pure. */
export function notBuiltHere(graph: LayerGraph, machine: Machine): Map<LayerId, string> {
  const reasons = new Map<LayerId, string>();
  for (const id of graph.order) {
    const layer = graph.layers.get(id) as Layer;
    const link = graph.parents.get(id);
    const own = architectureIn(layer, machine);
    const above = link?.kind === 'layer' ? (graph.layers.get(link.id) as Layer) : undefined;
    if (!machine.builds.has(own)) reasons.set(id, `it is for ${own}`);
    else if (above !== undefined && architectureIn(above, machine) !== own) {
      reasons.set(id, `it is for ${own}, and its parent ${above.id} for ${architectureIn(above, machine)}`);
    } else if (above !== undefined && reasons.has(above.id)) {
      reasons.set(id, `its parent ${above.id} is not built here: ${reasons.get(above.id)}`);
    }
  }
  return reasons;
}

function architectureIn({ architecture }: Layer, machine: Machine): string {
  return architecture ?? machine.architecture;
}
