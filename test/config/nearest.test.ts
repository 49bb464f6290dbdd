import fc from 'fast-check';
import { expect, test } from 'vitest';
import { editDistance, nearest } from '../../tool/src/config/nearest.ts';

test.each([
  ['pakages', 'packages'],
  ['pkg_manger', 'pkg_manager'],
  ['publishRegistry', 'publish_registry'],
  ['palybooks', 'playbooks'],
  ['xyz', undefined],
])('%s', (word, meant) => {
  expect(nearest(word, ['packages', 'pkg_manager', 'publish_registry', 'playbooks'])).toBe(meant);
});

test('a distance is symmetric, nought only for equals, and at most the longer length', () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, (one, other) => {
      const distance = editDistance(one, other);
      expect(distance).toBe(editDistance(other, one));
      expect(distance === 0).toBe(one === other);
      expect(distance).toBeLessThanOrEqual(Math.max(one.length, other.length));
    }),
  );
});

test('two swapped neighbours are one mistake', () => {
  expect(editDistance('ab', 'ba')).toBe(1);
});
