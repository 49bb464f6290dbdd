import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { resolveSource } from '../../tool/src/inputs/copyfiles.ts';
import { printable } from '../../tool/src/inputs/names.ts';
import { expandPattern } from '../../tool/src/inputs/source-glob.ts';
import { createInputTree } from './input-tree.ts';

const names = async (copied: Promise<{ files: object }>) => Object.keys((await copied).files);
const diagnosticsOf = (copied: Promise<unknown>) =>
  copied.then(
    () => [],
    (error) => error.diagnostics,
  );

test('a source lies below the root, else beside the layer file; an absolute one stays', async () => {
  using tree = createInputTree({ 'both/x': '1', 'layers/debian/both/x': '2', 'layers/debian/mine/y': '3' });
  const resolve = (source: string) => resolveSource(tree.root, 'layers/debian/x.yaml', source);
  expect(resolve('both')).toBe(`${tree.root}/both`);
  expect(resolve('mine')).toBe(`${tree.root}/layers/debian/mine`);
  expect(resolve('mine/*')).toBe(`${tree.root}/layers/debian/mine/*`);
  expect(resolve('/etc/hosts')).toBe('/etc/hosts');
  expect(resolve('absent')).toBe(`${tree.root}/absent`);
  expect(await names(tree.copying('mine'))).toEqual(['layers/debian/mine/y']);
  expect(await names(tree.copying('/etc/hostname'))).toEqual(['/etc/hostname']);
});

test('a source that is a link is followed, as buildah follows it', async () => {
  using tree = createInputTree({ 'real/x': '1' });
  symlinkSync('real', path.join(tree.root, 'link'));
  const before = await tree.copying('link');
  expect(Object.keys(before.files)).toEqual(['link/x']);
  tree.write('real/x', '2');
  expect((await tree.copying('link')).files).not.toEqual(before.files);
});

test('patterns take what Go takes', async () => {
  using tree = createInputTree({ 'f/a1': '', 'f/a2': '', 'f/.hidden': '', 'f/[x]': '', 'f/sub/deep': '', 'f/b-': '' });
  const matching = (pattern: string) =>
    expandPattern(`${tree.root}/f/${pattern}`).map((file) => path.relative(tree.root, file));
  expect(matching('*')).toEqual(['f/.hidden', 'f/[x]', 'f/a1', 'f/a2', 'f/b-', 'f/sub']);
  expect(matching('a?')).toEqual(['f/a1', 'f/a2']);
  expect(matching('a[^1]')).toEqual(['f/a2']);
  expect(matching('[a-b][1-]')).toEqual(['f/a1', 'f/b-']);
  expect(matching('\\[x*')).toEqual(['f/[x]']);
  expect(matching('*/d*')).toEqual(['f/sub/deep']);
  expect(await names(tree.copying('f/a*'))).toEqual(['f/a1', 'f/a2']);
  expect(await names(tree.copying('f/s*'))).toEqual(['f/sub/deep']);
  // A name that looks like a pattern is itself.
  expect(await names(tree.copying('f/[x]'))).toEqual(['f/[x]']);
});

test('names that are no UTF-8 are read as bytes and stay apart', async () => {
  using tree = createInputTree();
  mkdirSync(path.join(tree.root, 'f'));
  for (const last of [0xfe, 0xff])
    writeFileSync(Buffer.concat([Buffer.from(`${tree.root}/f/n`), Buffer.from([last])]), `${last}`);
  mkdirSync(Buffer.concat([Buffer.from(`${tree.root}/f/d`), Buffer.from([0xff])]));
  writeFileSync(Buffer.concat([Buffer.from(`${tree.root}/f/d`), Buffer.from([0xff]), Buffer.from('/x')]), '');
  tree.write('f/n\\xff', 'a real backslash');
  tree.write('f/ä', '');
  expect(await names(tree.copying('f'))).toEqual([
    'f/d\\xff/',
    'f/d\\xff/x',
    'f/n\\\\xff',
    'f/n\\xfe',
    'f/n\\xff',
    'f/ä',
  ]);
  expect(printable(Buffer.from('plain'))).toBe('plain');
});

test('what no image can be made from is an error that names it, all of a layer at once', async () => {
  using tree = createInputTree({ 'f/x': '' });
  execFileSync('mkfifo', [path.join(tree.root, 'f/pipe')]);
  const fifo = await diagnosticsOf(tree.copying('f'));
  expect(fifo).toMatchObject([
    { code: 'special-input', file: 'layers/debian/x.yaml', message: expect.stringContaining('f/pipe is a FIFO') },
  ]);
  const absent = await diagnosticsOf(tree.copying('absent'));
  expect(absent).toMatchObject([{ code: 'missing-input', message: 'absent is not there' }]);
  expect(await diagnosticsOf(tree.copying('f/z*'))).toMatchObject([
    { code: 'missing-input', message: 'nothing matches f/z*' },
  ]);
  expect(await diagnosticsOf(tree.copying('/dev/null'))).toMatchObject([{ code: 'special-input' }]);
});

test('an empty folder counts, and so does its mode', async () => {
  using tree = createInputTree({ 'f/x': '' });
  const before = await tree.copying('f');
  mkdirSync(path.join(tree.root, 'f/empty'));
  const after = await tree.copying('f');
  expect(Object.keys(after.files)).toEqual(['f/empty/', 'f/x']);
  expect(after.files['f/x']).toBe(before.files['f/x']);
  execFileSync('chmod', ['0700', path.join(tree.root, 'f/empty')]);
  expect((await tree.copying('f')).files).not.toEqual(after.files);
});

test('options that change what is copied', async () => {
  using tree = createInputTree({ 'ctx/x': '', ignore: 'y' });
  expect(await names(tree.copying('x', ['--contextdir', 'ctx']))).toEqual(['ctx/x']);
  expect(await names(tree.copying('ctx', ['--ignorefile=ignore']))).toEqual(['ctx/x', 'ignore']);
  expect(await names(tree.copying('/etc/os-release', ['--from', 'image:tag']))).toEqual([]);
});
