import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { BuildStamp, Checkpoint, CheckpointKey } from '../../tool/src/recipe/checkpoint.ts';
import { openCheckpoints } from '../../tool/src/records/checkpoints.ts';
import type { CheckpointUser } from '../../tool/src/records/last-checkpoints.ts';

const STATE = '/one/.layers';
const TREE = by(STATE);

function by(tree: string, layer = 'debian/base', build = '1'): CheckpointUser {
  return { tree, layer, build: build as BuildStamp };
}

let graphRoot: string;
beforeEach(() => {
  graphRoot = mkdtempSync(join(tmpdir(), 'checkpoints-'));
});
afterEach(() => rmSync(graphRoot, { recursive: true }));

/** `letter`: of the key and of the image, which is in storage. */
function made(letter: string, more: Partial<Checkpoint> = {}): Checkpoint {
  const image = { id: letter.repeat(64), graphRoot, driver: 'overlay', size: 7 };
  mkdirSync(join(graphRoot, 'overlay-images', image.id), { recursive: true });
  return {
    version: 1,
    key: letter.repeat(64) as CheckpointKey,
    layer: 'debian/base',
    part: 'packages',
    image,
    builtAt: '2026-01-02T03:04:05.678Z',
    repositories: { 'http://mirror.example/InRelease': 'sha256:1' },
    ...more,
  };
}

const file = (letter: string) => join(graphRoot, 'layers-checkpoints', `${letter.repeat(64)}.json`);

test('what was kept is found under its key, for its owner only', async () => {
  const checkpoint = made('a');
  await openCheckpoints(graphRoot).keep(checkpoint, TREE);
  expect(openCheckpoints(graphRoot).find(checkpoint.key)).toEqual(checkpoint);
  expect(openCheckpoints(graphRoot).find('b'.repeat(64) as CheckpointKey)).toBeUndefined();
  expect(statSync(file('a')).mode & 0o777).toBe(0o600);
});

test('a look makes nothing', () => {
  expect(openCheckpoints(graphRoot).find('a'.repeat(64) as CheckpointKey)).toBeUndefined();
  expect(openCheckpoints(graphRoot).list()).toEqual([]);
  expect(readdirSync(graphRoot)).toEqual([]);
});

test.each([
  ['cut off', (text: string) => text.slice(0, -9)],
  ['a bit turned', (text: string) => text.replace('packages', 'packaget')],
  ['empty', () => ''],
])('one that is damaged (%s) is none', async (_, damage) => {
  const checkpoints = openCheckpoints(graphRoot);
  await checkpoints.keep(made('a'), TREE);
  writeFileSync(file('a'), damage(readFileSync(file('a'), 'utf8')));
  expect(checkpoints.find(made('a').key)).toBeUndefined();
  expect(checkpoints.list()).toEqual([]);
});

test('one under the name of another key is none', async () => {
  const checkpoints = openCheckpoints(graphRoot);
  await checkpoints.keep(made('a'), TREE);
  writeFileSync(file('b'), readFileSync(file('a')));
  expect(checkpoints.find('b'.repeat(64) as CheckpointKey)).toBeUndefined();
});

test('one whose image was removed is not found, and listed as gone', async () => {
  const checkpoints = openCheckpoints(graphRoot);
  const { key, image, ...rest } = made('a');
  await checkpoints.keep({ key, image, ...rest }, TREE);
  rmSync(join(graphRoot, 'overlay-images', image.id), { recursive: true });
  expect(checkpoints.find(key)).toBeUndefined();
  expect(checkpoints.list()).toMatchObject([{ isThere: false, image: { size: 7 } }]);
});

test('of one layer and part all but the latest used are superseded', async () => {
  const checkpoints = openCheckpoints(graphRoot);
  for (const letter of ['a', 'b']) await checkpoints.keep(made(letter), TREE);
  await checkpoints.keep(made('c', { part: 'files' }), TREE);
  await checkpoints.keep(made('d', { layer: 'other' }), TREE);
  for (const [index, letter] of ['a', 'b', 'c', 'd'].entries()) utimesSync(file(letter), 1000 + index, 1000 + index);
  const listed = () => checkpoints.list().map(({ key, isSuperseded }) => [key[0], isSuperseded]);
  expect(listed()).toEqual([
    ['d', false],
    ['c', false],
    ['b', false],
    ['a', true],
  ]);
  checkpoints.use(made('a'), TREE);
  expect(listed()[0]).toEqual(['a', false]);
  expect(listed()).toContainEqual(['b', true]);
});

test('two trees with the same layer: the last one of each is superseded by none of the other', async () => {
  const other = '/other/.layers';
  const checkpoints = openCheckpoints(graphRoot);
  await checkpoints.keep(made('a'), TREE);
  for (const letter of ['b', 'c', 'd']) await checkpoints.keep(made(letter), by(other));
  for (const [index, letter] of ['a', 'b', 'c', 'd'].entries()) utimesSync(file(letter), 1000 + index, 1000 + index);
  const listed = (...trees: string[]) => {
    const found = checkpoints.list((tree) => trees.includes(tree));
    return found.map((one) => [one.key[0], one.users.map(({ tree }) => tree), one.isSuperseded]);
  };
  expect(listed(STATE, other)).toEqual([
    ['d', [other], false],
    ['c', [], true],
    ['b', [], true],
    ['a', [STATE], false],
  ]);
  // It begins where the other one has been.
  checkpoints.use(made('c'), TREE);
  expect(listed(STATE, other)).toEqual([
    ['c', [STATE], false],
    ['d', [other], false],
    ['b', [], true],
    ['a', [], true],
  ]);
  // A tree that is known no more, and storages of versions that noted none: the latest is left.
  const ofNone = [
    ['c', [], false],
    ['d', [], true],
    ['b', [], true],
    ['a', [], true],
  ];
  expect(listed()).toEqual(ofNone);
  for (const tree of [STATE, other]) checkpoints.leave(tree);
  expect(listed(STATE, other)).toEqual(ofNone);
});

test('a layer has those that its own builds began with, though another layer made them', async () => {
  const checkpoints = openCheckpoints(graphRoot);
  await checkpoints.keep(made('a'), TREE);
  checkpoints.use(made('a'), by(STATE, 'twin', '2'));
  await checkpoints.keep(made('b', { part: 'files', layer: 'twin' }), by(STATE, 'twin', '2'));
  const keys = (layer: string) => checkpoints.lastOf(layer).map(({ key, build }) => [key[0], build]);
  expect(keys('debian/base')).toEqual([['a', '1']]);
  expect(keys('twin').toSorted()).toEqual([
    ['a', '2'],
    ['b', '2'],
  ]);
});

test('what was removed is gone, and removing it again is no error', async () => {
  const checkpoints = openCheckpoints(graphRoot);
  await checkpoints.keep(made('a'), TREE);
  for (let time = 0; time < 2; time += 1) checkpoints.remove(made('a').key);
  expect(checkpoints.list()).toEqual([]);
});
