import type { Diagnostic, Range } from '../config/diagnostic.ts';
import { maskInPlace, maskSecrets } from '../config/secrets.ts';
import { createPaint, type Paint } from './palette.ts';

/** Members of a long cycle, and the like. */
const RELATED_SHOWN = 10;
const FRAME_WIDTH = 160;

/**
 * Diagnostics for people: `file:line:column: severity[code] message`, the line with a caret, the hint, related places. Without
 * trailing newline. Credentials in shown lines are masked.
 * @param options.sources texts by file name, for code frames; what is not there has none
 */
export function formatDiagnostics(
  diagnostics: readonly Diagnostic[],
  options: { readonly sources?: ReadonlyMap<string, string>; readonly colour?: boolean } = {},
): string {
  const { sources = new Map<string, string>(), colour = false } = options;
  const paint = createPaint(colour);
  return diagnostics.map((diagnostic) => format(diagnostic, sources, paint)).join('\n');
}

function format(diagnostic: Diagnostic, sources: ReadonlyMap<string, string>, paint: Paint): string {
  const { severity, code, message, file, range, hint, related = [] } = diagnostic;
  const tone = severity === 'error' ? 'red' : 'yellow';
  const lines = [
    `${paint('bold', place(file, range))}: ${paint(tone, `${severity}[${code}]`)} ${maskSecrets(message)}`,
  ];
  const text = sources.get(file);
  if (text !== undefined && range !== undefined) lines.push(...frame(text, range, paint, tone));
  if (hint !== undefined) lines.push(`  ${paint('cyan', 'hint:')} ${maskSecrets(hint)}`);
  for (const one of related.slice(0, RELATED_SHOWN)) lines.push(`  ${place(one.file, one.range)}: ${one.message}`);
  if (related.length > RELATED_SHOWN) lines.push(`  and ${related.length - RELATED_SHOWN} more`);
  return lines.join('\n');
}

function place(file: string, range: Range | undefined): string {
  return range === undefined ? file : `${file}:${range.line}:${range.column}`;
}

function frame(text: string, range: Range, paint: Paint, tone: 'red' | 'yellow'): string[] {
  const written = text.split('\n', range.line)[range.line - 1]?.replace(/\r$/, '');
  if (written === undefined) return [];
  const from = Math.max(0, range.column - 1 - Math.floor(FRAME_WIDTH / 2));
  const line = maskInPlace(written)
    .slice(from, from + FRAME_WIDTH)
    .replaceAll(/\p{Cc}/gu, ' ');
  const start = range.column - 1 - from;
  const end = range.endLine === range.line ? range.endColumn - 1 - from : line.length;
  const marks = '^'.repeat(Math.max(1, Math.min(end, line.length) - start));
  const gutter = String(range.line);
  const bar = paint('dim', '|');
  return [
    `  ${paint('dim', gutter)} ${bar} ${line}`,
    `  ${' '.repeat(gutter.length)} ${bar} ${' '.repeat(start)}${paint(tone, marks)}`,
  ];
}
