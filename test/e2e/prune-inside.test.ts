import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openFailedBuilds } from '../../tool/src/records/failed-builds.ts';
import { addSmallImage, createTree, type TestTree } from '../helpers/tree.ts';

const layerFile = (cmd: string) => `
options: {layer_type: base, name: top, parent: 'oci:small:1', pkg_manager: apt}
cmds: [${JSON.stringify(cmd)}]
`;

/** Shows what is in there when it is told to. */
const WAITING = [
  '--',
  '/bin/sh',
  '-c',
  'echo in; while ! [ -e /go ]; do busybox sleep 0.1; done; busybox cat /etc/state',
];

let tree: TestTree;
beforeAll(async () => {
  tree = await createTree();
  await addSmallImage(tree);
});
afterAll(() => tree[Symbol.asyncDispose]());

const buildah = async (...args: string[]) => (await tree.storage.exec('buildah', args, { quiet: true })).stdout.trim();

async function containers(): Promise<string[]> {
  const listed = (JSON.parse((await buildah('containers', '--json')) || 'null') ?? []) as { containername: string }[];
  return listed.map((one) => one.containername);
}

async function enter(...args: string[]): Promise<ReturnType<TestTree['start']>> {
  const inside = tree.start(['run', ...args, ...WAITING]);
  onTestFinished(async () => {
    inside.child.kill();
    await inside.ended;
  });
  await inside.seen(/in/);
  return inside;
}

async function go(container: string): Promise<void> {
  await writeFile(path.join(await buildah('mount', container), 'go'), '');
}

async function build(cmd: string, ...args: string[]): Promise<number | null> {
  await tree.write('layers/top.yaml', layerFile(cmd));
  return (await tree.layers(['build', ...args])).code;
}

/** Kind and text of what a prune took away; nothing was left that it could not. */
async function pruned(...args: string[]): Promise<string[]> {
  const ended = await tree.layers(['prune', '--json', '--keep-last', '0', '--lock', 'fail', ...args]);
  expect([ended.code, ended.stderr]).toEqual([0, '']);
  const { items } = JSON.parse(ended.stdout) as { items: { kind: string; text: string; removed: boolean }[] };
  return items.filter(({ removed }) => removed).map(({ kind, text }) => `${kind} ${text}`);
}

/** The folders of runs as they are after eight days in which nobody wrote into them. */
async function ageTemporaries(): Promise<void> {
  const folder = path.join(tree.storage.folder, 'tmp');
  const at = new Date(Date.now() - 8 * 24 * 3_600_000);
  const names = (await readdir(folder)).filter((name) => name.startsWith('layers-'));
  expect(names).toHaveLength(1);
  for (const name of names) await utimes(path.join(folder, name), at, at);
}

test('an image that nothing needs stays while somebody is inside, and nobody waits for that', async () => {
  expect(await build('echo one > /etc/state')).toBe(0);
  const inside = await enter('top');
  expect(await build('echo two > /etc/state')).toBe(0);
  await ageTemporaries();
  const unnamed = expect.stringMatching(/^image an image without a name/);
  expect(await pruned()).toEqual([unnamed, unnamed]);
  const [container] = await containers();
  await go(container!);
  expect(await inside.ended).toMatchObject({ code: 0, stdout: 'in\none\n', stderr: '' });
  expect(await containers()).toEqual([]);
  expect(await pruned()).toContainEqual(expect.stringMatching(/^image top:/));
});

test('what is in use counts: a size works as if nobody were inside', async () => {
  const data = 'busybox head -c 1000000 /dev/urandom > /etc/data';
  for (const state of ['old', 'older', 'new']) expect(await build(`echo ${state} > /etc/state; ${data}`)).toBe(0);
  const look = async (...args: string[]) => {
    const { stdout } = await tree.layers(['prune', '--json', '--keep-last', '0', '--dry-run', ...args]);
    const { bytesBefore, bytesAfter, items, kinds } = JSON.parse(stdout) as {
      bytesBefore: number;
      bytesAfter: number;
      items: { id: string; kind: string; removed: boolean }[];
      kinds: Record<string, { bytes: number }>;
    };
    const ids = items.filter(({ kind, removed }) => removed && kind === 'image').map(({ id }) => id);
    return { bytesBefore, freed: bytesBefore - bytesAfter, ids, kinds };
  };
  const alone = await look();
  expect(alone.freed).toBeGreaterThan(2e6);
  const size = ['--max-size', `${alone.bytesBefore - 1e6}`];
  const some = await look(...size);
  expect(some.ids.length).toBeLessThan(alone.ids.length);
  const inside = await enter('top');
  const beside = await look();
  expect(beside).toMatchObject({ freed: alone.freed, ids: alone.ids });
  // With the container's own layer.
  expect(beside.bytesBefore).toBeGreaterThan(alone.bytesBefore);
  expect(beside.bytesBefore).toBeLessThan(alone.bytesBefore + 5e5);
  expect((await look(...size)).ids).toEqual(some.ids);
  const [container] = await containers();
  await go(container!);
  await inside.ended;

  expect(await build(`${data}; exit 3`, '--keep-failed')).toBe(1);
  const failed = await look('--older-than', '0m');
  expect(failed.kinds.failed!.bytes).toBeGreaterThan(1e6);
  expect(failed.bytesBefore).toBeGreaterThan(alone.bytesBefore + 1e6);
  expect(await build('echo two > /etc/state')).toBe(0);
});

test('while a prune is at work nobody chooses an image', async () => {
  const lock = path.join(tree.storage.folder, 'graph', 'layers.lock');
  const holder = spawn('flock', ['--exclusive', lock, 'cat'], { stdio: 'pipe' });
  onTestFinished(() => void holder.kill());
  // It says this when it has the lock.
  holder.stdin.write('held');
  await once(holder.stdout, 'data');
  const waiting = tree.start(['run', 'top', '--', '/bin/busybox', 'cat', '/etc/state']);
  const said = once(waiting.child.stderr!, 'data').then(String);
  expect(await Promise.race([said, waiting.ended.then(({ stderr }) => stderr)])).toMatch(
    /^waiting for .*, which prunes/,
  );
  expect(await containers()).toEqual([]);
  holder.stdin.end();
  expect(await waiting.ended).toMatchObject({ code: 0, stdout: 'two\n' });
});

test('a failed build stays for whoever is in it while its layer is built; then prune or the next build takes it', async () => {
  const failed = openFailedBuilds(path.join(tree.root, '.layers'));
  const takeBy = [
    async () => expect(await pruned()).toContain('failed the failed build of top'),
    async () => {
      await tree.write('layers/top.yaml', layerFile('echo again > /etc/state'));
      const { code, stdout, stderr } = await tree.layers(['build']);
      expect([code, `${stdout}${stderr}`]).toEqual([0, expect.stringContaining('as the layer has been built since')]);
    },
  ];
  for (const [round, take] of takeBy.entries()) {
    expect(await build(`echo broken > /etc/state; exit ${round + 1}`, '--keep-failed')).toBe(1);
    const inside = await enter('top', '--at', 'failed');
    expect(await build(`echo round ${round} > /etc/state`)).toBe(0);
    expect(failed.all()).toMatchObject([{ builtAt: expect.any(String) }]);
    // Nobody has to be told each time: it is needed.
    expect((await pruned()).filter((one) => one.startsWith('failed'))).toEqual([]);
    const [kept] = failed.all();
    await go(kept!.container);
    expect(await inside.ended).toMatchObject({ code: 0, stdout: 'in\nbroken\n' });
    expect(await containers()).toEqual([kept!.container]);
    await take();
    expect([failed.all(), await containers()]).toEqual([[], []]);
  }
});

test('a build that is found again takes the failed one away', async () => {
  expect(await build('echo other > /etc/state')).toBe(0);
  expect(await build('exit 3', '--keep-failed')).toBe(1);
  expect(await containers()).toHaveLength(1);
  expect(await build('echo again > /etc/state')).toBe(0);
  expect(await containers()).toEqual([]);
});

test("another tree's prune leaves an old failed build to the tree that remembers it", async () => {
  expect(await build('echo broken > /etc/state; exit 3', '--keep-failed')).toBe(1);
  const failed = openFailedBuilds(path.join(tree.root, '.layers'));
  const [kept] = failed.all();
  const container = kept!.container.replace(/\d{8}-\d{6}/, '20250101-000000');
  expect(container).not.toBe(kept!.container);
  await buildah('rename', kept!.container, container);
  await failed.write({ ...kept!, container });
  const inside = await enter('top', '--at', 'failed');
  await ageTemporaries();
  expect(await pruned('--state', '../elsewhere')).toEqual([]);
  await go(container);
  expect(await inside.ended).toMatchObject({ code: 0, stdout: 'in\nbroken\n' });
  expect(await containers()).toEqual([container]);
});
