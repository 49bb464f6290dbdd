import type { LayerOutcome, LayerSummary, RunSummary } from '../run/events.ts';
import { count, formatBytes, formatDuration } from './format.ts';
import { createPaint, type Paint } from './palette.ts';
import { plainText } from './plain-text.ts';
import { failureLine, failureLines } from './summary-failure.ts';
import { referenceLines } from './summary-references.ts';
import { displayWidth, padTo, truncate } from './width.ts';

export interface SummaryOptions {
  readonly colour: boolean;
  /** Width of the terminal; undefined: nothing is cut. What may be pasted somewhere is never cut. */
  readonly columns?: number | undefined;
  /** Absolute root of the tree, for paths that can be opened from wherever the user is. */
  readonly root: string;
}

/** The table shows so many layers; of more, the ones that took longest. */
const TABLE_ROWS = 40;
/** Told whole; of more, a line each. */
const FAILURES_IN_FULL = 10;
const TAKEN_OVER_NAMED = 12;
const NAME_COLUMNS = 40;

const COLOURS = {
  built: 'green',
  reused: 'green',
  published: 'green',
  unchanged: 'dim',
  failed: 'red',
  skipped: 'yellow',
  cancelled: 'yellow',
} as const satisfies Record<LayerOutcome, string>;

/**
 * A run's end for people: what was done, how long it took, where the images are, and all that is needed to mend what
 * failed. Two lines at most when there was nothing to do. Pure.
 */
export function summaryLines(summary: RunSummary, options: SummaryOptions): string[] {
  const paint = createPaint(options.colour);
  const { layers } = summary;
  const done = layers.filter((layer) => layer.durationMs > 0 || isDone(layer.outcome));
  const failed = layers.filter(({ outcome }) => outcome === 'failed');
  const warnings = warningLines(layers, paint);
  const believed = summary.verified ? [] : [paint('dim', 'records trusted; --verify asks the destinations')];
  const nothingDone = layers.every((layer) => layer.outcome === 'unchanged') && summary.interrupted === undefined;
  if (nothingDone) {
    const state = summary.verified ? 'up to date, destinations verified' : 'up to date';
    const line = `nothing to do: ${count(layers.length, 'layer')} ${state} (${formatDuration(summary.durationMs)})`;
    return [...warnings, paint('green', line), ...believed];
  }
  const blocks = [
    tableLines(
      done.filter((layer) => !isTakenOver(layer)),
      paint,
      options.columns,
    ),
    takenOverLines(layers, paint),
    // A layer that failed may have references of an earlier run, which are not what was asked for.
    referenceLines(
      done.filter(({ outcome }) => isBroughtInLine(outcome)),
      paint,
    ),
    warnings,
    skippedLines(layers, paint),
    cancelledLines(layers, paint),
    ...failed.slice(0, FAILURES_IN_FULL).map((layer) => failureLines(layer, options.root, paint)),
    failed.slice(FAILURES_IN_FULL).map((layer) => failureLine(layer, paint)),
    [headline(summary, paint), ...believed],
  ];
  return blocks.filter((block) => block.length > 0).flatMap((block) => ['', ...block]);
}

function isDone(outcome: LayerOutcome): boolean {
  return outcome !== 'unchanged' && outcome !== 'skipped';
}

/** What others built and published needed no work here. */
function isTakenOver({ outcome, durationMs }: LayerSummary): boolean {
  return outcome === 'reused' && durationMs === 0;
}

function takenOverLines(layers: readonly LayerSummary[], paint: Paint): string[] {
  const names = layers.filter(isTakenOver).map((layer) => plainText(layer.id));
  if (names.length === 0) return [];
  const more = names.length > TAKEN_OVER_NAMED ? ` and ${count(names.length - TAKEN_OVER_NAMED, 'layer')} more` : '';
  return [paint('green', `built elsewhere, nothing to do: ${names.slice(0, TAKEN_OVER_NAMED).join(', ')}${more}`)];
}

function isBroughtInLine(outcome: LayerOutcome): boolean {
  return outcome === 'built' || outcome === 'reused' || outcome === 'published';
}

function headline(summary: RunSummary, paint: Paint): string {
  const counts = (Object.keys(COLOURS) as LayerOutcome[]).flatMap((outcome) => {
    const number = summary.layers.filter((layer) => layer.outcome === outcome).length;
    return number === 0 ? [] : [paint(COLOURS[outcome], `${number.toLocaleString('en-US')} ${outcome}`)];
  });
  const how = summary.interrupted === undefined ? '' : paint('yellow', `interrupted by ${summary.interrupted}: `);
  return `${how}${counts.join(', ')} in ${formatDuration(summary.durationMs)}`;
}

function tableLines(layers: readonly LayerSummary[], paint: Paint, columns = Number.POSITIVE_INFINITY): string[] {
  const failedFirst = (layer: LayerSummary) =>
    layer.outcome === 'failed' ? Number.POSITIVE_INFINITY : layer.durationMs;
  const chosen = new Set(layers.toSorted((a, b) => failedFirst(b) - failedFirst(a)).slice(0, TABLE_ROWS));
  const rows = layers.filter((layer) => chosen.has(layer));
  const nameColumns = Math.min(NAME_COLUMNS, Math.max(0, ...rows.map(({ id }) => displayWidth(plainText(id)))));
  const lines = rows.map((layer) => {
    const time = layer.durationMs > 0 ? formatDuration(layer.durationMs) : '';
    const size = layer.size === undefined ? '' : formatBytes(layer.size);
    const facts = `${padTo(plainText(layer.id), nameColumns)}  ${paint(COLOURS[layer.outcome], layer.outcome.padEnd(9))}  ${time.padStart(12)}  ${size.padStart(9)}`;
    const used = nameColumns + 2 + 9 + 2 + 12 + 2 + 9 + 2;
    const reason = truncate(plainText(layer.reasons.join('; ')), Math.min(columns - used, 200));
    return `${facts}  ${paint('dim', reason)}`.trimEnd();
  });
  const more = layers.length - rows.length;
  return more === 0 ? lines : [...lines, paint('dim', `and ${count(more, 'layer')} that took less`)];
}

function warningLines(layers: readonly LayerSummary[], paint: Paint): string[] {
  return layers.flatMap(({ id, warnings }) =>
    warnings.map((warning) => `${paint('yellow', 'warning')} ${plainText(id)}: ${plainText(warning)}`),
  );
}

function cancelledLines(layers: readonly LayerSummary[], paint: Paint): string[] {
  return layers
    .filter(({ outcome }) => outcome === 'cancelled')
    .map(
      ({ id, failure }) => `${paint('yellow', 'cancelled')} ${plainText([id, failure?.message ?? 'ended'].join(': '))}`,
    );
}

/** Skipped layers by reason: a base that failed may have hundreds of descendants. */
function skippedLines(layers: readonly LayerSummary[], paint: Paint): string[] {
  const byReason = Map.groupBy(
    layers.filter((layer) => layer.outcome === 'skipped'),
    (layer) => plainText(layer.reasons.join('; ') || 'not started'),
  );
  return [...byReason].map(([reason, skipped]) => {
    const named = skipped.slice(0, 5).map((layer) => plainText(layer.id));
    const more = skipped.length > named.length ? ` and ${skipped.length - named.length} more` : '';
    return `${paint('yellow', 'skipped')} ${named.join(', ')}${more}: ${reason}`;
  });
}
