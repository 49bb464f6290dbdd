import { randomUUID } from 'node:crypto';
import type { Reporter } from '../run/events.ts';
import { ciStyle } from './ci-groups.ts';
import { createJsonReporter } from './json.ts';
import type { LogLevel } from './log-level.ts';
import { createLineOutput, type OutputStream } from './output.ts';
import { createPaint, wantsColour } from './palette.ts';
import { PlainReporter } from './plain.ts';
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
}

/**
 * The reporter for a run. `auto` is the live view on a terminal that can show it, plain lines elsewhere and in CI.
 * Whoever calls it feeds all events and awaits `end()`, which prints the summary of `run-finished`.
 */
export function createReporter(options: ReporterOptions): Reporter {
  const { mode, stdout, stderr, env, isTTY, root, columns, level = 'info' } = options;
  if (mode === 'json') return createJsonReporter(stdout);
  const colour = wantsColour(env, isTTY);
  // A pseudo terminal that nobody gave a size (`script`, `docker run -t`) says 0 columns: nothing could be drawn on it.
  const canDraw = isTTY && env.TERM !== 'dumb' && stdout.columns !== 0;
  if (mode === 'tty' || (mode === 'auto' && canDraw && !env.CI && level !== 'debug')) {
    return new TtyReporter({ stdout, stderr, colour, root, columns });
  }
  return new PlainReporter({
    output: createLineOutput(stdout),
    paint: createPaint(colour),
    colour,
    root,
    columns: stdout.columns || columns,
    level,
    ci: ciStyle(env, randomUUID()),
  });
}
