import type { LayerId } from '../config/layer.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import { withDescendants } from '../graph/select.ts';
import { UnusableInputs } from '../run/gather-facts.ts';

/** Layers of the tree or a branch that name files or images which cannot be used (one that another command makes first), for plans of the others. */
export class UnplannedLayers {
  /** What is wrong → layers that are not planned, and who has them. */
  readonly #problems = new Map<string, { readonly layers: Set<LayerId>; readonly whose: Set<string> }>();

  /**
   * Plans all layers of a graph but those and what stands on them. Undefined where none is left.
   * @param who `the tree`, `branch main`
   */
  async planOthers<T>(
    graph: LayerGraph,
    who: string,
    plan: (ids: readonly LayerId[]) => Promise<T>,
  ): Promise<T | undefined> {
    const ids = [...graph.layers.keys()];
    if (ids.length === 0) return undefined;
    try {
      return await plan(ids);
    } catch (error) {
      if (!(error instanceof UnusableInputs)) throw error;
      const left = withDescendants(graph, error.layers.keys());
      for (const [id, diagnostics] of error.layers) {
        for (const { file, message } of diagnostics)
          this.#note(`${file}: ${message}`, withDescendants(graph, [id]), who);
      }
      const others = ids.filter((id) => !left.has(id));
      return others.length === 0 ? undefined : plan(others);
    }
  }

  /** The layer stands on an image from elsewhere that could not be asked for: what it is to be built from is not known, either. */
  lacksImage(graph: LayerGraph, id: LayerId, image: string, who: string): void {
    this.#note(`the image ${image} was not found`, withDescendants(graph, [id]), who);
  }

  /** A line a file or image, for people. */
  lines(): string[] {
    return [...this.#problems].map(([problem, { layers, whose }]) => {
      const names = [...layers].toSorted().join(', ');
      return `${problem} (${[...whose].join(', ')}); only the last builds of ${names} are known to be needed`;
    });
  }

  #note(problem: string, layers: Iterable<LayerId>, who: string): void {
    const noted = this.#problems.get(problem) ?? { layers: new Set(), whose: new Set() };
    this.#problems.set(problem, noted);
    for (const id of layers) noted.layers.add(id);
    noted.whose.add(who);
  }
}
