import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type LineKind, LineSplitter } from '../../tool/src/system/lines.ts';

function split(chunks: readonly (string | Buffer)[]): [string, LineKind][] {
  const seen: [string, LineKind][] = [];
  const splitter = new LineSplitter((line, kind) => seen.push([line, kind]));
  for (const chunk of chunks) splitter.push(Buffer.from(chunk));
  splitter.end();
  return seen;
}

const linesOf = (chunks: readonly (string | Buffer)[]) =>
  split(chunks).flatMap(([line, kind]) => (kind === 'line' ? [line] : []));

test('lines, empty lines, and a last one without newline', () => {
  expect(linesOf(['a\n\nb\nc'])).toEqual(['a', '', 'b', 'c']);
});

test('carriage return and newline end one line, wherever the chunks are cut', () => {
  expect(linesOf(['a\r\nb\r', '\n', 'c\r\n'])).toEqual(['a', 'b', 'c']);
});

test('what was overwritten is progress, the last text is the line', () => {
  expect(split(['10%\r20%\r', '30%\n'])).toEqual([
    ['20%', 'progress'],
    ['30%', 'line'],
  ]);
  expect(split(['\r[=  ]', '\r[== ]', '\r[===]\n']).at(-1)).toEqual(['[===]', 'line']);
});

test('a progress bar without end takes no memory and does not hide what comes after it', () => {
  const bar = '\r[==========] 50%'.repeat(10_000);
  expect(linesOf([bar, bar, '\ndone\n'])).toEqual(['[==========] 50%', 'done']);
});

test('chunk borders change nothing', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[aé\r\n]{0,5}$/)), fc.array(fc.nat(40)), (texts, cuts) => {
      const bytes = Buffer.from(texts.join(''));
      const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b), bytes.length];
      const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
      expect(linesOf(chunks)).toEqual(linesOf([bytes]));
    }),
  );
});
