import type { Range } from './diagnostic.ts';

/** A file's text under the name that diagnostics use. */
export interface SourceFile {
  readonly name: string;
  readonly text: string;
}

/** Offsets into a source's text; `end` is exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

// Most files have no problem, and many problems share a file.
const lineStarts = new WeakMap<SourceFile, number[]>();

/** Lines and columns of a span, from 1. */
export function rangeOf(source: SourceFile, span: Span): Range {
  const starts = startsOf(source);
  const from = place(starts, span.start);
  const to = place(starts, Math.max(span.start, span.end));
  return { line: from.line, column: from.column, endLine: to.line, endColumn: to.column };
}

function startsOf(source: SourceFile): number[] {
  let starts = lineStarts.get(source);
  if (starts === undefined) {
    starts = [0];
    for (let at = source.text.indexOf('\n'); at !== -1; at = source.text.indexOf('\n', at + 1)) starts.push(at + 1);
    lineStarts.set(source, starts);
  }
  return starts;
}

function place(starts: readonly number[], offset: number): { line: number; column: number } {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
}
