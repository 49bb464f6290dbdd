import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createBuildah } from '../../tool/src/system/buildah-cli.ts';
import { readStorage } from '../../tool/src/system/storage-index.ts';
import { createTree, type TestTree } from '../helpers/tree.ts';

const RUN = '20261101-101010-abcd';
const NAME = `layers-${RUN}-1-base`;

/** A file system in which there is no room for what buildah writes while it makes a container. */
let full: string;
let tree: TestTree;
beforeAll(async () => {
  tree = await createTree({
    'layers/base.yaml': 'options: {layer_type: base, name: base, parent: scratch, pkg_manager: apt}\n',
  });
  full = path.join(tree.storage.folder, 'full');
  await mkdir(full);
  await tree.storage.exec('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', full]);
  await tree.storage.exec('dd', ['if=/dev/zero', `of=${full}/fill`, 'bs=4k'], { accept: [1], quiet: true });
  expect((await tree.layers(['build'])).code).toBe(0);
});
afterAll(async () => {
  await tree.storage.exec('umount', [full]);
  await tree[Symbol.asyncDispose]();
});

const buildah = async (args: string[], env = {}) =>
  (await tree.storage.exec('buildah', args, { quiet: true, accept: [0, 125], env })).stdout.trim();
const locks = () => path.join(tree.root, '.layers/locks/runs');

async function containers(): Promise<string[]> {
  const listed = JSON.parse((await buildah(['containers', '--all', '--json'])) || 'null') ?? [];
  return (listed as { containername: string }[]).map((one) => one.containername);
}

async function leaveOne(): Promise<void> {
  const [image] = readStorage(
    await createBuildah(tree.storage.exec, { isolation: 'chroot', runId: 'a' }).store(),
  ).images;
  // By its name or the beginning of its id the platform is looked up first, which would fail before there is a container.
  await buildah(['from', '--name', NAME, '--pull=never', '--', image!.id], { TMPDIR: full });
  expect(await containers()).toEqual([NAME]);
  expect(await buildah(['containers', '--quiet'])).toBe('');
}

test('where a container cannot be made to its end nothing of it stays', async () => {
  await tree.write('layers/top.yaml', 'options: {layer_type: base, name: top, parent: base, pkg_manager: apt}\n');
  for (const args of [
    ['run', 'base', '--', '/bin/true'],
    ['build', 'top'],
  ]) {
    const failed = await tree.layers(args, { TMPDIR: full });
    expect(failed.code).not.toBe(0);
    expect(`${failed.stdout}${failed.stderr}`).toContain('exit code 125');
    expect(await containers()).toEqual([]);
  }
});

test('one of a killed run is swept by the next', async () => {
  await leaveOne();
  await mkdir(locks(), { recursive: true });
  await writeFile(path.join(locks(), `${RUN}.lock`), '');
  expect((await tree.layers(['build', '--force'])).code).toBe(0);
  expect(await containers()).toEqual([]);
});

test('a prune sweeps one whose run is over, before it looks at the image, and only then', async () => {
  await leaveOne();
  const lock = path.join(locks(), `${RUN}.lock`);
  const holder = spawn('flock', ['--exclusive', lock, 'cat'], { stdio: 'pipe' });
  onTestFinished(() => void holder.kill());
  // It says this when it has the lock.
  holder.stdin.write('held');
  await once(holder.stdout, 'data');
  const prune = () => tree.layers(['prune', '--keep-last', '0', '--lock', 'fail', '-v']);
  expect(await prune()).toMatchObject({ code: 0, stderr: '' });
  expect(await containers()).toEqual([NAME]);
  holder.stdin.end();
  await once(holder, 'exit');
  await rm(lock);
  const swept = await prune();
  expect(swept).toMatchObject({ code: 0, stderr: `the container ${NAME} was left half made, and was swept\n` });
  expect(swept.stdout).not.toContain('in use by');
  expect(await containers()).toEqual([]);
});
