import { relative } from 'node:path';
import type { LayerId } from '../config/layer.ts';
import type { ChangedFile } from '../report/watch-news.ts';
import type { WatchScreen } from '../report/watch-screen.ts';
import type { LayerSummary, RunEvent } from '../run/events.ts';
import { type Driver, drive, type WatchWorld } from '../watch/driver.ts';
import { LayerOutcomes } from '../watch/layer-outcomes.ts';
import type { Cause, WatchState } from '../watch/machine.ts';
import { type Change, Observer } from '../watch/observer.ts';
import type { CommandContext } from './command.ts';
import { hasRunLocks } from './has-run-locks.ts';
import type { Prepared } from './prepare.ts';
import { startRun, sweepBefore } from './start-run.ts';
import { problemOf } from './tell-failure.ts';
import { WatchControl } from './watch-control.ts';
import { WatchLooks } from './watch-looks.ts';
import { takeOver, withoutFailing } from './watch-plan.ts';
import { WatchReading } from './watch-reading.ts';
import { KEY_HINTS, WatchVoice } from './watch-voice.ts';

/** One watch: what the machine's states mean for a tree, its runs and its terminal. */
export class WatchSession implements WatchWorld {
  prepared: Prepared | undefined;
  readonly #context: CommandContext;
  readonly #voice: WatchVoice;
  readonly #outcomes = new LayerOutcomes();
  readonly #stopping = new AbortController();
  readonly #reading: WatchReading;
  readonly #observer: Observer;
  readonly #looks: WatchLooks;
  readonly #control: WatchControl;
  readonly #driver: Driver;
  #state: WatchState | undefined;
  #run: Promise<void> | undefined;
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
    const watched = { reading: this.#reading, observer: this.#observer };
    this.#looks = new WatchLooks({ ...watched, outcomes: this.#outcomes, voice: this.#voice });
    this.#control = new WatchControl({ ...watched, context: this.#context, isOff: values.clean === true });
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
      if (!this.#context.forced.aborted) await this.#control.close();
      await this.screen.flush();
    }
  }

  readonly #broken = Promise.withResolvers<never>();

  quit(): void {
    this.#driver.tell({ type: 'quit' });
  }

  /** Tries again what failed, and waits no longer with clean builds. */
  rebuild(): void {
    this.#control.hurry();
    this.#driver.tell({ type: 'asked' });
  }

  get screen(): WatchScreen {
    return this.#voice.screen;
  }

  /** Layers that are watched, parents first. */
  get layers(): ReadonlySet<LayerId> {
    return this.#reading.layers;
  }

  /** The last summary of each of them that this watch has worked on, the last one last. */
  get summaries(): ReadonlyMap<LayerId, LayerSummary> {
    return this.#outcomes.of(this.layers);
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
      const problem = problemOf(error);
      if (problem === undefined) this.#broken.reject(error);
      else this.screen.print([problem.message, ...(problem.hint === undefined ? [] : [`  ${problem.hint}`])]);
    } finally {
      const kept = this.#kept;
      this.#kept = undefined;
      this.#showStatus();
      this.#changed(kept);
    }
  }

  async look(causes: readonly Cause[], anew: boolean): Promise<'work' | 'nothing' | 'invalid'> {
    if (anew) this.#control.failed.forget();
    const isAfterRun = this.#hasRun;
    this.#hasRun = false;
    const prepared = await this.#looks.look();
    if (prepared === undefined) return 'invalid';
    const same = await this.#control.failed.among(prepared.plan, prepared);
    this.#outcomes.looked(prepared.plan, same);
    const todo = withoutFailing(prepared, same);
    this.prepared = todo;
    this.#control.converges(causes.length > 0 && !anew);
    if ([...todo.plan.decisions.values()].some(({ action }) => action !== 'nothing')) return 'work';
    // A run does it by itself.
    if (hasRunLocks(prepared.stateDir)) await this.#sweep(prepared);
    // What the run before took in already, and a first look, are no news.
    const isNews = !isAfterRun && (anew || causes.length > 0);
    if (isNews || same.size > 0) {
      const files = causes.map((cause) => this.#fileOf(cause));
      this.#voice.nothingToDo(files, same);
    }
    return 'nothing';
  }

  async #sweep(prepared: Prepared): Promise<void> {
    try {
      await sweepBefore(this.#context, prepared);
    } catch (error) {
      const problem = problemOf(error);
      if (problem === undefined) throw error;
      this.#context.warn(problem.message);
    }
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
          control: this.#control,
          seen: (event) => this.#seen(event),
          footer: () => KEY_HINTS,
          holds: (reporter) => this.screen.hold(reporter),
        },
      });
    } catch (error) {
      const problem = this.#context.signal.aborted ? undefined : problemOf(error);
      if (problem === undefined) throw error;
      this.#voice.invalid(problem);
    } finally {
      this.#hasRun = true;
      this.screen.release();
    }
    await this.#looks.observeAnew();
  }

  cancel(id: LayerId, cause: Cause): void {
    this.#control.cancel(id, `${this.#fileOf(cause).file} changed`);
  }

  async reread(): Promise<ReadonlySet<LayerId>> {
    const running = this.prepared;
    const now = await this.#looks.again();
    this.#control.converges(true);
    // What would only fail again waits for the look after the run, which says so.
    const same = now === undefined ? new Set<LayerId>() : await this.#control.failed.among(now.plan, now);
    return takeOver(running, now, this.#control.cancelled, same);
  }

  resume(id: LayerId, again: boolean): void {
    this.#control.resume(id, again);
  }

  stop(): void {
    this.#control.leaveAll();
    this.#stopping.abort('q');
  }

  entered(state: WatchState): void {
    this.#state = state;
    // What changes from now on came after the run.
    if (state.kind === 'waiting') this.#hasRun = false;
    this.#showStatus();
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
    this.#control.changed();
    this.#driver.tell({ type: 'changed', causes, at: performance.now() });
  }

  #seen(event: RunEvent): void {
    if (event.type === 'layer-started') this.#driver.tell({ type: 'began', id: event.id });
    if (event.type !== 'layer-finished') return;
    const { id, summary } = event;
    this.#outcomes.ended(summary);
    this.#control.ended(summary);
    this.#driver.tell({ type: 'ended', id });
  }

  #fileOf({ path, layers }: Cause): ChangedFile {
    const { root } = this.#reading;
    return { file: path.startsWith(`${root}/`) ? relative(root, path) : path, layers };
  }

  #showStatus(): void {
    this.#voice.status(this.#state, this.layers.size, this.#outcomes.failing.size);
  }
}
