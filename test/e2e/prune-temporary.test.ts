import { existsSync } from 'node:fs';
import { mkdir, readdir, utimes } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTree, type TestTree } from '../helpers/tree.ts';

let tree: TestTree;
beforeAll(async () => {
  tree = await createTree({
    'layers/base.yaml': 'options: {layer_type: base, name: base, parent: scratch, pkg_manager: apt}\n',
    'host/precious': 'of the host\n',
  });
});
afterAll(() => tree[Symbol.asyncDispose]());

/** A run's temporary folder whose lock is gone with its state folder, last written to so many days ago. */
async function temporaryFolder(runId: string, days: number): Promise<string> {
  const folder = path.join(tree.storage.folder, 'tmp', `layers-${runId}`);
  await mkdir(path.join(folder, 'base/tmp/buildah/mnt'), { recursive: true });
  const at = new Date(Date.now() - days * 24 * 3_600_000);
  await utimes(folder, at, at);
  return folder;
}

test('what a killed run left mounted is unmounted, not emptied, before its folder goes', async () => {
  const { exec } = tree.storage;
  const folder = await temporaryFolder('20261101-101010-abcd', 8);
  const mount = path.join(folder, 'base/tmp/buildah/mnt');
  await exec('mount', ['--bind', path.join(tree.root, 'host'), mount]);
  try {
    const ended = await tree.layers(['prune']);
    expect(await readdir(path.join(tree.root, 'host'))).toEqual(['precious']);
    expect([ended.code, ended.stderr]).toEqual([0, '']);
    expect(existsSync(folder)).toBe(false);
  } finally {
    await exec('umount', [mount], { accept: [0, 1, 32], quiet: true });
  }
});

test('a folder that was written to within a week stays, whatever age or size is asked for: its run may live', async () => {
  const folder = await temporaryFolder('20261128-101010-abcd', 1);
  for (const args of [
    ['--older-than', '1h'],
    ['--max-size', '1K'],
  ]) {
    expect((await tree.layers(['prune', ...args])).code).toBe(0);
    expect(existsSync(folder)).toBe(true);
  }
});
