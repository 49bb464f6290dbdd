import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addSmallImage, createTree, outcomes, type TestTree } from '../helpers/tree.ts';

const DATA = 2_000_000;
/** Index files of the storage and folders' own blocks are not counted: 2 % were seen. */
const SLACK = 0.05;

let tree: TestTree;
beforeAll(async () => {
  tree = await createTree({
    '.gitignore': '.layers\nimages\nsmall\n',
    'layers/base.yaml': `
options: {layer_type: base, name: base, parent: 'oci:small:1', pkg_manager: apt, publish_registry: 'oci:images'}
cmds: [echo base > /etc/base]
`,
    'layers/top.yaml': `
options: {layer_type: base, name: top, parent: base, pkg_manager: apt}
copyfiles: [{src: data, dest: /data}]
`,
  });
  await addSmallImage(tree);
  await edit();
  git('init', '--quiet', '--initial-branch=main');
  git('add', '.');
  git('-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '--quiet', '--message=first');
});
afterAll(() => tree[Symbol.asyncDispose]());

const git = (...args: string[]) =>
  execFileSync('git', args, { cwd: tree.root, encoding: 'utf8', stdio: 'pipe' }).trim();
const edit = () => writeFile(path.join(tree.root, 'data'), randomBytes(DATA));
const graph = () => path.join(tree.storage.folder, 'graph');
const used = () => Number(execFileSync('du', ['-sxB1', graph()], { encoding: 'utf8' }).split('\t')[0]);
const build = async (...args: string[]) => outcomes(await tree.layers(['build', '--output', 'json', ...args]));

async function prune(...args: string[]) {
  const ended = await tree.layers(['prune', '--json', ...args]);
  expect([ended.code, ended.stderr]).toEqual([0, '']);
  return JSON.parse(ended.stdout) as {
    bytesBefore: number;
    bytesAfter: number;
    items: { text: string; removed: boolean }[];
  };
}

test('a store that 20 rebuilds have grown goes back to what is needed; nothing needed or foreign goes', async () => {
  const { exec } = tree.storage;
  expect(await build()).toEqual({ base: 'built', top: 'built' });
  const small = used();
  git('checkout', '--quiet', '-b', 'old');
  await edit();
  git('-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '--quiet', '--all', '--message=other');
  expect(await build()).toEqual({ base: 'unchanged', top: 'built' });
  git('checkout', '--quiet', 'main');
  expect(await build()).toEqual({ base: 'unchanged', top: 'reused' });
  for (let round = 0; round < 20; round += 1) {
    await edit();
    expect(await build()).toMatchObject({ top: 'built' });
  }
  const container = (await exec('buildah', ['from', 'scratch'])).stdout.trim();
  const foreign = (await exec('buildah', ['commit', '--quiet', container])).stdout.trim();
  await exec('buildah', ['rm', container]);

  const before = used();
  const said = await prune('--dry-run');
  expect(used()).toBe(before);
  const done = await prune();
  const after = used();
  expect(done).toEqual({ ...said, dryRun: false });
  process.stderr.write(
    `prune: ${before} bytes before, ${after} after, ${done.bytesBefore - done.bytesAfter} said to be freed\n`,
  );
  // Of main, of the branch, and of the last three builds.
  expect(before - small).toBeGreaterThan(21 * DATA);
  expect(after - small).toBeLessThan(5 * DATA);
  expect(Math.abs((before - after) / (done.bytesBefore - done.bytesAfter) - 1)).toBeLessThan(SLACK);
  expect(existsSync(path.join(graph(), 'overlay-images', foreign))).toBe(true);
  expect((await tree.layers(['build'])).stdout).toContain('nothing to do: 2 layers up to date');
  expect((await prune()).items.filter(({ removed }) => removed)).toEqual([]);

  git('stash', '--quiet');
  expect(await build()).toMatchObject({ top: 'reused' });
  git('checkout', '--quiet', 'old');
  expect(await build()).toMatchObject({ base: 'unchanged', top: 'reused' });
  const commit = git('rev-parse', 'HEAD');
  git('checkout', '--quiet', 'main');
  git('branch', '--quiet', '-D', 'old');
  git('stash', 'drop', '--quiet');
  expect(await build()).toMatchObject({ top: 'reused' });
  await prune('--keep-last', '0');
  expect(used() - small).toBeLessThan(0.5 * DATA);
  git('checkout', '--quiet', commit);
  expect(await build()).toEqual({ base: 'unchanged', top: 'built' });
});

test('a size keeps the youngest, an age what is younger; a running build is waited for, or not', async () => {
  git('checkout', '--quiet', '-f', 'main');
  for (let round = 0; round < 3; round += 1) {
    await edit();
    await build();
  }
  const removed = async (...args: string[]) =>
    (await prune('--dry-run', '--keep-last', '0', ...args)).items.filter(({ removed }) => removed);
  expect(await removed('--older-than', '1h')).toEqual([]);
  const all = (await removed('--older-than', '0m')).length;
  const { bytesBefore } = await prune('--dry-run', '--keep-last', '0');
  // Just below what there is: the oldest is enough.
  const some = await removed('--max-size', `${bytesBefore - DATA}`);
  expect(some.length).toBeGreaterThan(0);
  expect(some.length).toBeLessThan(all);

  await tree.write(
    'layers/slow.yaml',
    `
options: {layer_type: base, name: slow, parent: 'oci:small:1', pkg_manager: apt}
cmds: [sleep 8]
`,
  );
  const slow = tree.start(['build', 'slow', '--output', 'json']);
  await slow.seen(/"step":"cmds"/);
  const refused = await tree.layers(['prune', '--lock', 'fail']);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/process \d+ on .* builds into/)]);
  const waited = await tree.layers(['prune', '--keep-last', '0']);
  expect(waited.stderr).toMatch(/waiting for process/);
  expect(waited.stdout).toMatch(/freed/);
  expect(outcomes(await slow.ended)).toEqual({ slow: 'built' });
  expect((await tree.layers(['build'])).stdout).toContain('nothing to do: 3 layers up to date');
  expect(await readdir(path.join(tree.storage.folder, 'tmp'))).toEqual([]);
});

const extraFile = (cmd: string) => `
options: {layer_type: base, name: extra, parent: 'oci:small:1', pkg_manager: apt}
cmds: ['${cmd}']
`;

test('--output json is the document of --json', async () => {
  const [{ stdout: said }, { stdout: asked }] = await Promise.all([
    tree.layers(['prune', '--dry-run', '--output', 'json']),
    tree.layers(['prune', '--dry-run', '--json']),
  ]);
  expect(JSON.parse(said)).toEqual(JSON.parse(asked));
});

test('what is edited while a prune waits is needed as it is then', async () => {
  for (const cmd of ['echo one > /etc/extra', 'echo two > /etc/extra']) {
    await tree.write('layers/extra.yaml', extraFile(cmd));
    expect(await build('extra')).toEqual({ extra: 'built' });
  }
  const holder = spawn('flock', ['--shared', path.join(graph(), 'layers.lock'), 'cat'], { stdio: 'pipe' });
  // It says this when it has the lock.
  holder.stdin.write('held');
  await once(holder.stdout, 'data');
  const waiting = tree.start(['prune', '--keep-last', '0']);
  await once(waiting.child.stderr!, 'data');
  await tree.write('layers/extra.yaml', extraFile('echo one > /etc/extra'));
  holder.stdin.end();
  const waited = await waiting.ended;
  expect([waited.code, waited.stderr]).toEqual([0, expect.stringMatching(/^waiting for [^\n]*\n$/)]);
  expect(await build('extra')).toEqual({ extra: 'reused' });
});

test('what a killed build started keeps a prune from elsewhere away; its own tree sweeps it', async () => {
  await tree.write('layers/extra.yaml', extraFile('echo here; sleep 1000'));
  const killed = tree.start(['build', 'extra', '--output', 'json']);
  await killed.seen(/"line":"here"/);
  killed.child.kill('SIGKILL');
  const refused = await tree.layers(['prune', '--lock', 'fail', '--state', '../elsewhere']);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/process \d+ on .* builds into/)]);
  const own = await tree.layers(['prune', '--lock', 'fail']);
  expect([own.code, own.stderr]).toEqual([0, expect.stringContaining('was killed; what it left was swept')]);
  // Whoever adds a test below: a build of all would wait for its command.
  await rm(path.join(tree.root, 'layers/extra.yaml'));
});
