import { expect, test } from 'vitest';
import { unsharedLines } from '../../tool/src/report/plan-unshared.ts';

test('layers that every machine builds for itself are named, a few of them', () => {
  expect(unsharedLines([])).toEqual([]);
  expect(unsharedLines(['base'])[0]).toMatch(/^not shared: base \(/);
  const many = Array.from({ length: 10 }, (_, index) => `l${index}`);
  expect(unsharedLines(many)[0]).toMatch(/^not shared: l0, .*, l7 and 2 more \(/);
});
