import type { LayerId } from '../config/layer.ts';
import type { Plan } from '../plan/plan.ts';
import type { LayerSummary } from '../run/events.ts';

/** What came of each layer that a watch has worked on, and which are not in line because their build failed. */
export class LayerOutcomes {
  readonly #summaries = new Map<LayerId, LayerSummary>();
  #failing = new Set<LayerId>();

  /** A layer's turn in a run is over. */
  ended(summary: LayerSummary): void {
    const { id, outcome } = summary;
    const isUntried = outcome === 'skipped' || outcome === 'cancelled';
    if (outcome === 'failed') this.#failing.add(id);
    else if (!isUntried) this.#failing.delete(id);
    const hasFailed = this.#summaries.get(id)?.outcome === 'failed';
    // How it failed is wanted until it is built, or in line without that.
    if (isUntried && hasFailed) return;
    if (outcome === 'unchanged' && !hasFailed) return;
    // The last one last.
    this.#summaries.delete(id);
    if (outcome !== 'unchanged') this.#summaries.set(id, summary);
  }

  /** The tree was planned anew; `failing`: what would only fail again. Whatever else failed is in line by now, or about to be tried. */
  looked({ decisions }: Pick<Plan, 'decisions'>, failing: ReadonlySet<LayerId>): void {
    this.#failing = new Set(failing);
    for (const [id, { outcome }] of this.#summaries) {
      if (outcome === 'failed' && decisions.get(id)?.action === 'nothing') this.#summaries.delete(id);
    }
  }

  get failing(): ReadonlySet<LayerId> {
    return this.#failing;
  }

  /** Layers whose last try failed, those that are gone too. */
  get failed(): ReadonlySet<LayerId> {
    return new Set([...this.#summaries].flatMap(([id, { outcome }]) => (outcome === 'failed' ? [id] : [])));
  }

  /** The last summary of each of `layers`, the last one last. One that is gone may come back as it was. */
  of(layers: ReadonlySet<LayerId>): ReadonlyMap<LayerId, LayerSummary> {
    return new Map([...this.#summaries].filter(([id]) => layers.has(id)));
  }
}
