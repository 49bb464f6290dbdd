import { InvalidInput } from '../config/diagnostic.ts';
import type { LayerId } from '../config/layer.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import { withDescendants } from '../graph/select.ts';
import { UnusableInputs } from '../run/gather-facts.ts';

interface Problem {
  /** That are not planned; undefined: all of the branch, which cannot be read. */
  readonly layers?: Set<LayerId>;
  /** Who has them. */
  readonly whose: Set<string>;
}

/** Layers of the tree or a branch that name files or images which cannot be used (one that another command makes first), for plans of the others. */
export class UnplannedLayers {
  /** By what is wrong. */
  readonly #problems = new Map<string, Problem>();

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

  /** The layer files of a branch cannot be read. */
  lacksAll(who: string, message: string): void {
    this.#problems.set(message, { whose: new Set([who, ...(this.#problems.get(message)?.whose ?? [])]) });
  }

  /** A line a file, image or branch, for people: their last builds are all that is known of them. */
  lines(): string[] {
    return this.#lines((names) => `; only the last builds of ${names ?? 'its layers'} are known to be needed`);
  }

  /** For who deletes what is not known to be needed where nothing tells which builds are a layer's; undefined: all were planned. */
  refusal(): InvalidInput | undefined {
    if (this.#problems.size === 0) return undefined;
    const lines = this.#lines((names) => (names === undefined ? '' : `: ${names} cannot be planned`));
    const what = 'nothing was taken away: what these need of the shared builds is not known';
    const hint =
      'make such a file first, let such an image be asked for, mend or delete such a branch; then prune again';
    return new InvalidInput([what, ...lines.map((line) => `  ${line}`)].join('\n'), { hint });
  }

  #lines(consequence: (names: string | undefined) => string): string[] {
    return [...this.#problems].map(([problem, { layers, whose }]) => {
      const names = layers && [...layers].toSorted().join(', ');
      return `${problem} (${[...whose].join(', ')})${consequence(names)}`;
    });
  }

  #note(problem: string, layers: Iterable<LayerId>, who: string): void {
    const { layers: before = [], whose = [] } = this.#problems.get(problem) ?? {};
    this.#problems.set(problem, { layers: new Set([...before, ...layers]), whose: new Set([...whose, who]) });
  }
}
