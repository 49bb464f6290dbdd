import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { addSmallImage, createTree, outcomes, type TestTree } from '../helpers/tree.ts';

// A file system of its own, small enough to be filled: what is kept in it, or what is temporary.

const layer = (word: string) =>
  `options: {layer_type: base, name: base, parent: 'oci:small:1', pkg_manager: apt, publish_registry: 'oci:images'}\ncmds: [echo ${word} > /etc/one]\n`;

let tree: TestTree;
let disk: string;
const state = () => path.join(disk, 'state');

beforeAll(async () => {
  tree = await createTree({ 'layers/base.yaml': layer('one') });
  await addSmallImage(tree);
  disk = path.join(tree.storage.folder, 'disk');
  await mkdir(disk);
  const built = await tree.layers(['build', '--output', 'json']);
  expect([built.code, outcomes(built)]).toEqual([0, { base: 'built' }]);
});
afterAll(() => tree?.[Symbol.asyncDispose]());

beforeEach(async () => {
  await tree.storage.exec('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', disk]);
  await mkdir(state());
});
afterEach(async () => void (await tree.storage.exec('umount', [disk])));

const fill = () => writeFile(path.join(disk, 'fill'), Buffer.alloc(2 ** 20)).catch(() => undefined);
const makeReadOnly = () => tree.storage.exec('mount', ['-o', 'remount,ro', disk]);

const FULL = /a file system is full: 'layers doctor' shows/;
const READ_ONLY = /EROFS[\s\S]*a file system is read-only: --state DIR and TMPDIR=DIR/;

test.each([
  ['build', ['build', '--force']],
  ['run', ['run', 'base', '--', 'true']],
])('%s: a state folder or TMPDIR that is full or read-only is the machine’s, with what to do', async (_, words) => {
  await fill();
  const kept = await tree.layers([...words.slice(0, 1), '--state', state(), ...words.slice(1)]);
  expect([kept.code, kept.stderr]).toEqual([1, expect.stringMatching(FULL)]);
  const temporary = await tree.layers(words, { TMPDIR: disk });
  expect([temporary.code, temporary.stdout + temporary.stderr]).toEqual([1, expect.stringMatching(FULL)]);
  await makeReadOnly();
  const unwritten = await tree.layers(words, { TMPDIR: disk });
  expect([unwritten.code, unwritten.stderr]).toEqual([1, expect.stringMatching(READ_ONLY)]);
  for (const { stderr } of [kept, temporary, unwritten]) expect(stderr).not.toMatch(/report it|^ +at /m);
});

test.each([
  ['its state folder', () => ['--state', state()], {}],
  ['TMPDIR', () => [], () => ({ TMPDIR: disk })],
] as const)(
  'a watch says that %s is full, stays, and tries again at the next change to anything',
  async (where, args, env) => {
    const word = where.replace(/\W/g, '');
    const own = typeof env === 'function' ? env() : env;
    const watch = tree.start(['watch', '--output', 'json', ...args()], { CI: undefined, ...own });
    await watch.seen(/"watch-ready"/);
    if (args().length > 0) await watch.seen(/"run-finished"/);
    await fill();
    await tree.write('layers/base.yaml', layer(word));
    await watch.seen(/(ENOSPC|no space left)[^\n]*a file system is full/);
    await rm(path.join(disk, 'fill'));
    await sleep(500);
    await tree.write('layers.yaml', `jobs: ${word.length}\n`);
    await watch.seen(/a file system is full[\s\S]*"outcome":"built"/);
    watch.child.kill('SIGINT');
    expect((await watch.ended).code).toBe(130);
  },
);

test('a watch that could keep nothing does not begin', async () => {
  await makeReadOnly();
  const ended = await tree.layers(['watch', '--state', state()], { CI: undefined });
  expect([ended.code, ended.stdout, ended.stderr]).toEqual([2, '', expect.stringContaining('cannot be written to')]);
});
