import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LayerId } from '../../tool/src/config/layer.ts';
import { InputIndex } from '../../tool/src/watch/input-index.ts';

let root: string;
let index: InputIndex;
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'layers-index-'));
  for (const folder of ['layers/deep', 'roles/r/tasks', 'inventory', 'files/tree/below', 'files/tree/.git', 'other']) {
    mkdirSync(path.join(root, folder), { recursive: true });
  }
  writeFileSync(`${root}/roles/r/tasks/main.yml`, '');
  index = new InputIndex({
    root,
    common: [`${root}/layers.yaml`],
    layersFolder: `${root}/layers`,
    isNoise: (file) => file.endsWith('.git'),
  });
  const under = (...names: string[]) => new Set(names.map((name) => path.join(root, name)));
  index.add('a' as LayerId, {
    files: under('roles/r/tasks/main.yml', 'group_vars/all/x.yml'),
    listings: under('inventory'),
    trees: under(),
  });
  index.add('b' as LayerId, {
    files: under('roles/r/tasks/main.yml'),
    listings: under(),
    trees: under('files/tree'),
  });
});
afterAll(() => rmSync(root, { recursive: true }));

test.each([
  ['roles/r/tasks/main.yml', false, ['a', 'b']],
  ['roles/r/tasks/other.yml', true, undefined],
  ['inventory/new.yml', true, ['a']],
  // What is in a listed file counts only for who reads it.
  ['inventory/new.yml', false, undefined],
  ['files/tree/below/new', true, ['b']],
  ['files/tree/below/new', false, ['b']],
  ['layers.yaml', false, []],
  ['layers/deep/x.yaml', false, []],
  ['layers/deep/x.txt', false, undefined],
  // A folder with inputs below it, that came or went.
  ['group_vars', true, []],
  ['roles', true, []],
  ['other/x', true, undefined],
])('%s (names: %s) matters to %j', (file, names, readers) => {
  expect(index.readersOf({ path: path.join(root, file), names })).toEqual(readers);
});

test('watched: folders of what is read, the nearest one of what is not there, and the ways to them', () => {
  const found = [...index.folders()].map((folder) => path.relative(root, folder)).sort();
  expect(found).toEqual([
    '',
    'files',
    'files/tree',
    'files/tree/below',
    'inventory',
    'layers',
    'layers/deep',
    'roles',
    'roles/r',
    'roles/r/tasks',
  ]);
});
