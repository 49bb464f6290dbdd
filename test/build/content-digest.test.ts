import { link, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { treeDigest } from '../../tool/src/build/content-digest.ts';
import type { Exec } from '../../tool/src/system/command.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-digest-'));
});
afterEach(() => rm(folder, { recursive: true }));

const exec: Exec = async () => ({ argv: [], exitCode: 0, signal: null, durationMs: 0, stdout: '', tail: [] });
const { signal } = new AbortController();

/** The digest of a root that is filled by `fill`. */
async function digestOf(fill: (root: string) => Promise<unknown>): Promise<string> {
  const root = await mkdtemp(path.join(folder, 'root-'));
  await fill(root);
  return treeDigest({ root, declared: {}, exec, temporary: folder, signal });
}

test('bytes that look like the next entry are not taken for it', async () => {
  const mode = { mode: 0o644 };
  const { uid, gid } = os.userInfo();
  const entry = `\n${JSON.stringify(['b', 0o100644, uid, gid, 0, ''])}\n`;
  const two = await digestOf(async (root) => {
    await writeFile(path.join(root, 'a'), '', mode);
    await writeFile(path.join(root, 'b'), 'x', mode);
  });
  expect(await digestOf((root) => writeFile(path.join(root, 'a'), `${entry}x`, mode))).not.toBe(two);
  expect(await digestOf((root) => writeFile(path.join(root, 'a'), `${entry}1 bytes\nx`, mode))).not.toBe(two);
});

test('a file counts though its first name lies where content is left out', async () => {
  const withText = (text: string) =>
    digestOf(async (root) => {
      for (const name of ['var/log', 'aaa']) await mkdir(path.join(root, name), { recursive: true });
      await writeFile(path.join(root, 'var/log/a'), text);
      // Folders are read from the last to the first.
      await link(path.join(root, 'var/log/a'), path.join(root, 'aaa/a'));
    });
  expect(await withText('one')).not.toBe(await withText('two'));
});

test('any generated machine id is as good as another, and an empty one is not', async () => {
  const withId = (text: string) =>
    digestOf(async (root) => {
      await mkdir(path.join(root, 'etc'));
      await writeFile(path.join(root, 'etc/machine-id'), text);
    });
  expect(await withId(`${'a'.repeat(32)}\n`)).toBe(await withId('b'.repeat(32)));
  expect(await withId('')).not.toBe(await withId('b'.repeat(32)));
});
