import { expect, test } from 'vitest';
import { readAge, readCount, readSize } from '../../tool/src/commands/prune-values.ts';

test('ages, sizes and counts', () => {
  expect(['30m', '12h', '7d', '4w'].map((text) => readAge('--older-than', text))).toEqual([
    1_800_000, 43_200_000, 604_800_000, 2_419_200_000,
  ]);
  expect(['1000', '500M', '20G', '20GB', '1.5t', '1Ki', '2GiB'].map((text) => readSize('--max-size', text))).toEqual([
    1000,
    5e8,
    2e10,
    2e10,
    1.5e12,
    1024,
    2 * 1024 ** 3,
  ]);
  expect([readCount('--keep-last', '0'), readCount('--keep-last', undefined)]).toEqual([0, undefined]);
});

test('anything else is refused with what it takes', () => {
  for (const text of ['', '7', 'd', '-1d', '1y', '1.5d'])
    expect(() => readAge('--older-than', text)).toThrow(/such as 12h/);
  for (const text of ['', 'G', '-1G', '1P', '1 G']) expect(() => readSize('--max-size', text)).toThrow(/such as 500M/);
  for (const text of ['', '-1', '1.5', 'all']) expect(() => readCount('--keep-last', text)).toThrow(/whole number/);
});
