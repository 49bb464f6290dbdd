import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createDigester } from '../../tool/src/inputs/digest-file.ts';
import { type FileState, isSettled } from '../../tool/src/inputs/file-state.ts';
import { createInputTree, settle, touch } from './input-tree.ts';

const files = { 'files/a': 'one', 'files/b/c': 'two' };

test('content, mode and kind count, times do not', async () => {
  using tree = createInputTree(files);
  const before = await tree.copying('files');
  for (const file of Object.keys(files)) touch(path.join(tree.root, file), 1_000_000);
  expect((await tree.copying('files')).files).toEqual(before.files);
  tree.write('files/a', 'ONE');
  expect((await tree.copying('files')).files).not.toEqual(before.files);
  tree.write('files/a', 'one');
  expect((await tree.copying('files')).files).toEqual(before.files);
  execFileSync('chmod', ['0600', path.join(tree.root, 'files/a')]);
  expect((await tree.copying('files')).files['files/a']).not.toBe(before.files['files/a']);
});

test('the stamp shows a change that was taken back', async () => {
  using tree = createInputTree(files);
  const before = await tree.copying('files');
  await settle();
  expect((await tree.copying('files')).stamp).toBe(before.stamp);
  tree.write('files/a', 'ONE');
  tree.write('files/a', 'one');
  const after = await tree.copying('files');
  expect(after.files).toEqual(before.files);
  expect(after.stamp).not.toBe(before.stamp);
});

test('a remembered digest is used while nothing says that the file changed', async () => {
  using tree = createInputTree(files);
  await settle();
  await tree.copying('files');
  const cache = path.join(tree.root, '.layers/cache/digests.json');
  const saved = readFileSync(cache, 'utf8');
  expect(Object.keys(JSON.parse(saved).files)).toEqual(['files/a', 'files/b/c']);
  writeFileSync(cache, saved.replace(/sha256:\w+/, 'sha256:remembered'));
  expect((await tree.copying('files')).files['files/a']).toBe('sha256:remembered');
});

test('what was written in this tick of the clock is not remembered, as it may be written once more', async () => {
  using tree = createInputTree(files);
  const file = path.join(tree.root, 'files/a');
  const digester = createDigester({ root: tree.root, stateDir: path.join(tree.root, '.layers') });
  for (let round = 0; round < 50; round += 1) {
    // Same size, same inode, and mostly the same tick: no state tells the two contents apart.
    writeFileSync(file, 'one');
    const { digest } = digester.look(file);
    writeFileSync(file, 'two');
    await new Promise(setImmediate);
    expect(digester.look(file).digest).not.toBe(digest);
    await new Promise(setImmediate);
  }
});

test('file systems with whole seconds and clocks that run behind', () => {
  const at = (mtime: number, ctime: number): FileState => [1, 1, 1, mtime, ctime, 0o100644];
  expect(isSettled(at(900, 900), 1000)).toBe(true);
  expect(isSettled(at(990, 990), 1000)).toBe(false);
  expect(isSettled(at(900, 990), 1000)).toBe(false);
  expect(isSettled(at(3000, 3000), 5000)).toBe(false);
  expect(isSettled(at(3000, 3000), 5200)).toBe(true);
  // A time somebody set to the future says nothing; the last change does.
  expect(isSettled(at(1e9, 900.5), 1000)).toBe(true);
});

test('a file with the same size and times in another inode is read', async () => {
  using tree = createInputTree(files);
  const file = path.join(tree.root, 'files/a');
  touch(file, 1_000_000);
  await settle();
  const before = await tree.copying('files');
  writeFileSync(`${file}.new`, 'ONE');
  touch(`${file}.new`, 1_000_000);
  renameSync(`${file}.new`, file);
  expect((await tree.copying('files')).files['files/a']).not.toBe(before.files['files/a']);
});

test.each(['', '{', '[]', '{"version":1,"indexes":{},"files":[],"older":{}}', '{"version":9}'])(
  'a damaged cache (%s) is ignored',
  async (text) => {
    using tree = createInputTree(files);
    await settle();
    const before = await tree.copying('files');
    tree.write('.layers/cache/digests.json', text);
    tree.write('.layers/cache/scans.json', text);
    expect((await tree.copying('files')).files).toEqual(before.files);
    expect(JSON.parse(readFileSync(path.join(tree.root, '.layers/cache/digests.json'), 'utf8')).version).toBe(1);
  },
);

test('a state folder that cannot be made costs nothing but time', async () => {
  using tree = createInputTree({ ...files, '.layers': 'a file' });
  await settle();
  expect(Object.keys((await tree.copying('files')).files)).toHaveLength(3);
});

test('a large file is read in pieces to the same digest as a small one would have', () => {
  using tree = createInputTree();
  const file = tree.write('big', 'x'.repeat(9 * 1024 * 1024 + 7));
  const digester = createDigester({ root: tree.root, stateDir: path.join(tree.root, '.layers') });
  const header = `printf 'file 644\\n'; cat ${file}`;
  const expected = execFileSync('sh', ['-c', `{ ${header}; } | sha256sum`], { encoding: 'utf8' }).slice(0, 64);
  execFileSync('chmod', ['0644', file]);
  expect(digester.look(file).digest).toBe(`sha256:${expected}`);
});

test('links are their text, and circles of links end', async () => {
  using tree = createInputTree(files);
  symlinkSync('..', path.join(tree.root, 'files/up'));
  symlinkSync('loop', path.join(tree.root, 'files/loop'));
  symlinkSync('nowhere', path.join(tree.root, 'files/gone'));
  const before = await tree.copying('files');
  expect(Object.keys(before.files)).toEqual([
    'files/a',
    'files/b/',
    'files/b/c',
    'files/gone',
    'files/loop',
    'files/up',
  ]);
  rmSync(path.join(tree.root, 'files/gone'));
  symlinkSync('elsewhere', path.join(tree.root, 'files/gone'));
  expect((await tree.copying('files')).files['files/gone']).not.toBe(before.files['files/gone']);
});
