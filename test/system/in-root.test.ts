import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { regularFileInRoot, resolveInRoot } from '../../tool/src/system/in-root.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'layers-in-root-'));
  await mkdir(path.join(root, 'a/b'), { recursive: true });
  await writeFile(path.join(root, 'a/b/file'), 'x');
  await writeFile(path.join(root, 'empty'), '');
});
afterEach(() => rm(root, { recursive: true }));

const resolved = async (inside: string) => (await resolveInRoot(root, inside))?.slice(root.length);

test('links, absolute and relative, end within the root', async () => {
  await symlink('/a', path.join(root, 'absolute'));
  await symlink('b/../../absolute/b', path.join(root, 'a/relative'));
  await symlink('../../../../../../a/b', path.join(root, 'a/above'));
  expect(await resolved('/absolute/b/file')).toBe('/a/b/file');
  expect(await resolved('/a/relative/file')).toBe('/a/b/file');
  expect(await resolved('/a/above/file')).toBe('/a/b/file');
  expect(await resolved('/../../../a/./b/file')).toBe('/a/b/file');
});

test('nothing, a circle, a file on the way: undefined', async () => {
  await symlink('circle2', path.join(root, 'circle1'));
  await symlink('circle1', path.join(root, 'circle2'));
  await symlink('/etc/passwd', path.join(root, 'host'));
  for (const inside of ['/none', '/circle1', '/a/b/file/deeper', '/host'])
    expect(await resolved(inside)).toBeUndefined();
});

test('only regular files with content count as files', async () => {
  expect(await regularFileInRoot(root, '/a/b/file')).toBe(path.join(root, 'a/b/file'));
  for (const inside of ['/a/b', '/empty', '/none']) expect(await regularFileInRoot(root, inside)).toBeUndefined();
});
