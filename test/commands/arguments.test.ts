import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { parseArguments } from '../../tool/src/commands/arguments.ts';
import { programHelp } from '../../tool/src/commands/help.ts';
import { imageBuildHelp } from '../../tool/src/commands/image-build-arguments.ts';

test('help is asked for by a word as by an option', () => {
  expect(parseArguments(['help'])).toBeUndefined();
  expect(parseArguments(['help', 'watch'])).toEqual(parseArguments(['watch', '--help']));
  expect(() => parseArguments(['help', 'wach'])).toThrow(/there is no command 'wach'/);
});

test.each([programHelp, imageBuildHelp])('%o names the exit codes of all signals that end a run', (help) => {
  const signals = ['SIGHUP', 'SIGINT', 'SIGPIPE', 'SIGTERM'] as const;
  for (const signal of signals) {
    expect(help()).toContain(signal);
    expect(help()).toMatch(new RegExp(`\\b${128 + constants.signals[signal]}\\b`));
  }
});
