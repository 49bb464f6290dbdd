import { relative } from 'node:path';
import { InvalidInput } from '../config/diagnostic.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import { withDescendants } from '../graph/select.ts';
import { createPaint, wantsColour } from '../report/palette.ts';
import { isLive, type OutputMode } from '../report/reporter.ts';
import type { ChangedFile } from '../report/watch-news.ts';
import { WatchScreen } from '../report/watch-screen.ts';
import type { LayerSummary, RunEvent } from '../run/events.ts';
import type { LayerControl } from '../run/layer-control.ts';
import { type Driver, drive, type WatchWorld } from '../watch/driver.ts';
import { FailedBuilds } from '../watch/failed-builds.ts';
import { IdleGate } from '../watch/idle-gate.ts';
import { LayerTurns } from '../watch/layer-turns.ts';
import type { Cause, WatchState } from '../watch/machine.ts';
import { type Change, Observer } from '../watch/observer.ts';
import type { CommandContext } from './command.ts';
import type { Prepared } from './prepare.ts';
import { printDiagnostics } from './print-diagnostics.ts';
import { startRun } from './start-run.ts';
import { Convergence } from './watch-convergence.ts';
import { isOfTree, WatchReading } from './watch-reading.ts';

/** A clean build follows a converged container after so long without a change. */
const IDLE_MS = 2000;

/** One watch: what the machine's states mean for a tree, its runs and its terminal. */
export class WatchSession implements WatchWorld, LayerControl {
  readonly screen: WatchScreen;
  readonly failed = new FailedBuilds();
  /** The last summary of each layer that this watch has worked on. */
  readonly summaries = new Map<LayerId, LayerSummary>();
  prepared: Prepared | undefined;
  readonly #context: CommandContext;
  readonly #started = performance.now();
  readonly #turns = new LayerTurns();
  readonly #idle = new IdleGate(IDLE_MS);
  readonly #stopping = new AbortController();
  readonly #reading: WatchReading;
  readonly #observer: Observer;
  readonly #convergence: Convergence;
  readonly #driver: Driver;
  readonly #cancelled = new Set<LayerId>();
  readonly #said = new Set<string>();
  #state: WatchState | undefined;
  #isReady = false;
  #hasRun = false;

  constructor(context: CommandContext) {
    const { env, stdout, values } = context;
    this.#context = {
      ...context,
      // Warnings of the tree once, not after every save.
      warn: (text) => this.#once(text),
      values: { ...values, 'no-publish': values.publish !== true, 'keep-going': true },
      signal: AbortSignal.any([context.signal, this.#stopping.signal]),
    };
    const mode = (values.output ?? 'auto') as OutputMode;
    const people = isLive({ mode, stdout, env, isTTY: stdout.isTTY === true }) ? 'live' : 'plain';
    const paint = createPaint(wantsColour(env, stdout.isTTY === true));
    this.screen = new WatchScreen(stdout, context.stderr, mode === 'json' ? 'json' : people, paint);
    this.#reading = new WatchReading(this.#context);
    this.#observer = new Observer({
      poll: values.poll === true,
      isNoise: this.#reading.isNoise,
      changed: (changes) => this.#changed(changes),
      failed: (error) => this.#fail(error),
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

  async look(causes: readonly Cause[], anew: boolean): Promise<'work' | 'nothing' | 'invalid'> {
    if (anew) this.failed.forget();
    const isAfterRun = this.#hasRun;
    this.#hasRun = false;
    const before = this.#reading.layers;
    const prepared = await this.#read();
    if (prepared === undefined) return 'invalid';
    if (this.#isReady) this.#tellLayers(before, this.#reading.layers);
    else this.#tellReady();
    const same = await this.failed.among(prepared.plan, prepared);
    const todo = withoutFailing(prepared, same);
    this.prepared = todo;
    this.#convergence.isWanted = causes.length > 0 && !anew;
    const files = causes.map((cause) => this.#fileOf(cause));
    if ([...todo.plan.decisions.values()].every(({ action }) => action === 'nothing')) {
      if (same.size > 0) this.screen.news({ type: 'watch-still-failed', layers: [...same] });
      // No news: what the run before took in already, and what it wrote into the lock itself.
      else if (!isAfterRun && this.#isWorthWords(files, anew)) this.screen.news({ type: 'watch-unchanged', files });
      return 'nothing';
    }
    if (files.length > 0) this.screen.news({ type: 'watch-changed', files });
    return 'work';
  }

  async run(): Promise<void> {
    const { prepared } = this;
    if (prepared === undefined) return;
    try {
      await startRun(this.#context, prepared, {
        watching: {
          control: this,
          seen: (event) => this.#seen(event),
          footer: () => HINTS,
          holds: (reporter) => this.screen.hold(reporter),
        },
      });
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      this.#tellInvalid(error);
    } finally {
      this.#hasRun = true;
      this.screen.release();
    }
  }

  cancel(id: LayerId, cause: Cause): void {
    this.#cancelled.add(id);
    this.#turns.cancel(id, `${this.#fileOf(cause).file} changed`);
  }

  async reread(): Promise<ReadonlySet<LayerId>> {
    const running = this.prepared;
    const now = await this.#read();
    this.#convergence.isWanted = true;
    const able = new Set<LayerId>();
    for (const id of this.#cancelled) {
      const layer = now?.graph.layers.get(id);
      if (running === undefined || now === undefined || layer === undefined) continue;
      const link = JSON.stringify(now.graph.parents.get(id));
      const was = running.graph.layers.get(id);
      if (was?.options.layer_type !== layer.options.layer_type) continue;
      if (JSON.stringify(running.graph.parents.get(id)) !== link) continue;
      // The run goes on with what the file says now.
      (running.graph.layers as Map<LayerId, Layer>).set(id, layer);
      able.add(id);
    }
    return able;
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
    this.screen.status(this.#statusText());
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
    if (report.trace !== undefined) {
      const set = await work.reader.named(layer, report.trace, '');
      this.#reading.index.add(layer.id, await work.reader.placesOf(layer, set, { all: false }));
      await this.#observer.watch(this.#reading.index.folders());
    }
    await this.#idle.wait(work.place.signal);
  }

  /** The tree as it is now; undefined where it is wrong, which is told. */
  async #read(): Promise<Prepared | undefined> {
    const uncertain = new Set([...this.summaries].flatMap(([id, { outcome }]) => (outcome === 'failed' ? [id] : [])));
    try {
      return await this.#reading.prepare(this.#observer, uncertain);
    } catch (error) {
      // At its start a watch refuses what is no problem of the tree; later whatever was named may be gone for a while.
      if (!(error instanceof InvalidInput) || (!this.#isReady && !isOfTree(error))) throw error;
      this.#tellInvalid(error);
      return undefined;
    }
  }

  #changed(changes: readonly Change[]): void {
    const causes = changes.flatMap((change): Cause[] => {
      if (this.#reading.isNoise(change.path)) return [];
      const layers = this.#reading.index.readersOf(change);
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
    if (summary.outcome !== 'unchanged') this.summaries.set(id, summary);
    if (summary.outcome !== 'skipped' && summary.outcome !== 'cancelled') {
      this.failed.ended(id, summary.outcome === 'failed');
    }
    this.#cancelled.delete(id);
    this.#driver.tell({ type: 'ended', id });
  }

  #fail(error: Error): void {
    this.#broken.reject(error);
  }

  #fileOf({ path, layers }: Cause): ChangedFile {
    const { root } = this.#reading;
    return { file: path.startsWith(`${root}/`) ? relative(root, path) : path, layers };
  }

  #isWorthWords(files: readonly ChangedFile[], anew: boolean): boolean {
    return anew || files.some(({ file }) => file !== 'layers.lock');
  }

  #tellReady(): void {
    this.#isReady = true;
    const { size } = this.#reading.layers;
    const durationMs = Math.round(performance.now() - this.#started);
    this.screen.news({ type: 'watch-ready', layers: size, folders: this.#observer.size, durationMs });
  }

  #tellLayers(before: ReadonlySet<LayerId>, now: ReadonlySet<LayerId>): void {
    const added = [...now].filter((id) => !before.has(id));
    const removed = [...before].filter((id) => !now.has(id));
    for (const id of removed) this.summaries.delete(id);
    if (added.length + removed.length > 0) this.screen.news({ type: 'watch-layers', added, removed });
  }

  #tellInvalid(error: InvalidInput): void {
    const { diagnostics, root, message, hint } = error;
    this.#said.clear();
    if (this.#context.values.output !== 'json') printDiagnostics(this.#context, diagnostics, root);
    this.screen.news({ type: 'watch-invalid', message, ...(hint !== undefined && { hint }), diagnostics });
  }

  #once(text: string): void {
    if (this.#said.has(text)) return;
    this.#said.add(text);
    this.screen.warn(text.split('\n'));
  }

  #statusText(): string {
    const failed = [...this.summaries.values()].filter(({ outcome }) => outcome === 'failed').length;
    const { size } = this.#reading.layers;
    const result = failed > 0 ? `${failed} failed` : 'all in line';
    const doing = DOING[this.#state?.kind ?? 'waiting'] ?? result;
    return `watching ${size} ${size === 1 ? 'layer' : 'layers'} · ${doing} · ${HINTS}`;
  }
}

const DOING: Partial<Record<WatchState['kind'], string>> = {
  settling: 'changes coming in',
  looking: 'looking',
  running: 'building',
  ending: 'ending',
};
const HINTS = 'r rebuild  w why  l log  q quit';

/** The plan without what would only fail again, and what stands on it. */
function withoutFailing(prepared: Prepared, same: ReadonlySet<LayerId>): Prepared {
  if (same.size === 0) return prepared;
  const left = withDescendants(prepared.graph, same);
  const decisions = new Map([...prepared.plan.decisions].filter(([id]) => !left.has(id)));
  return { ...prepared, plan: { ...prepared.plan, decisions } };
}
