import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
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

/** All that a run could leave: containers, mounts, temporary folders, processes, run locks. */
async function left(): Promise<string[]> {
  const { exec, folder } = tree.storage;
  const { stdout } = await exec('buildah', ['containers', '--json'], { quiet: true });
  const containers = ((JSON.parse(stdout || 'null') ?? []) as { containername: string }[]).map(
    (one) => one.containername,
  );
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .filter((line) => line.includes(`${folder}/`));
  // The store's own mounts, which containers/storage makes while it is in use and keeps.
  const merged = mounts.filter((line) => line.includes('/merged') || line.includes('/tmp/layers-'));
  const temporary = (await readdir(path.join(folder, 'tmp'))).filter((name) => name.startsWith('layers-'));
  const locks = path.join(tree.root, '.layers/locks/runs');
  const processes = await processesIn(folder);
  return [...containers, ...merged, ...temporary, ...processes, ...(existsSync(locks) ? await readdir(locks) : [])];
}

/** Processes that carry this storage in their environment, but for ourselves. */
async function processesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== `${process.pid}`)) {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
    if (environment.includes(`CONTAINERS_STORAGE_CONF=${folder}/`) && environment.includes('LAYERS_RUN_ID=')) {
      found.push(`${pid} ${(await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')).replaceAll('\0', ' ')}`);
    }
  }
  return found;
}

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
  expect(await left()).toEqual([]);
});

test('after kill -9 the next run sweeps, starts from the parent, and completes', async () => {
  const run = tree.start(['build', '--output', 'json']);
  await run.seen(slowIsIn);
  run.child.kill('SIGKILL');
  await run.ended;
  expect(await left()).not.toEqual([]);
  await tree.write('layers/slow.yaml', layerFile('slow', 'test ! -e /etc/dirt && echo clean > /etc/clean'));
  const next = await tree.layers(['build', '--output', 'json']);
  expect([next.code, outcomes(next).slow]).toEqual([0, 'built']);
  expect(next.stdout).toContain('was killed; what it left was swept');
  expect(await left()).toEqual([]);
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
