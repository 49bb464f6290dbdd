import type { BuildReport } from '../build/builder.ts';
import type { Layer } from '../config/layer.ts';
import { type Converger, openConverger } from '../run/converge.ts';
import type { TurnPlace } from '../run/layer-control.ts';
import type { LayerWork } from '../run/work-on-layer.ts';
import type { CommandContext } from './command.ts';
import { temporaryRoot } from './start-run.ts';

/** The quick way of a watch: playbooks over the last good container, where there is one that they fit. */
export class Convergence {
  /** Somebody edits, and wants to see soon what comes of it. */
  isWanted = false;
  readonly #context: CommandContext;
  readonly #isOff: boolean;
  #converger: Converger | undefined;

  constructor({ context, isOff }: { readonly context: CommandContext; readonly isOff: boolean }) {
    this.#context = context;
    this.#isOff = isOff;
  }

  /** Undefined where only a clean build will do. Throws what the build would throw. */
  async converge(work: LayerWork, layer: Layer, turn: TurnPlace): Promise<BuildReport | undefined> {
    if (this.#isOff || !this.isWanted || layer.options.layer_type !== 'ansible') return undefined;
    const record = work.facts.records.get(layer.id);
    const image = work.facts.missingImages.has(layer.id) ? undefined : record?.image.local?.id;
    const parent = work.decide(layer.id).recipe?.parent;
    // On another parent the last container is another image.
    if (image === undefined || JSON.stringify(parent) !== JSON.stringify(record?.recipe.parent)) return undefined;
    const { env } = this.#context;
    this.#converger ??= openConverger({
      locks: work.locks,
      temporaryRoot: temporaryRoot(env.TMPDIR),
      environment: env,
    });
    const started = performance.now();
    const report = await this.#converger.converge(work, layer, image, turn);
    work.place.emit({ type: 'converged', id: layer.id, durationMs: Math.round(performance.now() - started) });
    return report;
  }

  async close(): Promise<void> {
    await this.#converger?.close();
  }
}
