import { describe, expect, test } from 'vitest';
import { CommandFailure } from '../../tool/src/system/command.ts';
import { CommandOutput, redactor } from '../../tool/src/system/output.ts';

const MEBIBYTE = Buffer.alloc(1024 * 1024, 'x');

function outputOf(mebibytes: number, collect = true): CommandOutput {
  const output = new CommandOutput({ collect, redact: (text) => text, onLine: () => undefined });
  for (let index = 0; index < mebibytes; index += 1) output.push(MEBIBYTE, 'stdout');
  output.end();
  return output;
}

describe('collected output', () => {
  test('is whole up to 64 MiB', () => {
    expect(outputOf(64).stdout).toHaveLength(64 * 1024 * 1024);
  });

  test('is an error beyond, not a part that looks like the whole', () => {
    const output = outputOf(65);
    expect(() => output.stdout).toThrow(CommandFailure);
    expect(() => output.stdout).toThrow(/more than 64 MiB/);
  });

  test('that nobody asked for may be of any length', () => {
    expect(outputOf(65, false).stdout).toBe('');
  });
});

describe('redactor', () => {
  test('short lines of a long secret do not blot out ordinary words', () => {
    const redact = redactor(['if true; then\n  send --token=abcdef0123\nfi']);
    expect(redact('file of /usr/bin')).toBe('file of /usr/bin');
    expect(redact('+   send --token=abcdef0123')).toBe('+   ***');
  });

  test('a short secret is found whatever line break follows it', () => {
    expect(redactor(['hunter2\n'])('pass=hunter2')).toBe('pass=***');
    expect(redactor(['', ' \n'])('a b')).toBe('a b');
  });
});
