import { expect, test } from 'vitest';
import { suiteOf } from '../../tool/src/build/apt-bootstrap.ts';
import { layer } from '../helpers/layers.ts';
import { recordBuild } from './recorded-build.ts';

test('one-line and other sources go to files of their own, and none stays twice', async () => {
  const repos = [
    { alias: 'line', config: 'deb http://deb.example/debian bookworm main' },
    { alias: 'main', url: 'http://deb.example/debian' },
  ];
  const { calls, files } = await recordBuild(layer('l', { suite: 'bookworm' }, { packages: ['a'], repos }), 'scratch');
  const args = calls.find(({ call }) => call[1] === 'mmdebstrap')?.call[2] as string[];
  expect(args.slice(-2)).toEqual(['<temporary>/layers.sources', '<temporary>/layers.list']);
  expect(args.some((argument) => argument.includes('0001layers.list'))).toBe(true);
  expect(files['layers.list']).toBe('deb http://deb.example/debian bookworm main\n');
  expect(files['layers.sources']).toMatch(/^Types: deb\n/);
});

test("the suite is the layer's, else the first of its repositories, else the host's", () => {
  const repos = [{ alias: 'a', url: 'http://x', apt_dist: 'trixie' }];
  expect(suiteOf(layer('l', { suite: 'sid' }, { repos }), 'bookworm')).toBe('sid');
  expect(suiteOf(layer('l', {}, { repos }), 'bookworm')).toBe('trixie');
  expect(suiteOf(layer('l'), 'bookworm')).toBe('bookworm');
  expect(() => suiteOf(layer('l'), undefined)).toThrow('which suite');
});
