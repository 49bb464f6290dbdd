import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { countedAlthoughShell, environmentDigest, restQuestion } from '../../tool/src/commands/at-rest-question.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'layers-rest-question-'));
  mkdirSync(`${root}/layers/deep`, { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

const ask = (line: string, cwd = root, env: Record<string, string> = {}) => restQuestion(line.split(' '), cwd, env);

test.each([
  'plan --all',
  'build --force',
  'build --all --verify',
  'build --refresh',
  'build --locked',
  'build --dry-run',
  'build --cache off',
  'build --affected main',
  'build --output json',
  'build --output=json',
  'build --help',
  'build -kf',
  'build -- --all',
])('%s looks for itself', (line) => {
  expect(ask(line)).toBeUndefined();
});

test('CI looks for itself', () => {
  expect(ask('build --all', root, { CI: 'true' })).toBeUndefined();
  expect(ask('build --all', root, { CI: '' })).toBeDefined();
});

test.each([
  ['build', '.layers'],
  ['build --all -k -j4 --output plain', '.layers'],
  ['build --state there', 'there'],
  ['build --state=/else/where', '/else/where'],
  ['build -j 4 --exclude a --lock fail deep/*', '.layers'],
  ['build --root layers', 'layers/.layers'],
])('%s has its answer in %s', (line, state) => {
  expect(ask(line)?.stateDir).toBe(path.resolve(root, state));
});

test('the tree is found from below, and its settings may name the state folder', () => {
  writeFileSync(`${root}/layers.yaml`, "folders:\n  state: 'kept'\n");
  expect(ask('build', `${root}/layers/deep`)?.stateDir).toBe(`${root}/kept`);
});

test('another selection, another folder to stand in or another order of words is another question', () => {
  const keys = [ask('build'), ask('build --all'), ask('build a b'), ask('build b a'), ask('build', `${root}/layers`)];
  expect(new Set(keys.map((one) => one?.key)).size).toBe(keys.length);
  expect(ask('build a')?.key).toBe(ask('build a')?.key);
});

test('every variable counts, but those of a shell only where a layer says so', () => {
  const env = { PATH: '/bin', ANSIBLE_ROLES_PATH: '/roles', TERM: 'xterm', SHLVL: '1' };
  const same = environmentDigest(env, []);
  expect(environmentDigest({ ...env, TERM: 'dumb', SHLVL: '2' }, [])).toBe(same);
  expect(environmentDigest({ SHLVL: '1', TERM: 'xterm', ANSIBLE_ROLES_PATH: '/roles', PATH: '/bin' }, [])).toBe(same);
  expect(environmentDigest({ ...env, ANSIBLE_ROLES_PATH: '/other' }, [])).not.toBe(same);
  expect(environmentDigest({ ...env, NEW: '' }, [])).not.toBe(same);
  expect(countedAlthoughShell(['SITE', 'TERM', 'TERM'])).toEqual(['TERM']);
  expect(environmentDigest({ ...env, TERM: 'dumb' }, ['TERM'])).not.toBe(environmentDigest(env, ['TERM']));
});

test('no value can be read from the digest', () => {
  expect(environmentDigest({ PASSWORD: 'swordfish' }, [])).toMatch(/^[0-9a-f]{28}$/);
});
