import {
  DefaultRenderer,
  Listr,
  type ListrDefaultRendererOptions,
  type ListrDefaultRendererTask,
  ListrEventManager,
  ListrLogger,
  type ProcessOutput,
  Spinner,
} from 'listr2';
import type { LayerId } from '../config/layer.ts';
import type { LayerSummary } from '../run/events.ts';
import type { LiveRun } from './live.ts';
import type { OutputStream } from './output.ts';
import type { Paint } from './palette.ts';
import { counterLines, layerLines } from './tty-lines.ts';
import { QuietOutput } from './tty-output.ts';
import { truncate } from './width.ts';

// Frames a second: calm over ssh, where every frame is a packet.
const FRAME_MS = 125;
/** Icon and blank, and the two columns that listr2 keeps free. */
const MARGIN = 4;
/** The counters with a blank line above, the line of `stopping`, and the cursor's own. */
const ROWS_BELOW = 4;
const FOOTER_ROWS = 1;

export interface ScreenOptions {
  readonly live: LiveRun;
  readonly layers: readonly LayerId[];
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly paint: Paint;
  readonly now: () => number;
  /** A line below the counters. */
  readonly footer?: (() => string) | undefined;
}

/** The live view of a run: a listr2 list with a task a layer, that end when the run's events say so. */
export class Screen {
  readonly #ends: ReadonlyMap<LayerId, PromiseWithResolvers<LayerSummary | undefined>>;
  readonly #output: QuietOutput;
  readonly #running: Promise<unknown>;
  #renderer: LayersRenderer | undefined;

  constructor(options: ScreenOptions) {
    const { live, layers, stdout, stderr, paint } = options;
    this.#ends = new Map(layers.map((id) => [id, Promise.withResolvers<LayerSummary | undefined>()]));
    for (const summary of live.finished) this.finish(summary);
    const attach = (renderer: LayersRenderer) => {
      this.#renderer = renderer;
    };
    this.#output = new QuietOutput(stdout as NodeJS.WriteStream, stderr as NodeJS.WriteStream);
    const list = new Listr(
      Array.from(this.#ends, ([id, end]) => ({
        title: id,
        task: async (_context: unknown, task: { skip(): void }) => {
          const summary = await end.promise;
          if (summary?.outcome === 'failed') throw new Error(summary.failure?.message ?? 'failed');
          if (summary === undefined || summary.outcome === 'cancelled' || summary.outcome === 'skipped') task.skip();
        },
      })),
      {
        // The scheduler is elsewhere: to listr2 every layer runs from the first moment, and those that wait are not shown.
        concurrent: true,
        exitOnError: false,
        registerSignalListeners: false,
        renderer: LayersRenderer,
        rendererOptions: {
          ...listrOptions(this.#output, paint),
          live,
          now: options.now,
          paint,
          stdout,
          footer: options.footer,
          attach,
        },
      },
    );
    process.on('exit', this.#restore);
    this.#running = list.run();
  }

  /** Ends the line of a layer. */
  finish(summary: LayerSummary): void {
    this.#ends.get(summary.id)?.resolve(summary);
  }

  /** Lines that stay, above the view. */
  print(lines: readonly string[]): void {
    this.#renderer?.print(lines);
  }

  /** Takes the view off the terminal and gives back cursor and streams. */
  async close(): Promise<void> {
    for (const end of this.#ends.values()) end.resolve(undefined);
    try {
      await this.#running;
    } finally {
      process.off('exit', this.#restore);
      this.#restore();
    }
  }

  // Also when somebody else ends the process in the middle of a frame.
  readonly #restore = (): void => {
    if (this.#output.taken) this.#output.release();
  };
}

function listrOptions(output: ProcessOutput, paint: Paint): ListrDefaultRendererOptions {
  return {
    clearOutput: true,
    formatOutput: 'truncate',
    collapseErrors: true,
    showErrorMessage: false,
    showSkipMessage: false,
    spinner: new CalmSpinner(),
    logger: new ListrLogger({ processOutput: output }),
    icon: { SKIPPED_WITH_COLLAPSE: '⊘', OUTPUT_WITH_BOTTOMBAR: ' ' },
    color: {
      COMPLETED: (text = '') => paint('green', text),
      FAILED: (text = '') => paint('red', text),
      PENDING: (text = '') => paint('yellow', text),
      SKIPPED_WITH_COLLAPSE: (text = '') => paint('yellow', text),
    },
  };
}

class CalmSpinner extends Spinner {
  override start(frame?: () => void): void {
    super.start(frame, FRAME_MS);
  }
}

interface LayersRendererOptions extends ListrDefaultRendererOptions {
  readonly live: LiveRun;
  readonly now: () => number;
  readonly paint: Paint;
  readonly stdout: OutputStream;
  readonly footer: (() => string) | undefined;
  attach(renderer: LayersRenderer): void;
}

/**
 * listr2's renderer on the tasks that are worth a line. It is given a list and an event manager of its own: listr2 repaints at
 * every change of every task, which a thousand layers turn into a storm; the spinner's beat is enough.
 */
class LayersRenderer extends DefaultRenderer {
  static override nonTTY = true;
  declare static rendererOptions: LayersRendererOptions;
  readonly #shown: ListrDefaultRendererTask[];
  readonly #tasks: ReadonlyMap<string, ListrDefaultRendererTask>;
  readonly #options: LayersRendererOptions;

  constructor(tasks: ListrDefaultRendererTask[], options: LayersRendererOptions) {
    const shown: ListrDefaultRendererTask[] = [];
    super(shown, options, new ListrEventManager());
    this.#shown = shown;
    this.#tasks = new Map(tasks.map((task) => [task.initialTitle ?? '', task]));
    this.#options = options;
    options.attach(this);
  }

  print(lines: readonly string[]): void {
    // biome-ignore lint/complexity/useLiteralKeys: listr2 keeps it private and has no other way to write above its list.
    const updater = this['updater'];
    updater?.clear();
    this.#options.stdout.write(`${lines.join('\n')}\n`);
    updater?.(this.create());
  }

  override create(options?: { tasks?: boolean; bottomBar?: boolean; prompt?: boolean }): string {
    const { live, now, paint, stdout, footer } = this.#options;
    const columns = (stdout.columns || 80) - MARGIN;
    const rows = Math.max(2, (stdout.rows || 24) - ROWS_BELOW - (footer === undefined ? 0 : FOOTER_ROWS));
    const at = now();
    this.#shown.length = 0;
    for (const { id, text } of layerLines(live, { rows, columns }, at, paint)) {
      const task = this.#tasks.get(id);
      if (task === undefined) continue;
      task.title = text;
      this.#shown.push(task);
    }
    const counters = counterLines(live, columns, at, paint).map((line) => `  ${line}`);
    const below = footer === undefined ? [] : [`  ${paint('dim', truncate(footer(), columns))}`];
    return [super.create(options), '', ...counters, ...below].join('\n');
  }
}
