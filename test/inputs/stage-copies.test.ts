import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createDigester } from '../../tool/src/inputs/digest-file.ts';
import { stageCopies } from '../../tool/src/inputs/stage-copies.ts';
import { layer } from '../helpers/layers.ts';
import { createInputTree, type InputTree } from './input-tree.ts';

function createRepository(): InputTree {
  const tree = createInputTree({ 'f/plain': 'a', 'f/tool': 'b', 'f/sub/deep': 'c' });
  chmodSync(path.join(tree.root, 'f/tool'), 0o755);
  symlinkSync('plain', path.join(tree.root, 'f/link'));
  symlinkSync('f', path.join(tree.root, 'linked'));
  tree.git('init', '-q');
  tree.git('add', 'f', 'linked');
  for (const file of ['plain', 'tool', 'sub/deep']) chmodSync(path.join(tree.root, 'f', file), 0o600);
  chmodSync(path.join(tree.root, 'f/sub'), 0o700);
  return tree;
}

async function stageOne(tree: InputTree, src: string, opts: string[] = []): Promise<string | undefined> {
  const digester = createDigester({ root: tree.root, stateDir: path.join(tree.root, '.layers') });
  const copying = layer('x', {}, { copyfiles: [{ src, dest: '/x', opts }] });
  return (await stageCopies(copying, { root: tree.root, digester }, path.join(tree.root, '.staged'))).get(src);
}

const modeOf = (file: string) => (lstatSync(file).mode & 0o7777).toString(8);

test.each(['f', 'linked'])('a folder is staged with the modes of git (%s)', async (src) => {
  using tree = createRepository();
  const staged = (await stageOne(tree, src)) ?? '';
  expect(readdirSync(staged)).toEqual(['link', 'plain', 'sub', 'tool']);
  expect(['plain', 'tool', 'sub', 'sub/deep'].map((name) => modeOf(path.join(staged, name)))).toEqual([
    '644',
    '755',
    '755',
    '644',
  ]);
  expect(readlinkSync(path.join(staged, 'link'))).toBe('plain');
  expect(readFileSync(path.join(staged, 'sub/deep'), 'utf8')).toBe('c');
});

test('a file is staged under its own name, also by a link', async () => {
  using tree = createRepository();
  expect(modeOf((await stageOne(tree, 'f/tool')) ?? '')).toBe('755');
  using other = createRepository();
  const staged = (await stageOne(other, 'f/link')) ?? '';
  expect([path.basename(staged), modeOf(staged), readFileSync(staged, 'utf8')]).toEqual(['link', '644', 'a']);
});

test('what a pattern matches is staged for a pattern', async () => {
  using tree = createRepository();
  const staged = (await stageOne(tree, 'f/[pt]*')) ?? '';
  expect(staged).toBe(`${tree.root}/.staged/0/*/*`);
  expect(modeOf(`${tree.root}/.staged/0/000000/plain`)).toBe('644');
  expect(modeOf(`${tree.root}/.staged/0/000001/tool`)).toBe('755');
});

test('nothing is staged where the disk is right, or the layer file decides', async () => {
  using tree = createRepository();
  expect(await stageOne(tree, 'f', ['--chmod', '0640'])).toBeUndefined();
  expect(await stageOne(tree, 'plain', ['--contextdir', 'f'])).toBeUndefined();
  expect(await stageOne(tree, '/etc/hostname')).toBeUndefined();
  for (const [file, mode] of [
    ['plain', 0o644],
    ['tool', 0o755],
    ['sub', 0o755],
    ['sub/deep', 0o644],
  ] as const)
    chmodSync(path.join(tree.root, 'f', file), mode);
  expect(await stageOne(tree, 'f')).toBeUndefined();
});

test('names that are no UTF-8, and folders that may not be written', async () => {
  using tree = createRepository();
  const bytes = (...last: number[]) => Buffer.concat([Buffer.from(`${tree.root}/f/ä`), Buffer.from(last)]);
  writeFileSync(bytes(0xff), 'x');
  mkdirSync(path.join(tree.root, 'f/closed'));
  tree.write('f/closed/x', 'y');
  chmodSync(path.join(tree.root, 'f/closed'), 0o555);
  const staged = (await stageOne(tree, 'f')) ?? '';
  expect(readdirSync(staged, 'buffer').some((name) => name.at(-1) === 0xff)).toBe(true);
  expect(modeOf(path.join(staged, 'closed'))).toBe('555');
  expect(readFileSync(path.join(staged, 'closed/x'), 'utf8')).toBe('y');
});

test('nothing of an earlier attempt is copied', async () => {
  using tree = createRepository();
  const left = path.join((await stageOne(tree, 'f')) ?? '', 'left-over');
  writeFileSync(left, '');
  const again = (await stageOne(tree, 'f')) ?? '';
  expect(readdirSync(again)).toEqual(['link', 'plain', 'sub', 'tool']);
  writeFileSync(left, '');
  await stageOne(tree, 'f/[pt]*');
  expect(readdirSync(`${tree.root}/.staged/0`)).toEqual(['000000', '000001']);
  expect(readdirSync(`${tree.root}/.staged/0/000000`)).toEqual(['plain']);
});

test('a source that another entry looks for in a context folder is left where it is', async () => {
  using tree = createRepository();
  const digester = createDigester({ root: tree.root, stateDir: path.join(tree.root, '.layers') });
  tree.write('f/f/x');
  const copyfiles = [
    { src: 'f', dest: '/x', opts: [] },
    { src: 'f', dest: '/y', opts: ['--contextdir=f'] },
  ];
  const staged = await stageCopies(
    layer('x', {}, { copyfiles }),
    { root: tree.root, digester },
    `${tree.root}/.staged`,
  );
  expect(staged.size).toBe(0);
});

test('what does not count is not copied either: .git, what editors leave, what .layersignore names', async () => {
  using tree = createInputTree({
    '.layersignore': '*.draft\n/f/notes/\n!keep.draft\n',
    'f/plain': 'a',
    'f/plain~': '',
    'f/.git/HEAD': '',
    'f/sub/.deep.swp': '',
    'f/sub/x.draft': '',
    'f/keep.draft': '',
    'f/notes/n': '',
  });
  const counted = ['f/keep.draft', 'f/plain', 'f/sub/'];
  expect(Object.keys((await tree.copying('f')).files)).toEqual(counted);
  for (const opts of [[], ['--chmod', '0600']]) {
    const staged = (await stageOne(tree, 'f', opts)) ?? '';
    expect(readdirSync(staged, { recursive: true }).toSorted()).toEqual(['keep.draft', 'plain', 'sub']);
  }
  // With a context folder, buildah decides by its own ignore file.
  expect(await stageOne(tree, 'f', ['--contextdir', '.'])).toBeUndefined();
  expect(Object.keys((await tree.copying('f', ['--contextdir', '.'])).files)).toContain('f/plain~');
});
