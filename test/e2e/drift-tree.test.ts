import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LayerId } from '../../tool/src/config/layer.ts';
import { openRecords } from '../../tool/src/records/record-store.ts';
import { createRpmRepository } from '../helpers/rpm-repository.ts';
import { createTree, type Ended, outcomes, type TestTree } from '../helpers/tree.ts';

let tree: TestTree;
let rpms: string;
let moves = 0;

beforeAll(async () => {
  tree = await createTree();
  const folder = path.join(tree.storage.folder, 'rpms');
  mkdirSync(folder);
  const repository = await createRpmRepository(folder, tree.storage.exec);
  rpms = repository.folder;
  cpSync(repository.key, path.join(tree.root, 'key.asc'));
  await tree.write(
    'layers/base.yaml',
    `options: {layer_type: base, name: base, pkg_manager: dnf, parent: scratch, releasever: '9', publish_local: true}
repos: [{alias: own, url: 'file://${rpms}', gpg: key.asc}]
packages: [lay-a]
`,
  );
  await tree.write(
    'layers/child.yaml',
    `options: {layer_type: base, name: child, pkg_manager: dnf, parent: 'localhost/base:latest', publish_local: true}
copyfiles: [{src: key.asc, dest: /srv/key}]
`,
  );
});
afterAll(() => tree[Symbol.asyncDispose]());

/** Other bytes of repomd.xml with the same packages, as a mirror that was signed again. */
function moveRepository(): void {
  moves += 1;
  const file = path.join(rpms, 'repodata/repomd.xml');
  writeFileSync(file, `${readFileSync(file, 'utf8')}<!-- ${moves} -->\n`);
}

const lockFile = () => path.join(tree.root, 'layers.lock');
const build = (...args: string[]) => tree.layers(['build', '--output', 'json', ...args]);
const planned = async (...args: string[]) => {
  const { stdout } = await tree.layers(['plan', '--json', ...args]);
  const { layers } = JSON.parse(stdout) as { layers: { id: string; action: string; reasons: { code: string }[] }[] };
  return Object.fromEntries(
    layers.map(({ id, action, reasons }) => [id, [action, ...reasons.map(({ code }) => code)]]),
  );
};
const recordOf = (id: string) => {
  const stored = openRecords(path.join(tree.root, '.layers')).read(id as LayerId);
  if (stored.kind !== 'record') throw new Error(`no record of ${id}`);
  return stored.record;
};
const failure = (ended: Ended) => JSON.stringify(ended.events.filter(({ type }) => type === 'layer-finished'));

test('without a lock a repository that moved builds nothing, until somebody looks outside', async () => {
  expect(outcomes(await build())).toEqual({ base: 'built', child: 'built' });
  const [url] = Object.keys(recordOf('base').repositories);
  expect(url).toBe(`file://${rpms}/repodata/repomd.xml`);
  moveRepository();
  expect(await planned()).toEqual({ base: ['nothing'], child: ['nothing'] });
  expect(await planned('--refresh')).toMatchObject({ base: ['build', 'repository-moved'] });
  expect((await tree.layers(['outdated', '--exit-code'])).code).toBe(3);
  const ended = await build('--refresh');
  // The packages are the same: the child stays as it is.
  expect(outcomes(ended)).toEqual({ base: 'built', child: 'unchanged' });
  expect((await tree.layers(['outdated', '--exit-code'])).code).toBe(0);
  expect(existsSync(lockFile())).toBe(false);
});

test('with a lock: what moved past it is never recorded under it', async () => {
  expect((await tree.layers(['build', '--locked'])).code).toBe(2);
  expect((await tree.layers(['lock'])).code).toBe(0);
  expect(outcomes(await build('--locked')).child).not.toBe('failed');
  const locked = readFileSync(lockFile(), 'utf8');
  const before = recordOf('base');
  expect(before.recipe.lock).toEqual(before.repositories);
  expect(await planned('--locked')).toEqual({ base: ['nothing'], child: ['nothing'] });

  moveRepository();
  const refused = await build('--locked', '--force', 'base');
  expect(refused.code).toBe(1);
  expect(failure(refused)).toContain('repodata/repomd.xml moved: sha256:');
  expect(readFileSync(lockFile(), 'utf8')).toBe(locked);
  expect(recordOf('base')).toEqual(before);

  const taken = await build('--force', 'base');
  expect(outcomes(taken)).toMatchObject({ base: 'built' });
  expect(JSON.stringify(taken.events)).toContain('layers.lock');
  const after = recordOf('base');
  expect(after.recipe.lock).toEqual(after.repositories);
  expect(after.repositories).not.toEqual(before.repositories);
  expect(readFileSync(lockFile(), 'utf8')).toContain(Object.values(after.repositories)[0]);
  expect((await tree.layers(['lock', '--check'])).code).toBe(0);
  expect(await planned('--locked')).toEqual({ base: ['nothing'], child: ['nothing'] });
});

test('a fresh machine with the lock finds the same keys; an edited lock is a reason to build', async () => {
  const { recipeKey } = recordOf('base');
  const { stdout } = await tree.layers(['plan', '--json', '--state', path.join(tree.storage.folder, 'elsewhere')]);
  const { layers } = JSON.parse(stdout) as { layers: { id: string; recipeKey: string }[] };
  expect(layers.find(({ id }) => id === 'base')?.recipeKey).toBe(recipeKey);
  const text = readFileSync(lockFile(), 'utf8');
  writeFileSync(lockFile(), text.replaceAll(/(repomd\.xml": "sha256:)[0-9a-f]{4}/g, '$10000'));
  expect((await planned()).base?.[0]).toBe('build');
  writeFileSync(lockFile(), text.replace('    repositories:', '    repository:'));
  const refused = await tree.layers(['build']);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/layers\.lock:\d+:\d+/);
  rmSync(lockFile());
});

test('rebuild_after makes age a reason', async () => {
  const file = path.join(tree.root, 'layers/base.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('publish_local', 'rebuild_after: 14d, publish_local'));
  await build();
  // Without the memory of builds, which knows that it was built a minute ago.
  const alone = ['--cache', 'off'];
  const record = recordOf('base');
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
  const records = openRecords(path.join(tree.root, '.layers'));
  await records.write({ ...record, lastBuiltAt: daysAgo(13) });
  expect((await planned(...alone)).base).toEqual(['nothing']);
  await records.write({ ...record, lastBuiltAt: daysAgo(15) });
  expect((await planned(...alone)).base).toEqual(['build', 'age']);
  expect(outcomes(await build(...alone))).toMatchObject({ base: 'built' });
  expect((await planned(...alone)).base).toEqual(['nothing']);
});
