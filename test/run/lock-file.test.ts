import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { InvalidInput } from '../../tool/src/config/diagnostic.ts';
import type { LockEntry } from '../../tool/src/config/lock.ts';
import { locksOf, readLock, writeLock as writeLockIn } from '../../tool/src/run/lock-file.ts';
import { graphOf, layer } from '../helpers/layers.ts';

let folder: string;
let root: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-lock-'));
  root = path.join(folder, 'tree');
  await mkdir(root);
});
afterEach(() => rm(folder, { recursive: true }));

const writeLock = (changes: ReadonlyMap<string, LockEntry | undefined>) =>
  writeLockIn(root, changes, path.join(folder, 'locks'));
const digest = `sha256:${'a'.repeat(64)}`;
const entry: LockEntry = { repositories: { 'http://a.example/InRelease': digest } };

test('an entry is changed, and the others are what they are by then', async () => {
  expect(await readLock(root)).toBeUndefined();
  expect(
    await writeLock(
      new Map<string, LockEntry | undefined>([
        ['a', entry],
        ['b', entry],
      ]),
    ),
  ).toBe(true);
  // Another run, between our reading and our writing.
  await writeLock(new Map<string, LockEntry | undefined>([['c', entry]]));
  expect(
    await writeLock(
      new Map<string, LockEntry | undefined>([
        ['a', { repositories: {} }],
        ['b', undefined],
      ]),
    ),
  ).toBe(true);
  expect(await readLock(root)).toEqual(
    new Map<string, LockEntry | undefined>([
      ['a', { repositories: {} }],
      ['c', entry],
    ]),
  );
  expect(await readdir(root)).toEqual(['layers.lock']);
});

test('a file with the same facts is not touched, whoever wrote it', async () => {
  await writeLock(new Map<string, LockEntry | undefined>([['a', entry]]));
  const file = path.join(root, 'layers.lock');
  await writeFile(file, (await readFile(file, 'utf8')).replace('"a":', 'a: # ours'));
  const before = await stat(file);
  expect(
    await writeLock(
      new Map<string, LockEntry | undefined>([
        ['a', entry],
        ['b', undefined],
      ]),
    ),
  ).toBe(false);
  expect((await stat(file)).ino).toBe(before.ino);
  expect(locksOf(graphOf([layer('a'), layer('b')]), await readLock(root))).toEqual(
    new Map<string, LockEntry | undefined>([['a', entry]]),
  );
});

test('a damaged lock is never written over', async () => {
  await writeFile(path.join(root, 'layers.lock'), 'version: 1\nlayers: []\n');
  const refusal = await writeLock(new Map<string, LockEntry | undefined>([['a', entry]])).catch(
    (error: unknown) => error,
  );
  expect(refusal).toBeInstanceOf(InvalidInput);
  expect(await readFile(path.join(root, 'layers.lock'), 'utf8')).toBe('version: 1\nlayers: []\n');
});

test('who changes it at the same moment loses nothing', async () => {
  const names = Array.from({ length: 12 }, (_, index) => `layer-${index}`);
  await Promise.all(names.map((name) => writeLock(new Map([[name, entry]]))));
  expect([...((await readLock(root))?.keys() ?? [])].sort()).toEqual(names.sort());
});
