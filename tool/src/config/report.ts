import type { Diagnostic } from './diagnostic.ts';
import type { Located } from './located.ts';
import { rangeOf, type Span } from './source.ts';

/** Where on a value a problem is shown: on the value itself, or on the key that names it. */
export type Spot = 'value' | 'key';

/** A diagnostic at a place of a file (which may be layers.yaml, for a value that comes from its defaults). */
export function problemAt(
  place: Located,
  problem: Pick<Diagnostic, 'severity' | 'code' | 'message' | 'hint' | 'related'>,
  spot: Spot = 'value',
): Diagnostic {
  const { severity, code, message, hint, related } = problem;
  const span: Span =
    spot === 'key' || place.span.start === place.span.end ? (place.key?.span ?? place.span) : place.span;
  return {
    severity,
    code,
    message,
    file: place.source.name,
    range: rangeOf(place.source, span),
    ...(hint === undefined ? {} : { hint }),
    ...(related === undefined ? {} : { related }),
  };
}

/** By place, files in the order they came in. */
export function inOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.toSorted((one, other) => {
    if (one.file !== other.file || one.range === undefined || other.range === undefined) return 0;
    return one.range.line - other.range.line || one.range.column - other.range.column;
  });
}
