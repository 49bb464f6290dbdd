import { relative } from 'node:path';
import { InvalidInput } from '../config/diagnostic.ts';
import type { LayerId } from '../config/layer.ts';
import type { ChangedFile } from '../report/watch-news.ts';
import type { WatchScreen } from '../report/watch-screen.ts';
import type { LayerSummary, RunEvent } from '../run/events.ts';
import type { LayerControl } from '../run/layer-control.ts';
import { CommandFailure } from '../system/command.ts';
import { type Driver, drive, type WatchWorld } from '../watch/driver.ts';
import { FailedBuilds } from '../watch/failed-builds.ts';
import { IdleGate } from '../watch/idle-gate.ts';
import { LayerTurns } from '../watch/layer-turns.ts';
import type { Cause, WatchState } from '../watch/machine.ts';
import { type Change, Observer } from '../watch/observer.ts';
import type { CommandContext } from './command.ts';
import type { Prepared } from './prepare.ts';
import { startRun } from './start-run.ts';
import { Convergence } from './watch-convergence.ts';
import { takeOver, withoutFailing } from './watch-plan.ts';
import { isOfTree, WatchReading } from './watch-reading.ts';
import { KEY_HINTS, WatchVoice } from './watch-voice.ts';

/** A clean build follows a converged container after so long without a change. */
const IDLE_MS = 2000;

/** One watch: what the machine's states mean for a tree, its runs and its terminal. */
export class WatchSession implements WatchWorld, LayerControl {
  readonly failed = new FailedBuilds();
  /** The last summary of each layer that this watch has worked on. */
  readonly summaries = new Map<LayerId, LayerSummary>();
  prepared: Prepared | undefined;
  readonly #context: CommandContext;
  readonly #voice: WatchVoice;
  readonly #started = performance.now();
  readonly #turns = new LayerTurns();
  readonly #idle = new IdleGate(IDLE_MS);
  readonly #stopping = new AbortController();
  readonly #reading: WatchReading;
  readonly #observer: Observer;
  readonly #convergence: Convergence;
  readonly #driver: Driver;
  readonly #cancelled = new Set<LayerId>();
  #state: WatchState | undefined;
  #run: Promise<void> | undefined;
  #isReady = false;
  #hasRun = false;
  /** Changes while somebody else has the terminal. */
  #kept: Change[] | undefined;

  constructor(context: CommandContext) {
    const { values } = context;
    this.#voice = new WatchVoice(context);
    this.#context = {
      ...context,
      warn: (text) => this.#voice.warn(text),
      values: { ...values, 'no-publish': values.publish !== true, 'keep-going': true },
      signal: AbortSignal.any([context.signal, this.#stopping.signal]),
    };
    this.#reading = new WatchReading(this.#context);
    this.#observer = new Observer({
      poll: values.poll === true,
      isNoise: this.#reading.isNoise,
      changed: (changes) => this.#changed(changes),
      failed: (error) => this.#broken.reject(error),
    });
    this.#convergence = new Convergence({ context: this.#context, isOff: values.clean === true });
    this.#driver = drive(this);
  }

  /** Resolves when it was told to quit, with everything cleaned up. Rejects with what no editing can mend. */
  async live(): Promise<void> {
    const quit = () => this.quit();
    this.#context.signal.addEventListener('abort', quit, { once: true });
    try {
      await Promise.race([this.#driver.ended, this.#broken.promise]);
    } finally {
      this.#context.signal.removeEventListener('abort', quit);
      // What breaks a watch may come in the middle of a run.
      this.stop();
      await this.#run?.catch(() => undefined);
      this.screen.leave();
      await this.#observer.close();
      if (!this.#context.forced.aborted) await this.#convergence.close();
      await this.screen.flush();
    }
  }

  readonly #broken = Promise.withResolvers<never>();

  quit(): void {
    this.#driver.tell({ type: 'quit' });
  }

  /** Tries again what failed, and waits no longer with clean builds. */
  rebuild(): void {
    this.#idle.open();
    this.#driver.tell({ type: 'asked' });
  }

  get screen(): WatchScreen {
    return this.#voice.screen;
  }

  /** Layers that are watched, parents first. */
  get layers(): ReadonlySet<LayerId> {
    return this.#reading.layers;
  }

  /** Nothing is built or read, and nobody else has the terminal. */
  get isAtRest(): boolean {
    return this.#state?.kind === 'waiting' && this.#kept === undefined;
  }

  /** Somebody else has the terminal while `work` lasts: what changes meanwhile is told afterwards. */
  async away(work: (context: CommandContext) => Promise<void>): Promise<void> {
    this.#kept = [];
    this.screen.leave();
    try {
      await work({ ...this.#context, warn: (text) => void this.#context.stderr.write(`${text}\n`) });
    } catch (error) {
      // Nobody waits for this: a mistake of ours ends the watch, in order.
      if (error instanceof InvalidInput || error instanceof CommandFailure) this.screen.print([error.message]);
      else this.#broken.reject(error);
    } finally {
      const kept = this.#kept;
      this.#kept = undefined;
      this.#showStatus();
      this.#changed(kept);
    }
  }

  async look(causes: readonly Cause[], anew: boolean): Promise<'work' | 'nothing' | 'invalid'> {
    if (anew) this.failed.forget();
    const isAfterRun = this.#hasRun;
    this.#hasRun = false;
    const before = this.#reading.layers;
    const prepared = await this.#read();
    if (prepared === undefined) return 'invalid';
    this.#tellLayers(before);
    const same = await this.failed.among(prepared.plan, prepared);
    const todo = withoutFailing(prepared, same);
    this.prepared = todo;
    this.#convergence.isWanted = causes.length > 0 && !anew;
    if ([...todo.plan.decisions.values()].some(({ action }) => action !== 'nothing')) return 'work';
    // What the run before took in already, and a first look, are no news.
    const isNews = !isAfterRun && (anew || causes.length > 0);
    if (isNews || same.size > 0) {
      const files = causes.map((cause) => this.#fileOf(cause));
      this.#voice.nothingToDo(files, same);
    }
    return 'nothing';
  }

  run(causes: readonly Cause[]): Promise<void> {
    this.#run = this.#runOnce(causes);
    return this.#run;
  }

  async #runOnce(causes: readonly Cause[]): Promise<void> {
    const { prepared } = this;
    if (prepared === undefined) return;
    this.#voice.changed(causes.map((cause) => this.#fileOf(cause)));
    try {
      await startRun(this.#context, prepared, {
        watching: {
          control: this,
          seen: (event) => this.#seen(event),
          footer: () => KEY_HINTS,
          holds: (reporter) => this.screen.hold(reporter),
        },
      });
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      this.#voice.invalid(error);
    } finally {
      this.#hasRun = true;
      this.screen.release();
    }
    await this.#observeAnew();
  }

  cancel(id: LayerId, cause: Cause): void {
    this.#cancelled.add(id);
    this.#turns.cancel(id, `${this.#fileOf(cause).file} changed`);
  }

  async reread(): Promise<ReadonlySet<LayerId>> {
    const running = this.prepared;
    const now = await this.#read();
    this.#convergence.isWanted = true;
    // What would only fail again waits for the look after the run, which says so.
    const same = now === undefined ? new Set<LayerId>() : await this.failed.among(now.plan, now);
    return takeOver(running, now, this.#cancelled, same);
  }

  resume(id: LayerId, again: boolean): void {
    this.#cancelled.delete(id);
    this.#turns.resume(id, again);
  }

  stop(): void {
    this.#turns.leaveAll();
    this.#stopping.abort('q');
  }

  entered(state: WatchState): void {
    this.#state = state;
    this.#showStatus();
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

  /** What layers read is known better after a run. */
  async #observeAnew(): Promise<void> {
    this.#reading.outdate();
    try {
      await this.#reading.refresh(this.#observer, this.#uncertain());
    } catch (error) {
      // The look that follows tells it.
      if (!(error instanceof InvalidInput)) throw error;
    }
  }

  /** Layers of which a run did not tell all that they read. */
  #uncertain(): Set<LayerId> {
    return new Set([...this.summaries].flatMap(([id, { outcome }]) => (outcome === 'failed' ? [id] : [])));
  }

  /** The tree as it is now; undefined where it is wrong, which is told. */
  async #read(): Promise<Prepared | undefined> {
    try {
      return await this.#reading.prepare(this.#observer, this.#uncertain());
    } catch (error) {
      // At its start a watch refuses what is no problem of the tree; later whatever was named may be gone for a while.
      if (!(error instanceof InvalidInput) || (!this.#isReady && !isOfTree(error))) throw error;
      this.#voice.invalid(error);
      return undefined;
    }
  }

  #changed(changes: readonly Change[]): void {
    if (this.#kept !== undefined) {
      this.#kept.push(...changes);
      return;
    }
    const causes = changes.flatMap((change): Cause[] => {
      if (this.#reading.isNoise(change.path)) return [];
      const { index } = this.#reading;
      const layers = index.readersOf(change);
      if (layers !== undefined && index.outdatedBy(change)) this.#reading.outdate();
      return layers === undefined ? [] : [{ path: change.path, layers }];
    });
    if (causes.length === 0) return;
    this.#idle.touch();
    this.#driver.tell({ type: 'changed', causes, at: performance.now() });
  }

  #seen(event: RunEvent): void {
    if (event.type === 'layer-started') this.#driver.tell({ type: 'began', id: event.id });
    if (event.type !== 'layer-finished') return;
    const { id, summary } = event;
    if (summary.outcome !== 'unchanged') {
      // The last one last.
      this.summaries.delete(id);
      this.summaries.set(id, summary);
    }
    if (summary.outcome !== 'skipped' && summary.outcome !== 'cancelled') {
      this.failed.ended(id, summary.outcome === 'failed');
    }
    this.#cancelled.delete(id);
    this.#driver.tell({ type: 'ended', id });
  }

  #fileOf({ path, layers }: Cause): ChangedFile {
    const { root } = this.#reading;
    return { file: path.startsWith(`${root}/`) ? relative(root, path) : path, layers };
  }

  #tellLayers(before: ReadonlySet<LayerId>): void {
    const { layers } = this;
    this.#voice.valid();
    const removed = [...before].filter((id) => !layers.has(id));
    for (const id of removed) this.summaries.delete(id);
    if (this.#isReady)
      this.#voice.layers(
        [...layers].filter((id) => !before.has(id)),
        removed,
      );
    else this.#voice.ready(layers.size, this.#observer.size, performance.now() - this.#started);
    this.#isReady = true;
  }

  #showStatus(): void {
    const failed = [...this.summaries.values()].filter(({ outcome }) => outcome === 'failed').length;
    this.#voice.status(this.#state, this.layers.size, failed);
  }
}
