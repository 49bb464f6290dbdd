import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addSmallImage, createTree, outcomes, type TestTree } from '../helpers/tree.ts';

// `lent` has a mount whose source is not there, `above` stands on it, and `other` has nothing to do with them.

const layer = (name: string, more: string) =>
  `options:\n  {layer_type: base, name: ${name}, pkg_manager: apt, publish_registry: 'oci:images', ${more}}\ncmds: [echo ${name} > /etc/${name}]\n`;

let tree: TestTree;
beforeAll(async () => {
  tree = await createTree({
    'layers/lent.yaml': layer('lent', "parent: 'oci:small:1', mounts: ['gone:/opt/gone']"),
    'layers/above.yaml': layer('above', 'parent: lent'),
    'layers/other.yaml': layer('other', "parent: 'oci:small:1'"),
  });
  await addSmallImage(tree);
});
afterAll(() => tree?.[Symbol.asyncDispose]());

const TOLD = /layers\/lent\.yaml:2:\d+: error\[missing-mount\] The source of the mount `gone:\/opt\/gone` is not there/;

test.each([
  ['plan', ['plan'], 1],
  ['a dry run', ['build', '-k', '--dry-run'], 1],
  ['a build without -k, before any work', ['build'], 2],
  ['a build of nothing else', ['build', '-k', 'above'], 2],
])('%s tells it with its place', async (_, args, code) => {
  const ended = await tree.layers(args);
  expect([ended.code, ended.stderr]).toEqual([code, expect.stringMatching(TOLD)]);
  expect(existsSync(path.join(tree.root, '.layers/runs'))).toBe(false);
});

test('whoever builds what does not need it hears nothing', async () => {
  const ended = await tree.layers(['plan', 'other']);
  expect([ended.code, ended.stderr]).toEqual([0, '']);
});

test('with -k the others are built, and the layer has failed', async () => {
  const ended = await tree.layers(['build', '-k', '--output', 'json']);
  expect([ended.code, outcomes(ended)]).toEqual([1, { lent: 'failed', above: 'skipped', other: 'built' }]);
  expect(ended.stdout).toMatch(/"message":"layers\/lent\.yaml:2:\d+: The source of the mount/);
});

test('a watch builds the others, does not try again what would fail again, and sees the source come', async () => {
  await rm(path.join(tree.root, '.layers'), { recursive: true });
  const watch = tree.start(['watch', '--output', 'json'], { CI: undefined });
  await watch.seen(/"id":"lent"[^\n]*"outcome":"failed"[\s\S]*"run-finished"/);
  await tree.write('layers/other.yaml', layer('other', "parent: 'oci:small:1'").replace('echo', 'echo more'));
  await watch.seen(/"run-finished"[\s\S]*"outcome":"built"[\s\S]*"run-finished"/);
  await mkdir(path.join(tree.root, 'gone'));
  await watch.seen(/"id":"above"[^\n]*"outcome":"built"/);
  watch.child.kill('SIGINT');
  const { events, code } = await watch.ended;
  const lent = events.filter(({ type, id }) => type === 'layer-finished' && id === 'lent');
  expect([code, lent.map(({ summary }) => (summary as { outcome: string }).outcome)]).toEqual([
    130,
    ['failed', 'built'],
  ]);
});
