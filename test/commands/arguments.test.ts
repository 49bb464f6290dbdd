import { expect, test } from 'vitest';
import { parseArguments } from '../../tool/src/commands/arguments.ts';

test('help is asked for by a word as by an option', () => {
  expect(parseArguments(['help'])).toBeUndefined();
  expect(parseArguments(['help', 'watch'])).toEqual(parseArguments(['watch', '--help']));
  expect(() => parseArguments(['help', 'wach'])).toThrow(/there is no command 'wach'/);
});
