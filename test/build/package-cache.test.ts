import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { borrowCache } from '../../tool/src/build/package-cache.ts';

let folder: string;
const place = (name: string) => path.join(folder, name);
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-cache-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('a build begins with what others loaded and gives back what is new, without locks and halves', async () => {
  const first = await borrowCache(place('shared'), place('first'));
  await mkdir(place('first/partial'));
  await mkdir(place('first/repo/packages'), { recursive: true });
  for (const name of ['a_1.deb', 'lock', 'layers.conf', 'partial/b_1.deb', 'repo/packages/c.rpm', 'repo/repomd.xml']) {
    await writeFile(place(`first/${name}`), name);
  }
  await first.giveBack();
  await borrowCache(place('shared'), place('second'));
  const files = (await readdir(place('second'), { recursive: true })).toSorted();
  expect(files).toEqual(['a_1.deb', 'repo', 'repo/packages', 'repo/packages/c.rpm', 'repo/repomd.xml']);
  expect((await stat(place('second/a_1.deb'))).ino).toBe((await stat(place('shared/a_1.deb'))).ino);
  // What may be written in place is a copy, with its time.
  const [ours, theirs] = await Promise.all([
    stat(place('second/repo/repomd.xml')),
    stat(place('shared/repo/repomd.xml')),
  ]);
  expect(ours.ino).not.toBe(theirs.ino);
  expect(Math.abs(ours.mtimeMs - theirs.mtimeMs)).toBeLessThan(1);
});

test('metadata that changed is replaced; two builds give back at the same time', async () => {
  await mkdir(place('shared'));
  await writeFile(place('shared/list'), 'old');
  const caches = await Promise.all(['a', 'b', 'c'].map((name) => borrowCache(place('shared'), place(name))));
  for (const { folder: own } of caches) {
    await writeFile(path.join(own, 'list'), 'newer');
    await writeFile(path.join(own, 'x_1.deb'), 'package');
  }
  await Promise.all(caches.map((cache) => cache.giveBack()));
  expect(await readFile(place('shared/list'), 'utf8')).toBe('newer');
  expect((await readdir(place('shared'))).toSorted()).toEqual(['list', 'x_1.deb']);
});
