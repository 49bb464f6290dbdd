import { describe, expect, test } from 'vitest';
import { formatBytes, formatDuration, formatElapsed, shellWords } from '../../tool/src/report/format.ts';
import { displayWidth, padTo, truncate } from '../../tool/src/report/width.ts';

describe('durations', () => {
  test.each([
    [0, '0.0 s'],
    [340, '0.3 s'],
    [3249, '3.2 s'],
    [59_940, '59.9 s'],
    [59_960, '1 min 00 s'],
    [65_000, '1 min 05 s'],
    [3_599_600, '1 h 00 min'],
    [7_380_000, '2 h 03 min'],
    [-5, '0.0 s'],
  ])('%i ms is %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  test('elapsed time counts whole seconds', () => expect(formatElapsed(3249)).toBe('3 s'));
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [126_700_000, '126.7 MB'],
  [999_960_000, '1.0 GB'],
  [2_400_000_000_000, '2.4 TB'],
])('%i bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test('argv can be pasted into a shell', () => {
  expect(shellWords(['sh', '-c', "echo 'a' $b", ''])).toBe(`sh -c 'echo '\\''a'\\'' $b' ''`);
});

describe('width', () => {
  test.each([
    ['abc', 3],
    ['日本語', 6],
    ['e\u0301', 1],
    ['👩‍👩‍👧', 2],
    ['ｗ', 2],
    ['한글', 4],
  ])('%s takes %i columns', (text, columns) => expect(displayWidth(text)).toBe(columns));

  test('what fits is left alone', () => expect(truncate('日本語', 6)).toBe('日本語'));
  test('a wide character is not cut in half', () => expect(truncate('日本語', 4)).toBe('日…'));
  test('nothing fits in nothing', () => expect(truncate('abc', 0)).toBe(''));
  test('filled to the column', () => expect(padTo('日本', 6)).toBe('日本  '));
  test('a line of a megabyte is cut before it is measured', () => {
    expect(truncate('日'.repeat(1_000_000), 10)).toBe('日日日日…');
  });
});
