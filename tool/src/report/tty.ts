import type { LayerId } from '../config/layer.ts';
import type { Reporter, RunEvent, RunSummary } from '../run/events.ts';
import { LiveRun } from './live.ts';
import { createLineOutput, type OutputStream } from './output.ts';
import { createPaint, type Paint } from './palette.ts';
import { plainText } from './plain-text.ts';
import { summaryLines } from './summary.ts';
import type { Screen } from './tty-screen.ts';

export interface TtyOptions {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly colour: boolean;
  readonly root: string;
  /** Where stdout does not say. */
  readonly columns?: number | undefined;
  /** Milliseconds since the epoch; elapsed times are counted by it. */
  readonly now?: () => number;
}

/** The live view while layers run, then the summary in its place. */
export class TtyReporter implements Reporter {
  readonly #options: TtyOptions;
  readonly #live = new LiveRun();
  readonly #warnings: Extract<RunEvent, { type: 'warning' }>[] = [];
  #layers: readonly LayerId[] = [];
  #screen: Promise<Screen> | undefined;
  #summary: RunSummary | undefined;

  constructor(options: TtyOptions) {
    this.#options = options;
  }

  event(event: RunEvent): void {
    this.#live.apply(event);
    switch (event.type) {
      case 'run-started':
        this.#layers = event.plan.map((layer) => layer.id);
        break;
      case 'layer-started':
        this.#screen ??= this.#open();
        break;
      case 'layer-finished':
        void this.#screen?.then((screen) => screen.finish(event.summary));
        break;
      case 'warning':
        this.#warnings.push(event);
        break;
      case 'run-finished':
        this.#summary = event.summary;
        break;
      default:
    }
  }

  async end(): Promise<void> {
    const { stdout, colour, root, columns = 80 } = this.#options;
    const screen = await this.#screen;
    await screen?.close();
    const output = createLineOutput(stdout);
    output.write(this.#warningLines(createPaint(colour)));
    if (this.#summary !== undefined) {
      output.write(summaryLines(this.#summary, { colour, root, columns: stdout.columns || columns }));
    }
    await output.flush();
  }

  /** Warnings that were seen only while the view was there: of what came before any layer, of locks that were waited for. */
  #warningLines(paint: Paint): string[] {
    const inSummary = new Set(
      this.#summary?.layers.flatMap(({ id, warnings }) => warnings.map((text) => `${id}\n${text}`)),
    );
    return this.#warnings
      .filter(({ id, message }) => !inSummary.has(`${id}\n${message}`))
      .map(
        ({ id, message }) => `${paint('yellow', 'warning')} ${plainText(id === null ? message : `${id}: ${message}`)}`,
      );
  }

  // listr2 takes a good part of a null build's whole time to load: only a run that does something pays for it.
  async #open(): Promise<Screen> {
    const { Screen } = await import('./tty-screen.ts');
    const { stdout, stderr, colour, now = Date.now } = this.#options;
    return new Screen({ live: this.#live, layers: this.#layers, stdout, stderr, paint: createPaint(colour), now });
  }
}
