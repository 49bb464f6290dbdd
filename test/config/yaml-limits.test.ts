import { describe, expect, test } from 'vitest';
import { BASE, problems } from './reading.ts';

describe('limits of YAML files', () => {
  test('a bomb of aliases', () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (const [name, inner] of ['ba', 'cb', 'dc', 'ed', 'fe', 'gf'].map((pair) => [...pair])) {
      lines.push(`${name}: &${name} [${Array(10).fill(`*${inner}`).join(', ')}]`);
    }
    expect(problems(`${lines.join('\n')}\n`)).toEqual([expect.stringMatching(/^\d+:\d+ yaml-limit$/)]);
  });

  test('an alias within its own anchor', () => {
    expect(problems('options: &a\n  vars: *a\n')).toEqual(['2:9 yaml-limit']);
  });

  test('a long chain of merges', () => {
    const chain = Array.from({ length: 5000 }, (_, index) => `a${index + 1}: &a${index + 1} {<<: *a${index}}`);
    expect(problems(`a0: &a0 {}\n${chain.join('\n')}\n`)).toEqual([expect.stringMatching(/ yaml-limit$/)]);
  });

  // The yaml package ends the whole process on the second of these.
  test.each([
    ['brackets', '['.repeat(200_000), '1:65'],
    ['dashes', '- '.repeat(200_000), '1:129'],
    ['questions', '? '.repeat(100_000), '1:129'],
    ['indents', Array.from({ length: 400 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'), '65:66'],
    ['braces on lines of their own', '{a:\n'.repeat(100_000), '65:1'],
  ])('deep %s', (_, text, where) => {
    expect(problems(text)).toEqual([`${where} yaml-limit`]);
  });

  test('many short lists, a long line and a block of text are not deep', () => {
    const lists = Array.from({ length: 100 }, (_, index) => `  l${index}: '[[{{'`);
    const text = `${BASE}  labels:\n  ${lists.join('\n  ')}\ncmds:\n  - |\n      ${' '.repeat(60)}deep\n`;
    expect(problems(text)).toEqual([]);
  });

  test('a file of more than a megabyte', () => {
    expect(problems(`${BASE}# ${'x'.repeat(1024 * 1024)}\n`)).toEqual(['1:1 yaml-limit']);
  });

  test('a key called __proto__ is a key', () => {
    expect(problems(`${BASE}__proto__: {a: b}\n`)).toEqual(['6:1 unknown-key']);
  });
});
