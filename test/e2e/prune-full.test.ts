import { execFileSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addSmallImage, createTree, type TestTree } from '../helpers/tree.ts';

/** Where storage and state folder are, on a file system of their own. */
let full: string;
let tree: TestTree;
beforeAll(async () => {
  tree = await createTree({ '.gitignore': 'small\n' });
  full = path.join(tree.storage.folder, 'graph');
  await mkdir(full);
  await tree.storage.exec('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'none', full]);
  await addSmallImage(tree);
});
afterAll(async () => {
  await tree.storage.exec('umount', [`${full}/overlay`], { accept: [0, 1, 32], quiet: true });
  await tree.storage.exec('umount', ['--lazy', full]);
  await tree[Symbol.asyncDispose]();
});

const STATE = ['--state', '../graph/state'];
const DATA = 1_000_000;
const git = (...args: string[]) => execFileSync('git', args, { cwd: tree.root, encoding: 'utf8', stdio: 'pipe' });

async function build(last: string, ...args: string[]): Promise<number | null> {
  const cmd = `busybox head -c ${DATA} /dev/urandom > /etc/state; ${last}`;
  await tree.write(
    'layers/top.yaml',
    `options: {layer_type: base, name: top, parent: 'oci:small:1', pkg_manager: apt}\ncmds: ['${cmd}']\n`,
  );
  return (await tree.layers(['build', ...STATE, ...args])).code;
}

async function fill(): Promise<void> {
  await tree.storage.exec('dd', ['if=/dev/zero', `of=${full}/fill`, 'bs=4k'], { accept: [1], quiet: true });
}

const prune = (...args: string[]) => tree.layers(['prune', '--keep-last', '0', ...STATE, ...args]);

test('on a full storage nothing is said to be free that is not, and what to do is said once', async () => {
  for (const last of ['true', 'echo 2', 'echo 3']) expect(await build(last)).toBe(0);
  await fill();
  const ended = await prune('--json');
  expect([ended.code, ended.stderr]).toEqual([1, '']);
  const said = JSON.parse(ended.stdout) as {
    bytesBefore: number;
    bytesAfter: number;
    kinds: object;
    items: { removed: boolean }[];
    left: { kind: string }[];
  };
  expect(said.bytesBefore).toBeGreaterThan(3 * DATA);
  expect([said.bytesAfter, said.kinds]).toEqual([said.bytesBefore, {}]);
  expect(said.items.filter(({ removed }) => removed)).toEqual([]);
  expect(said.left.map(({ kind }) => kind)).toEqual(Array(5).fill('image'));
  const { stdout } = await prune();
  expect(stdout.split('\n')).toEqual([
    expect.stringMatching(/^left: 5 images: \/.*\/graph is full, .*: free some \d+ kB there first$/),
    expect.stringMatching(/^freed nothing: /),
    '',
  ]);
});

test('own files go first, so that there is room to take away the rest', async () => {
  await rm(`${full}/fill`);
  expect(await build('exit 3', '--keep-failed')).toBe(1);
  expect(await build('echo 3')).toBe(0);
  expect(await build('exit 3', '--keep-failed')).toBe(1);
  const packages = path.join(full, 'state/cache/packages');
  await mkdir(packages, { recursive: true });
  await writeFile(path.join(packages, 'old.deb'), Buffer.alloc(200_000));
  await fill();
  const ended = await prune('--older-than', '0m');
  expect([ended.code, ended.stderr]).toEqual([0, '']);
  expect(ended.stdout).toMatch(/^5 images: 2\.\d MB of 6 images\n1 failed build: .*\n1 downloaded file: 20\d\.\d kB /);
});

test('no room for the files of a branch: it says where there must be some', async () => {
  await tree.write('.gitignore', 'small\n');
  git('init', '--quiet', '--initial-branch=main');
  git('add', '.');
  git('-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '--quiet', '--message=first');
  git('branch', 'other');
  await build('echo 4');
  await fill();
  await mkdir(path.join(full, 'temporary'));
  const refused = await tree.layers(['prune', '--dry-run'], { TMPDIR: path.join(full, 'temporary') });
  expect([refused.code, refused.stdout]).toEqual([2, '']);
  expect(refused.stderr).toMatch(/\/graph\/temporary has no room for the files of a branch.*\n.*TMPDIR=DIR/);
  expect((await tree.layers(['prune', '--dry-run'])).code).toBe(0);
});
