import { describe, expect, test } from 'vitest';
import type { Diagnostic } from '../../tool/src/config/diagnostic.ts';
import { formatDiagnostics } from '../../tool/src/report/diagnostics.ts';

const range = { line: 2, column: 9, endLine: 2, endColumn: 13 };
const problem: Diagnostic = {
  severity: 'error',
  code: 'some-code',
  message: 'Wrong',
  file: 'layers/x.yaml',
  range,
  hint: 'do right',
};

describe('diagnostics', () => {
  test('with code frame, hint and related places', () => {
    const related = [
      { file: 'layers/y.yaml', range, message: 'the other' },
      { file: 'layers/z.yaml', message: 'a third' },
    ];
    const sources = new Map([['layers/x.yaml', 'options:\n  name: what\r\n']]);
    expect(formatDiagnostics([{ ...problem, related }], { sources })).toBe(`layers/x.yaml:2:9: error[some-code] Wrong
  2 |   name: what
    |         ^^^^
  hint: do right
  layers/y.yaml:2:9: the other
  layers/z.yaml: a third`);
  });

  test('without source or place', () => {
    const { range: _, hint: __, ...bare } = problem;
    expect(formatDiagnostics([bare, problem])).toBe(`layers/x.yaml: error[some-code] Wrong
layers/x.yaml:2:9: error[some-code] Wrong
  hint: do right`);
  });

  test('in colour', () => {
    expect(formatDiagnostics([{ ...problem, severity: 'warning' }], { colour: true })).toContain(
      '\u001b[33mwarning[some-code]',
    );
  });

  test('with passwords masked in the line, columns kept', () => {
    const sources = new Map([['layers/x.yaml', '\nurl: "http://me:pw@h/", token: abc\n']]);
    expect(formatDiagnostics([problem], { sources })).toContain(
      '  2 | url: "http://*****@h/", token: ***\n    |         ^^^^',
    );
  });

  test('of a very long line shows the part that matters, without control characters', () => {
    const sources = new Map([['layers/x.yaml', `\n${'a'.repeat(5000)}\u001b]0;x\u0007${'b'.repeat(5000)}`]]);
    const at = { line: 2, column: 5001, endLine: 2, endColumn: 5003 };
    const text = formatDiagnostics([{ ...problem, range: at }], { sources });
    expect(text.length).toBeLessThan(500);
    expect(text).not.toContain('\u001b');
  });

  test('of a long cycle names ten members and counts the rest', () => {
    const related = Array.from({ length: 9999 }, (_, index) => ({ file: `l${index}`, message: 'x' }));
    expect(
      formatDiagnostics([{ ...problem, related }])
        .split('\n')
        .slice(-1),
    ).toEqual(['  and 9989 more']);
  });
});
