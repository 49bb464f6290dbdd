import { expect, test } from 'vitest';
import { platformOf, releaseOfPackages, releaseProvided, usesRelease } from '../../tool/src/build/dnf-release.ts';
import { layer } from '../helpers/layers.ts';

const releaseOf = (...packages: string[]) => releaseOfPackages(layer('l', { pkg_manager: 'dnf' }, { packages }));

test('the release that a package names', () => {
  expect(releaseOf('bash', 'rocky-release-9.4-1.7.el9')).toBe('9');
  expect(releaseOf('system-release >= 10')).toBe('10');
  expect(releaseOf('fedora-release = 41')).toBe('41');
  expect(releaseOf('centos-stream-release-9.0')).toBe('9');
  // Their versions are their own.
  expect(releaseOf('epel-release-9-7', 'mysql80-community-release-8', 'rocky-release')).toBeUndefined();
});

test('the release that a package provides', () => {
  expect(releaseProvided(['config(x) = 9.4', 'system-release = 9.4-1', 'system-release(releasever) = 9'])).toBe('9');
  expect(releaseProvided(['system-release = 8.10-1.el8'])).toBe('8');
  expect(releaseProvided(['system-release', 'Last metadata'])).toBeUndefined();
});

test('what module streams are made for', () => {
  expect(['8', '9.4', '10', '41', '7', '2023'].map(platformOf)).toEqual([
    'platform:el8',
    'platform:el9',
    'platform:el10',
    'platform:f41',
    undefined,
    undefined,
  ]);
});

test('both spellings of the variable', () => {
  expect(['http://x/$releasever/', `http://x/\${releasever}`, 'http://x/releasever'].map(usesRelease)).toEqual([
    true,
    true,
    false,
  ]);
});
