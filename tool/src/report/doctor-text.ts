import { count } from './format.ts';
import { createPaint } from './palette.ts';
import { plainText } from './plain-text.ts';
import { displayWidth, padTo } from './width.ts';

interface Check {
  readonly id: string;
  readonly status: 'ok' | 'warning' | 'missing';
  readonly detail: string;
  readonly fix?: string;
}

const COLOURS = { ok: 'green', warning: 'yellow', missing: 'red' } as const;

/**
 * What `layers doctor` found, a line a check, and what to do below those that are not well. `install`: the command that
 * brings all that is not there.
 */
export function doctorLines(
  distribution: string,
  checks: readonly Check[],
  options: { readonly colour: boolean; readonly install: string | undefined },
): string[] {
  const paint = createPaint(options.colour);
  const columns = Math.max(0, ...checks.map(({ id }) => displayWidth(id)));
  const lines = checks.flatMap(({ id, status, detail, fix }) => [
    `${paint(COLOURS[status], status.padEnd(7))}  ${padTo(id, columns)}  ${plainText(detail)}`.trimEnd(),
    ...(fix === undefined ? [] : [`${' '.repeat(7 + 2 + columns)}  ${paint('cyan', '→')} ${plainText(fix)}`]),
  ]);
  const missing = checks.filter((check) => check.status === 'missing').map((check) => check.id);
  const warnings = checks.filter((check) => check.status === 'warning').length;
  const state =
    missing.length > 0
      ? paint('red', `layers cannot be built here without: ${missing.join(', ')}`)
      : paint('green', 'layers can be built here');
  const all = options.install === undefined ? [] : [`all that is not there: ${options.install}`];
  return [
    paint('dim', distribution),
    ...lines,
    ...all,
    warnings === 0 ? state : `${state} (${count(warnings, 'warning')})`,
  ];
}

/** The document of `doctor --json`. */
export function doctorJson(distribution: string, checks: readonly Check[]) {
  return {
    version: 1,
    ok: checks.every((check) => check.status !== 'missing'),
    distribution,
    checks: checks.map(({ id, status, detail, fix = null }) => ({ id, status, detail, fix })),
  } as const;
}
