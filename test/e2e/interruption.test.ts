import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { leftBehind } from '../helpers/left-behind.ts';
import { addSmallImage, createTree, outcomes, type TestTree } from '../helpers/tree.ts';

const layerFile = (name: string, cmd: string) => `
options: {layer_type: base, name: ${name}, parent: 'oci:small:1', pkg_manager: apt, publish_registry: 'oci:images'}
cmds:
  - ${cmd}
`;

let tree: TestTree;
beforeAll(async () => {
  tree = await createTree();
  await addSmallImage(tree);
});
afterAll(() => tree[Symbol.asyncDispose]());

/** One layer that is done at once, and one that hangs in a command which ignores the polite signal. */
beforeEach(async () => {
  await tree.write('layers/quick.yaml', layerFile('quick', `echo ${Math.random()} > /etc/quick`));
  await tree.write('layers/slow.yaml', layerFile('slow', '"trap : TERM INT; echo here; while true; do sleep 1; done"'));
});

const slowIsIn = /"step":"cmds"[\s\S]*"id":"slow"|"id":"slow"[^\n]*"step":"cmds"/;

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends what runs, cleans up and exits with %i', async (signal, code) => {
  const run = tree.start(['build', '--output', 'json']);
  await run.seen(slowIsIn);
  run.child.kill(signal);
  const ended = await run.ended;
  expect(ended.code).toBe(code);
  expect(outcomes(ended)).toMatchObject({ slow: 'cancelled' });
  expect(ended.events.at(-1)).toMatchObject({ type: 'run-finished', summary: { interrupted: signal } });
  expect(await leftBehind(tree)).toEqual([]);
});

test('after kill -9 the next run sweeps, starts from the parent, and completes', async () => {
  const run = tree.start(['build', '--output', 'json']);
  await run.seen(slowIsIn);
  run.child.kill('SIGKILL');
  await run.ended;
  expect(await leftBehind(tree)).not.toEqual([]);
  await tree.write('layers/slow.yaml', layerFile('slow', 'test ! -e /etc/dirt && echo clean > /etc/clean'));
  const next = await tree.layers(['build', '--output', 'json']);
  expect([next.code, outcomes(next).slow]).toEqual([0, 'built']);
  expect(next.stdout).toContain('was killed; what it left was swept');
  expect(await leftBehind(tree)).toEqual([]);
});

test('a second run waits for a layer that another one builds, or says who has it', async () => {
  await tree.write('layers/slow.yaml', layerFile('slow', 'sleep 6'));
  const first = tree.start(['build', 'slow', '--output', 'json']);
  await first.seen(slowIsIn);
  const refused = await tree.layers(['build', 'slow', '--lock', 'fail']);
  expect(refused.code).toBe(1);
  expect(refused.stdout).toMatch(/slow is being built by process \d+ on/);
  const second = tree.start(['build', 'slow', '--output', 'json']);
  await second.seen(/waiting for process/);
  expect(outcomes(await first.ended)).toMatchObject({ slow: 'built' });
  expect(outcomes(await second.ended)).toMatchObject({ slow: 'reused' });
});
