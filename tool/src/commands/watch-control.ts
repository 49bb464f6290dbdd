import type { LayerId } from '../config/layer.ts';
import { isOfDisk } from '../run/disk-failure.ts';
import type { LayerSummary } from '../run/events.ts';
import type { LayerControl } from '../run/layer-control.ts';
import { FailedBuilds } from '../watch/failed-builds.ts';
import { IdleGate } from '../watch/idle-gate.ts';
import { LayerTurns } from '../watch/layer-turns.ts';
import type { Observer } from '../watch/observer.ts';
import { Convergence } from './watch-convergence.ts';
import type { WatchReading } from './watch-reading.ts';

/** A clean build follows a converged container after so long without a change. */
const IDLE_MS = 2000;

interface Settings extends Pick<ConstructorParameters<typeof Convergence>[0], 'context' | 'isOff'> {
  readonly reading: WatchReading;
  readonly observer: Observer;
}

/** A watch's part in single layers of its runs: it ends their turns and begins them again, and converges before a clean build. */
export class WatchControl implements LayerControl {
  readonly failed = new FailedBuilds();
  readonly #turns = new LayerTurns();
  readonly #idle = new IdleGate(IDLE_MS);
  readonly #cancelled = new Set<LayerId>();
  readonly #convergence: Convergence;
  readonly #reading: WatchReading;
  readonly #observer: Observer;

  constructor({ reading, observer, ...settings }: Settings) {
    this.#reading = reading;
    this.#observer = observer;
    this.#convergence = new Convergence(settings);
  }

  /** Layers whose turn was ended, and which wait to begin again. */
  get cancelled(): ReadonlySet<LayerId> {
    return this.#cancelled;
  }

  /** Whether somebody edits, and wants to see soon what comes of it. */
  converges(isWanted: boolean): void {
    this.#convergence.isWanted = isWanted;
  }

  /** Something changed: clean builds wait on. */
  changed(): void {
    this.#idle.touch();
  }

  /** Clean builds wait no longer. */
  hurry(): void {
    this.#idle.open();
  }

  begin(id: LayerId): AbortSignal {
    return this.#turns.begin(id);
  }

  again(id: LayerId): Promise<boolean> {
    return this.#turns.again(id);
  }

  async beforeBuild(...[work, layer, turn]: Parameters<LayerControl['beforeBuild']>): Promise<void> {
    await this.failed.begins(layer, work);
    const report = await this.#convergence.converge(work, layer, turn);
    if (report === undefined) return;
    const { trace } = report;
    // Without a whole trace all counts that they may read.
    const set = trace === undefined ? undefined : await work.reader.named(layer, trace, '');
    const places = await work.reader.placesOf(layer, set, { all: trace === undefined });
    this.#reading.index.add(layer.id, places);
    await this.#observer.watch(this.#reading.index.folders());
    await this.#idle.wait(work.place.signal);
  }

  /** @param cause told with what was ended */
  cancel(id: LayerId, cause: string): void {
    this.#cancelled.add(id);
    this.#turns.cancel(id, cause);
  }

  resume(id: LayerId, again: boolean): void {
    this.#cancelled.delete(id);
    this.#turns.resume(id, again);
  }

  /** A layer's turn is over; one that never came says nothing of its build. */
  ended({ id, outcome, failure }: LayerSummary): void {
    // What failed for want of room is tried again, be it the same.
    const isFailed = outcome === 'failed' && !(failure !== undefined && isOfDisk(failure));
    if (outcome !== 'skipped' && outcome !== 'cancelled') this.failed.ended(id, isFailed);
    this.#cancelled.delete(id);
  }

  /** Nobody begins again any more. */
  leaveAll(): void {
    this.#turns.leaveAll();
  }

  async close(): Promise<void> {
    await this.#convergence.close();
  }
}
