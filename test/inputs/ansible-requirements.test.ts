import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { requirementFiles } from '../../tool/src/inputs/ansible-requirements.ts';
import { layer } from '../helpers/layers.ts';
import { createInputTree } from './input-tree.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'layers-requirements-'));
  await mkdir(path.join(root, 'archives/source'), { recursive: true });
  for (const name of ['a-b-1.0.0.tar.gz', 'c-d-1.0.0.tar.gz', 'e-f-1.0.0.tar.gz'])
    await writeFile(path.join(root, 'archives', name), '');
});
afterEach(() => rm(root, { recursive: true }));

const found = async (text: string) => {
  await writeFile(path.join(root, 'requirements.yml'), text);
  const made = layer('l', { layer_type: 'ansible', playbooks: 'p.yaml', ansible_requirements: 'requirements.yml' });
  const { files, folders } = requirementFiles(made, root);
  return [files, folders].map((paths) => paths.map((one) => path.relative(root, one)));
};

test('the file and the archives that it names, however it is written', async () => {
  const text = `collections:
  - name: archives/a-b-1.0.0.tar.gz
    type: file
  - {source: "./archives/c-d-1.0.0.tar.gz", type: file}
  - community.general
  - name: https://example.org/archives/e-f-1.0.0.tar.gz
  # - archives/e-f-1.0.0.tar.gz
`;
  expect(await found(text)).toEqual([
    ['requirements.yml', 'archives/a-b-1.0.0.tar.gz', 'archives/c-d-1.0.0.tar.gz'],
    [],
  ]);
});

test('folders are told apart: what is in them would not count', async () => {
  expect((await found('collections: [{name: ./archives/source, type: dir}]\n'))[1]).toEqual(['archives/source']);
});

test('a file that is not there is named all the same; other layers have none', () => {
  const made = layer('l', { layer_type: 'ansible', playbooks: 'p.yaml', ansible_requirements: 'none.yml' });
  expect(requirementFiles(made, root).files).toEqual([path.join(root, 'none.yml')]);
  expect(requirementFiles(layer('l'), root).files).toEqual([]);
});

test('the file and its archives count for the build, and a missing one is told before any work', async () => {
  using tree = createInputTree({
    'p.yaml': '',
    'c/a.tar.gz': '1',
    'r.yml': 'collections: [{name: c/a.tar.gz, type: file}]\n',
  });
  const options = { playbooks: 'p.yaml', ansible_requirements: 'r.yml' };
  const before = await tree.fixed(options);
  expect(Object.keys(before.files)).toEqual(['c/a.tar.gz', 'r.yml']);
  tree.write('c/a.tar.gz', '2');
  const after = await tree.fixed(options);
  expect(after.files['c/a.tar.gz']).not.toBe(before.files['c/a.tar.gz']);
  expect(after.files['r.yml']).toBe(before.files['r.yml']);
  await expect(tree.fixed({ ...options, ansible_requirements: 'none.yml' })).rejects.toMatchObject({
    diagnostics: [{ code: 'missing-input', message: expect.stringContaining('none.yml') }],
  });
});
