import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Change, Observer } from '../../tool/src/watch/observer.ts';

let root: string;
let seen: Change[];
let observer: Observer;

beforeEach(() => {
  root = realpathSync(mkdtempSync(path.join(tmpdir(), 'layers-observer-')));
  mkdirSync(`${root}/a/b`, { recursive: true });
  writeFileSync(`${root}/a/file`, 'x');
  seen = [];
  observer = new Observer({
    poll: false,
    isNoise: (file) => file.endsWith('~'),
    changed: (changes) => seen.push(...changes),
    failed: (error) => {
      throw error;
    },
  });
});
afterEach(async () => {
  await observer.close();
  rmSync(root, { recursive: true });
});

const folders = (...names: string[]) => new Set(names.map((name) => path.join(root, name)));

/** What is seen until it is `wanted`, or for as long as nothing should be. */
async function until(wanted: (changes: readonly Change[]) => boolean): Promise<Change[]> {
  for (let turn = 0; turn < 200 && !wanted(seen); turn += 1) await sleep(20);
  expect(wanted(seen), JSON.stringify(seen)).toBe(true);
  return seen;
}
const has = (file: string) => (changes: readonly Change[]) =>
  changes.some((change) => change.path === path.join(root, file));

test('a write, a new file and one that is moved over another, each once', async () => {
  await observer.watch(folders('a'));
  writeFileSync(`${root}/a/file`, 'y');
  await until(has('a/file'));
  expect(seen).toEqual([{ path: `${root}/a/file`, names: false }]);
  seen.length = 0;
  writeFileSync(`${root}/a/new`, 'y');
  await until(has('a/new'));
  expect(seen).toEqual([{ path: `${root}/a/new`, names: true }]);
  seen.length = 0;
  // As many editors save.
  writeFileSync(`${root}/a/sedXYZ`, 'z');
  renameSync(`${root}/a/sedXYZ`, `${root}/a/file`);
  await until(has('a/file'));
  expect(has('a/sedXYZ')(seen)).toBe(false);
});

test('only the folders themselves, without noise', async () => {
  await observer.watch(folders('a'));
  writeFileSync(`${root}/a/b/deep`, 'z');
  writeFileSync(`${root}/a/note~`, 'z');
  writeFileSync(`${root}/a/file`, 'z');
  await until(has('a/file'));
  await sleep(100);
  expect(seen.map(({ path: file }) => path.relative(root, file))).toEqual(['a/file']);
});

test('a folder that went and came back is watched again', async () => {
  await observer.watch(folders('', 'a', 'a/b'));
  rmSync(`${root}/a`, { recursive: true });
  await until(has('a'));
  mkdirSync(`${root}/a/b`, { recursive: true });
  await until((changes) => changes.filter((change) => change.path === `${root}/a`).length > 1);
  await observer.watch(folders('', 'a', 'a/b'));
  seen.length = 0;
  writeFileSync(`${root}/a/b/again`, 'y');
  await until(has('a/b/again'));
});
