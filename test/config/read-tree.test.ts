import { expect, test } from 'vitest';
import { readTree } from '../../tool/src/config/read-tree.ts';
import { BASE } from './reading.ts';

const file = (path: string, text = BASE) => ({ path, text });

test('ids are paths below the layers folder without extension', () => {
  const { tree } = readTree({ root: '/t', files: [file('layers/a/b.yaml'), file('layers/c.yml')] });
  expect(tree.layers.map(({ id, file: path }) => [id, path])).toEqual([
    ['a/b', 'layers/a/b.yaml'],
    ['c', 'layers/c.yml'],
  ]);
});

test('the folder of layers.yaml counts', () => {
  const { tree } = readTree({
    root: '/t',
    settingsText: 'folders: {layers: images}\n',
    files: [file('images/a.yaml')],
  });
  expect(tree.layers[0]?.id).toBe('a');
});

test('a.yml beside a.yaml is an error that names both', () => {
  const { diagnostics } = readTree({ root: '/t', files: [file('layers/a.yaml'), file('layers/a.yml')] });
  expect(diagnostics).toMatchObject([
    { code: 'duplicate-id', file: 'layers/a.yml', related: [{ file: 'layers/a.yaml' }] },
  ]);
});

test('problems of all files, and the valid layers', () => {
  const files = [file('layers/a.yaml', 'x'), file('layers/b.yaml'), file('layers/c.yaml', '')];
  const { tree, diagnostics } = readTree({ root: '/t', settingsText: 'job: 1\n', files });
  expect(tree.layers.map(({ id }) => id)).toEqual(['b']);
  expect(diagnostics.map((one) => `${one.file} ${one.code}`)).toEqual([
    'layers.yaml unknown-key',
    'layers/a.yaml not-a-map',
    'layers/c.yaml empty-file',
  ]);
});
