import { expect, test } from 'vitest';
import { contentCounts, mayHoldLeftOut } from '../../tool/src/build/what-counts.ts';

test.each([
  ['/var/log/x', true],
  ['/var//log/x', true],
  ['var/./log/', true],
  ['/etc/../var/log/x', true],
  ['/var/log', true],
  ['/var', true],
  ['/', true],
  ['//', true],
  ['/etc', true],
  ['/etc/passwd-', true],
  ['/var/lib/systemd/random-seed', true],
  ['/etc/passwd', false],
  ['/var/logs', false],
  ['/usr/var/log/x', false],
  ['/srv', false],
])('a copy to %s may lie where content is left out: %s', (dest, expected) => {
  expect(mayHoldLeftOut(dest)).toBe(expected);
});

test('answers that debconf keeps count, and the rest of the caches does not', () => {
  expect(contentCounts('var/cache/debconf/config.dat')).toBe(true);
  expect(contentCounts('var/cache/debconf/passwords.dat')).toBe(true);
  expect(contentCounts('var/cache/debconf/templates.dat')).toBe(true);
  expect(contentCounts('var/cache/debconf/config.dat-old')).toBe(false);
  expect(contentCounts('var/cache/apt/pkgcache.bin')).toBe(false);
  expect(contentCounts('var/log')).toBe(true);
});
