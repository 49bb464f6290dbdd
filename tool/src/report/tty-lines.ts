import type { LayerId } from '../config/layer.ts';
import type { LayerOutcome, LayerSummary } from '../run/events.ts';
import { formatBytes, formatDuration, formatElapsed } from './format.ts';
import type { LiveRun, RunningLayer } from './live.ts';
import type { Paint } from './palette.ts';
import { plainText } from './plain-text.ts';
import { displayWidth, padTo, truncate } from './width.ts';

/** A line of the live view; the text is styled and takes at most the columns that were given. */
export interface LayerLine {
  readonly id: LayerId;
  readonly text: string;
}

const STEP_COLUMNS = 10;
const TIME_COLUMNS = 11;

/**
 * The layers to show in `rows` lines: what failed, what runs, and of what is done the latest that fit. A tree of a thousand
 * layers has the same height as one of ten.
 */
export function layerLines(
  live: LiveRun,
  size: { rows: number; columns: number },
  now: number,
  paint: Paint,
): LayerLine[] {
  const failed = live.finished.filter(({ outcome }) => outcome === 'failed').slice(-Math.ceil(size.rows / 3));
  const running = [...live.running.values()].slice(0, size.rows - failed.length);
  const free = size.rows - failed.length - running.length;
  const done = free <= 0 ? [] : live.finished.filter(({ outcome }) => isLine(outcome)).slice(-free);
  const chosen = new Set([...failed, ...done]);
  const finished = live.finished.filter((layer) => chosen.has(layer));
  const widest = Math.max(0, ...[...finished, ...running].map(({ id }) => displayWidth(plainText(id))));
  const nameColumns = Math.min(widest, Math.max(12, Math.floor(size.columns * 0.3)));
  return [
    ...finished.map((layer) => ({ id: layer.id, text: finishedLine(layer, nameColumns, size.columns, paint) })),
    ...running.map((layer) => {
      const ending = live.interrupted;
      return { id: layer.id, text: runningLine(layer, nameColumns, size.columns, now, paint, ending) };
    }),
  ];
}

/** What does not fit in a line a layer: `2 running, 12 waiting, 3 built, 1 failed, 1 min 05 s`. */
export function counterLines(live: LiveRun, columns: number, now: number, paint: Paint): string[] {
  const outcomes: LayerOutcome[] = ['built', 'reused', 'published', 'unchanged', 'failed', 'skipped', 'cancelled'];
  const counts = [
    [live.running.size, 'running'] as const,
    [live.waiting.size, 'waiting'] as const,
    ...outcomes.map((outcome) => [live.outcomes.get(outcome) ?? 0, outcome] as const),
  ].flatMap(([number, word]) => (number === 0 ? [] : [`${number.toLocaleString('en-US')} ${word}`]));
  const counters = truncate([...counts, formatElapsed(now - live.startedAt)].join(', '), columns);
  const stopping =
    live.stopping === undefined ? [] : [paint('yellow', truncate(`stopping: ${live.stopping}`, columns))];
  return [...stopping, paint('dim', counters)];
}

function isLine(outcome: LayerOutcome): boolean {
  return outcome === 'built' || outcome === 'reused' || outcome === 'published' || outcome === 'cancelled';
}

function runningLine(
  layer: RunningLayer,
  nameColumns: number,
  columns: number,
  now: number,
  paint: Paint,
  ending: boolean,
): string {
  const step = padTo(ending ? 'ending' : layer.step, STEP_COLUMNS);
  const time = formatElapsed(now - layer.startedAt).padStart(TIME_COLUMNS);
  const facts = `${padTo(plainText(layer.id), nameColumns)}  ${paint(ending ? 'yellow' : 'cyan', step)} ${time}`;
  const free = columns - nameColumns - STEP_COLUMNS - TIME_COLUMNS - 5;
  const progress = truncate(ending ? layer.step : layer.progress, free);
  const gap = progress === '' ? '' : '  ';
  const last = truncate(layer.lastLine, free - displayWidth(progress) - gap.length);
  return `${facts}  ${progress}${last === '' ? '' : gap + paint('dim', last)}`;
}

function finishedLine(layer: LayerSummary, nameColumns: number, columns: number, paint: Paint): string {
  const time = formatDuration(layer.durationMs).padStart(TIME_COLUMNS);
  const facts = `${padTo(plainText(layer.id), nameColumns)}  ${padTo(layer.outcome, STEP_COLUMNS)} ${time}`;
  const free = columns - nameColumns - STEP_COLUMNS - TIME_COLUMNS - 5;
  if (layer.failure !== undefined) return `${facts}  ${paint('red', truncate(plainText(layer.failure.message), free))}`;
  const size = layer.size === undefined ? '' : `${formatBytes(layer.size)}  `;
  return `${facts}  ${paint('dim', truncate(plainText(size + layer.reasons.join('; ')), free))}`;
}
