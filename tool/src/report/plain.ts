import type { LayerId } from '../config/layer.ts';
import type { LayerOutcome, LayerSummary, RunEvent } from '../run/events.ts';
import type { CiStyle } from './ci-groups.ts';
import { count, formatBytes, formatDuration, formatElapsed, formatMoment } from './format.ts';
import { convergedText, LiveRun, notConvergedText, progressText } from './live.ts';
import { isShown, type LogLevel } from './log-level.ts';
import type { LineOutput } from './output.ts';
import { OutputTails } from './output-tails.ts';
import type { Paint } from './palette.ts';
import { plainText } from './plain-text.ts';
import type { PrintingReporter } from './printing-reporter.ts';
import { summaryLines } from './summary.ts';
import { truncate } from './width.ts';

/** Lines of a layer's output that a CI group shows. */
const GROUP_LINES = 2000;
const LINE_COLUMNS = 2000;
/** A step that is busy says so this often, from its progress. */
const HEARTBEAT_MS = 30_000;

export interface PlainOptions {
  readonly output: LineOutput;
  readonly paint: Paint;
  readonly colour: boolean;
  readonly root: string;
  readonly columns: number | undefined;
  readonly level: LogLevel;
  /** Set where output is grouped by layer. */
  readonly ci: CiStyle | undefined;
}

const OUTCOME_COLOUR: Partial<Record<LayerOutcome, 'green' | 'red' | 'yellow'>> = {
  built: 'green',
  reused: 'green',
  published: 'green',
  failed: 'red',
  cancelled: 'yellow',
};

/** A line a happening: for logs, pipes and CI. */
export class PlainReporter implements PrintingReporter {
  readonly #options: PlainOptions;
  readonly #live = new LiveRun();
  readonly #tails = new OutputTails(GROUP_LINES);
  readonly #lastSaid = new Map<LayerId, number>();

  constructor(options: PlainOptions) {
    this.#options = options;
  }

  event(event: RunEvent): void {
    const lines = this.#lines(event);
    this.#live.apply(event);
    if (lines.length === 0) return;
    this.#options.output.write(lines);
    if ('id' in event && event.id !== null) this.#lastSaid.set(event.id, event.at);
  }

  print(lines: readonly string[]): void {
    this.#options.output.write(lines);
  }

  end(): Promise<void> {
    return this.#options.output.flush();
  }

  #lines(event: RunEvent): string[] {
    const { paint, level, ci } = this.#options;
    const info = (line: string) => (isShown('info', level) ? [line] : []);
    switch (event.type) {
      case 'run-started': {
        const todo = event.plan.filter((layer) => layer.action !== 'nothing').length;
        const where = `run ${event.runId}: ${count(todo, 'layer')} to do, ${event.jobs} at a time`;
        return todo === 0 ? [] : info(paint('dim', plainText(where)));
      }
      case 'layer-started':
        return info(this.#line(event.id, plainText([event.action, ...event.reasons.slice(0, 1)].join(': '))));
      case 'layer-cancelled':
        return info(this.#line(event.id, paint('yellow', `cancelled: ${plainText(event.cause)}`)));
      case 'converged':
        return info(this.#line(event.id, paint('green', convergedText(event.durationMs))));
      case 'converge-failed': {
        const text = plainText(notConvergedText(event.durationMs, event.failure));
        return isShown('error', level) ? [this.#line(event.id, paint('red', text))] : [];
      }
      case 'step-started':
        this.#keep(event.id, `── ${event.step}`);
        return info(this.#line(event.id, `${plainText(event.step)} …`));
      case 'step-finished':
        return info(
          this.#line(event.id, `${plainText(event.step)} ${paint('dim', `took ${formatDuration(event.durationMs)}`)}`),
        );
      case 'checkpoint': {
        const text = `${event.parts.join(', ')}: from the checkpoint of ${formatMoment(event.builtAt)}`;
        this.#keep(event.id, text);
        return info(this.#line(event.id, plainText(text)));
      }
      case 'progress':
        return this.#heartbeat(event.id, progressText(event), event.at);
      case 'output':
        if (ci !== undefined) this.#keep(event.id, event.line);
        else if (level === 'debug') return [this.#line(event.id, truncate(plainText(event.line), LINE_COLUMNS))];
        return [];
      case 'warning':
        return isShown('warning', level) ? this.#warning(event.id, event.message) : [];
      case 'layer-finished':
        return this.#finished(event.summary, event.at);
      case 'stopping':
        return isShown('warning', level) ? [paint('yellow', `stopping: ${plainText(event.message)}`)] : [];
      case 'run-finished':
        return summaryLines(event.summary, this.#options);
      default:
        return [];
    }
  }

  #line(id: LayerId, text: string): string {
    return `${this.#options.paint('cyan', `[${plainText(id)}]`)} ${text}`;
  }

  #keep(id: LayerId, line: string): void {
    if (this.#options.ci !== undefined) this.#tails.add(id, truncate(plainText(line), LINE_COLUMNS));
  }

  #heartbeat(id: LayerId, text: string, at: number): string[] {
    const running = this.#live.running.get(id);
    if (running === undefined || !isShown('info', this.#options.level)) return [];
    if (at - (this.#lastSaid.get(id) ?? running.startedAt) < HEARTBEAT_MS) return [];
    return [this.#line(id, `${running.step}: ${plainText(text)} (${formatElapsed(at - running.startedAt)})`)];
  }

  #warning(id: LayerId | null, message: string): string[] {
    const { paint, ci } = this.#options;
    const text = paint('yellow', `warning: ${plainText(message)}`);
    const file = id === null ? undefined : this.#live.paths.get(id);
    return [
      id === null ? text : this.#line(id, text),
      ...(ci?.annotation('warning', file, id ?? 'layers', plainText(message)) ?? []),
    ];
  }

  #finished(summary: LayerSummary, at: number): string[] {
    const { paint, level, ci } = this.#options;
    this.#lastSaid.delete(summary.id);
    const started = this.#live.running.get(summary.id)?.startedAt;
    const { lines, dropped } = this.#tails.take(summary.id);
    if (summary.outcome === 'unchanged' && lines.length === 0) return [];
    const failed = summary.outcome === 'failed';
    if (!isShown(failed ? 'error' : 'info', level)) return [];
    const text = outcomeText(summary);
    const shown: string[] = [];
    if (ci !== undefined && lines.length > 0) {
      const more =
        dropped === 0 ? [] : [`… ${count(dropped, 'earlier line')} in ${plainText(summary.log ?? 'the log')}`];
      const title = `${summary.id}: ${text}`;
      shown.push(...ci.group({ title, lines: [...more, ...lines], startedAt: started ?? at, endedAt: at }));
    }
    const colour = OUTCOME_COLOUR[summary.outcome] ?? 'dim';
    shown.push(this.#line(summary.id, paint(colour, text)));
    const message = summary.failure?.message ?? 'failed';
    if (failed) shown.push(...(ci?.annotation('error', this.#live.paths.get(summary.id), summary.id, message) ?? []));
    return shown;
  }
}

function outcomeText(summary: LayerSummary): string {
  const { outcome, durationMs, size, failure, reasons } = summary;
  if (outcome === 'skipped') return plainText(['skipped', ...reasons.slice(0, 1)].join(': '));
  const took = durationMs > 0 ? ` in ${formatDuration(durationMs)}` : '';
  if (outcome === 'failed') return plainText(`failed${took}${failure === undefined ? '' : `: ${failure.message}`}`);
  return `${outcome}${took}${size === undefined ? '' : ` (${formatBytes(size)})`}`;
}
