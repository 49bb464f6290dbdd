import type { LayerId } from '../config/layer.ts';
import type { RunEvent, RunSummary } from '../run/events.ts';
import { convergedText, LiveRun, notConvergedText } from './live.ts';
import { createLineOutput, type OutputStream } from './output.ts';
import { createPaint, type Paint } from './palette.ts';
import { plainText } from './plain-text.ts';
import type { PrintingReporter } from './printing-reporter.ts';
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
  /** A line below the live view. */
  readonly footer?: (() => string) | undefined;
}

/** The live view while layers run, then the summary in its place. */
export class TtyReporter implements PrintingReporter {
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
      case 'layer-cancelled':
        this.print([paintedLine(createPaint(this.#options.colour), 'yellow', event.id, `cancelled: ${event.cause}`)]);
        break;
      case 'converged':
        this.print([
          paintedLine(createPaint(this.#options.colour), 'green', event.id, convergedText(event.durationMs)),
        ]);
        break;
      case 'converge-failed': {
        const text = notConvergedText(event.durationMs, event.failure);
        this.print([paintedLine(createPaint(this.#options.colour), 'red', event.id, text)]);
        break;
      }
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

  print(lines: readonly string[]): void {
    if (this.#screen === undefined) createLineOutput(this.#options.stdout).write(lines);
    else void this.#screen.then((screen) => screen.print(lines));
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
    const { stdout, stderr, colour, now = Date.now, footer } = this.#options;
    const paint = createPaint(colour);
    return new Screen({ live: this.#live, layers: this.#layers, stdout, stderr, paint, now, footer });
  }
}

function paintedLine(paint: Paint, colour: 'green' | 'yellow' | 'red', id: LayerId, text: string): string {
  return `${plainText(id)}  ${paint(colour, plainText(text))}`;
}
