import type { BuildReport } from '../build/builder.ts';
import type { Layer } from '../config/layer.ts';
import { type Converger, openConverger } from '../run/converge.ts';
import { failureOf } from '../run/failure.ts';
import type { TurnPlace } from '../run/layer-control.ts';
import type { LayerWork } from '../run/work-on-layer.ts';
import type { CommandContext } from './command.ts';
import { temporaryRoot } from './start-run.ts';

interface Settings {
  readonly context: Pick<CommandContext, 'env'>;
  /** Only clean builds are wanted. */
  readonly isOff: boolean;
  readonly open?: typeof openConverger;
}

/*
 * A turn of an Ansible layer in a watch, each change to what it reads beginning it anew:
 *
 *    is a clean build of the very same known to fail? ─ yes ▶ not begun (the look says so)
 *       │ no
 *       ▼             done: told
 *    converge ───────────────────────────▶ idle for a while, or `r` ▶ clean build ─┬▶ recorded
 *       │             failed: told, with what failed                ▲              └▶ failed: the layer's failure, not tried again
 *       └───────────────────────────────────────────────────────────┘
 */

/** The quick way of a watch: playbooks over the last good container, where there is one that they fit. */
export class Convergence {
  /** Somebody edits, and wants to see soon what comes of it. */
  isWanted = false;
  readonly #context: Settings['context'];
  readonly #isOff: boolean;
  readonly #open: typeof openConverger;
  #converger: Converger | undefined;

  constructor({ context, isOff, open = openConverger }: Settings) {
    this.#context = context;
    this.#isOff = isOff;
    this.#open = open;
  }

  /**
   * Undefined where only a clean build will do. Playbooks that fail over the last container may do well from the parent (not all of them
   * are idempotent): their failure is told, and gives a report without a trace. Throws what ended the turn, and mistakes of ours.
   */
  async converge(work: LayerWork, layer: Layer, turn: TurnPlace): Promise<BuildReport | undefined> {
    if (this.#isOff || !this.isWanted || layer.options.layer_type !== 'ansible') return undefined;
    // The clean build says what is missing.
    if (layer.options.mounts.length > 0 && work.reader.missingMounts(layer).length > 0) return undefined;
    const record = work.facts.records.get(layer.id);
    const image = work.facts.missingImages.has(layer.id) ? undefined : record?.image.local?.id;
    const parent = work.decide(layer.id).recipe?.parent;
    // On another parent the last container is another image.
    if (image === undefined || JSON.stringify(parent) !== JSON.stringify(record?.recipe.parent)) return undefined;
    const { env } = this.#context;
    this.#converger ??= this.#open({
      locks: work.locks,
      temporaryRoot: temporaryRoot(env.TMPDIR),
      environment: env,
    });
    const started = performance.now();
    const durationMs = () => Math.round(performance.now() - started);
    try {
      const report = await this.#converger.converge(work, layer, image, turn);
      work.place.emit({ type: 'converged', id: layer.id, durationMs: durationMs() });
      return report;
    } catch (error) {
      const failure = failureOf(error, 'build');
      if (work.place.signal.aborted || failure.code === 'cancelled' || failure.code === 'internal') throw error;
      turn.log.line(`not converged: ${failure.message}`);
      work.place.emit({ type: 'converge-failed', id: layer.id, durationMs: durationMs(), failure });
      return {};
    }
  }

  async close(): Promise<void> {
    await this.#converger?.close();
  }
}
