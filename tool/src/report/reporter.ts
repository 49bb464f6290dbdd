import { randomUUID } from 'node:crypto';
import { ciStyle } from './ci-groups.ts';
import { createJsonReporter } from './json.ts';
import type { LogLevel } from './log-level.ts';
import { createLineOutput, type OutputStream } from './output.ts';
import { createPaint, wantsColour } from './palette.ts';
import { PlainReporter } from './plain.ts';
import type { PrintingReporter } from './printing-reporter.ts';
import { stamped } from './stamped.ts';
import { TtyReporter } from './tty.ts';

export type OutputMode = 'auto' | 'tty' | 'plain' | 'json';

export interface ReporterOptions {
  readonly mode: OutputMode;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTTY: boolean;
  /** Absolute root of the tree. */
  readonly root: string;
  /** Width of the terminal where the stream does not say. */
  readonly columns?: number;
  readonly level?: LogLevel;
  /** The last line of a live view. */
  readonly footer?: () => string;
  /** Plain lines begin with the time of day. */
  readonly stamped?: boolean;
}

/**
 * The reporter for a run. `auto` is the live view on a terminal that can show it, plain lines elsewhere and in CI.
 * Whoever calls it feeds all events and awaits `end()`, which prints the summary of `run-finished`.
 */
export function createReporter(options: ReporterOptions): PrintingReporter {
  const { mode, stdout, stderr, env, isTTY, root, columns, level = 'info' } = options;
  if (mode === 'json') return createJsonReporter(stdout);
  const colour = wantsColour(env, isTTY);
  if (isLive(options)) return new TtyReporter({ stdout, stderr, colour, root, columns, footer: options.footer });
  const output = createLineOutput(stdout);
  return new PlainReporter({
    output: options.stamped === true ? stamped(output) : output,
    paint: createPaint(colour),
    colour,
    root,
    columns: stdout.columns || columns,
    level,
    ci: ciStyle(env, randomUUID()),
  });
}

/** Whether the terminal can show a live view, and is to. */
export function isLive({
  mode,
  stdout,
  env,
  isTTY,
  level,
}: Pick<ReporterOptions, 'mode' | 'stdout' | 'env' | 'isTTY' | 'level'>): boolean {
  // A pseudo terminal that nobody gave a size (`script`, `docker run -t`) says 0 columns: nothing could be drawn on it.
  const canDraw = isTTY && env.TERM !== 'dumb' && stdout.columns !== 0;
  return mode === 'tty' || (mode === 'auto' && canDraw && !env.CI && level !== 'debug');
}
