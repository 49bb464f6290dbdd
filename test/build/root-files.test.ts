import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { osRelease, readInRoot, statInRoot } from '../../tool/src/build/root-files.ts';
import { resolveInRoot } from '../../tool/src/system/in-root.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'layers-root-'));
  await mkdir(path.join(root, 'usr/lib'), { recursive: true });
  await mkdir(path.join(root, 'var/tmp'), { recursive: true });
  await writeFile(
    path.join(root, 'usr/lib/os-release'),
    'ID="debian"\nNAME=\'a=b\'\n# no\nVERSION_CODENAME=bookworm\n',
  );
  await symlink('/etc', path.join(root, 'etc'));
  await symlink('/var/tmp', path.join(root, 'tmp'));
  await symlink('../../../../../usr', path.join(root, 'var/up'));
  await symlink('loop', path.join(root, 'loop'));
});
afterAll(() => rm(root, { recursive: true }));

test('nothing of the host is read through a link of the image', async () => {
  expect(await statInRoot(root, 'etc/passwd')).toBeUndefined();
  expect(await readInRoot(root, 'etc/passwd')).toBeUndefined();
  expect((await statInRoot(root, 'etc'))?.isSymbolicLink()).toBe(true);
});

test('what a process inside would find: links lead around in the root', async () => {
  expect(await resolveInRoot(root, '/tmp')).toBe(path.join(root, 'var/tmp'));
  expect(await resolveInRoot(root, '/var/up/lib/../lib/os-release')).toBe(path.join(root, 'usr/lib/os-release'));
  expect(await resolveInRoot(root, '/etc/passwd')).toBeUndefined();
  expect(await resolveInRoot(root, '/loop/a')).toBeUndefined();
  expect(await resolveInRoot(root, '/no/such')).toBeUndefined();
});

test('os-release is read with and without quotes', async () => {
  expect(await osRelease(root)).toEqual({ ID: 'debian', NAME: 'a=b', VERSION_CODENAME: 'bookworm' });
});
