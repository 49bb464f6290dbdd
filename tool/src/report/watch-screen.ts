import { jsonLine } from './json.ts';
import { createLineOutput, type LineOutput, type OutputStream } from './output.ts';
import type { Paint } from './palette.ts';
import type { PrintingReporter } from './printing-reporter.ts';
import { stamped, timeOfDay } from './stamped.ts';
import { newsLines, type WatchNews } from './watch-news.ts';
import { truncate } from './width.ts';

export type WatchMode = 'live' | 'plain' | 'json';

const ERASE_LINE = '\r\x1b[2K';

/**
 * Where a watch speaks: news that stay and, on a terminal, one line of status below them while no run shows its own view. Nothing but
 * carriage returns and erasing: it works in tmux, over ssh, and in the history of either.
 */
export class WatchScreen {
  readonly #stdout: OutputStream;
  readonly #mode: WatchMode;
  readonly #paint: Paint;
  readonly #output: LineOutput;
  readonly #errors: LineOutput;
  #status = '';
  #isShown = false;
  /** Holds the terminal while it runs. */
  #reporter: PrintingReporter | undefined;

  constructor(stdout: OutputStream, stderr: OutputStream, mode: WatchMode, paint: Paint) {
    this.#errors = createLineOutput(stderr);
    this.#stdout = stdout;
    this.#mode = mode;
    this.#paint = paint;
    this.#output = mode === 'plain' ? stamped(createLineOutput(stdout)) : createLineOutput(stdout);
  }

  news(news: WatchNews): void {
    if (this.#mode === 'json') this.#output.write([jsonLine({ at: Date.now(), ...news })]);
    else this.print(this.#dated(newsLines(news, this.#paint)));
  }

  /** Lines for people. */
  print(lines: readonly string[]): void {
    if (this.#mode === 'json' || lines.length === 0) return;
    if (this.#reporter !== undefined) this.#reporter.print(lines);
    else {
      this.#erase();
      this.#output.write(lines);
      this.#draw();
    }
  }

  /** What is said on standard error elsewhere: on a terminal it would fall into the status line. */
  warn(lines: readonly string[]): void {
    if (this.#mode === 'live') this.print(lines);
    else this.#errors.write(lines);
  }

  /** What the line below says from now on. */
  status(text: string): void {
    if (text === this.#status && this.#isShown) return;
    this.#erase();
    this.#status = text;
    this.#draw();
  }

  /** A run has the terminal from now on, until `release`. */
  hold(reporter: PrintingReporter): void {
    this.#erase();
    this.#reporter = reporter;
  }

  /** The run is over, or refused before it had the terminal. */
  release(): void {
    if (this.#reporter === undefined) return;
    this.#reporter = undefined;
    this.#draw();
  }

  /** Leaves the terminal to somebody else, or for good. */
  leave(): void {
    this.#erase();
    this.#status = '';
  }

  flush(): Promise<void> {
    return this.#output.flush();
  }

  #dated(lines: readonly string[]): readonly string[] {
    if (this.#mode !== 'live') return lines;
    const time = this.#paint('dim', timeOfDay(new Date()));
    return lines.map((line) => `${time} ${line}`);
  }

  #erase(): void {
    if (this.#isShown && !this.#stdout.destroyed) this.#stdout.write(ERASE_LINE);
    this.#isShown = false;
  }

  #draw(): void {
    if (this.#mode !== 'live' || this.#reporter !== undefined || this.#status === '' || this.#stdout.destroyed) return;
    // A full line would wrap, and could not be erased.
    this.#stdout.write(this.#paint('cyan', truncate(this.#status, (this.#stdout.columns || 80) - 1)));
    this.#isShown = true;
  }
}
