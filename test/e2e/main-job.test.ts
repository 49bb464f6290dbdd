import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { addSmallImage, createTree, outcomes, type TestTree } from '../helpers/tree.ts';

const onSmall = (name: string, more = '', cmds = `echo ${name} > /etc/${name}`) => `
options:
  layer_type: base
  name: ${name}
  parent: oci:small:1
  pkg_manager: apt
  publish_registry: oci:images
${more}
cmds:
  - ${cmds}
`;
const on = (parent: string, name: string, more = '') =>
  onSmall(name, more).replace('oci:small:1', `oci:images/${parent}:latest`);

let tree: TestTree;
beforeAll(async () => {
  tree = await createTree();
  await addSmallImage(tree);
});
afterAll(() => tree[Symbol.asyncDispose]());

/** base ← middle ← leaf, and side on base; nothing built. */
beforeEach(async () => {
  for (const name of ['layers', 'images', '.layers', 'files'])
    await rm(path.join(tree.root, name), { recursive: true, force: true });
  // Local storage would know the builds of the test before.
  await rm(path.join(tree.storage.folder, 'graph/layers-builds'), { recursive: true, force: true });
  await tree.write('layers/base.yaml', onSmall('base'));
  await tree.write('layers/middle.yaml', on('base', 'middle'));
  await tree.write('layers/leaf.yaml', `${on('middle', 'leaf')}copyfiles:\n  - {src: files, dest: /etc/files}\n`);
  await tree.write('layers/side.yaml', on('base', 'side'));
  await tree.write('files/one', '1');
});

const build = (...args: string[]) => tree.layers(['build', '--output', 'json', ...args]);
const built = (ended: Awaited<ReturnType<typeof build>>) =>
  Object.entries(outcomes(ended))
    .filter(([, outcome]) => outcome !== 'unchanged')
    .map(([id, outcome]) => `${id} ${outcome}`)
    .sort();

async function keyTags(name: string): Promise<string[]> {
  const index = JSON.parse(await readFile(path.join(tree.root, 'images', name, 'index.json'), 'utf8'));
  const refs: string[] = index.manifests.map(
    ({ annotations }: { annotations: Record<string, string> }) => annotations['org.opencontainers.image.ref.name'],
  );
  return refs.filter((ref) => ref?.startsWith('layers-')).sort();
}

test('builds a tree in order, then nothing, and each edit exactly what it can affect', async () => {
  const first = await build('--all');
  expect([first.code, built(first), first.stderr]).toEqual([
    0,
    ['base built', 'leaf built', 'middle built', 'side built'],
    '',
  ]);
  const names = await readdir(path.join(tree.root, 'images'));
  expect(names.filter((name) => !name.startsWith('.')).sort()).toEqual(['base', 'leaf', 'middle', 'side']);

  const second = await tree.layers(['build', '--all']);
  expect(second.stdout).toMatch(/nothing to do: 4 layers up to date/);

  await tree.write('files/one', '2');
  const why = await tree.layers(['why', 'leaf']);
  expect(why.stdout).toContain('files/one changed');
  expect(built(await build())).toEqual(['leaf built']);

  await tree.write('layers/middle.yaml', on('base', 'middle').replace('echo middle', 'echo other'));
  expect(built(await build())).toEqual(['leaf built', 'middle built']);

  await tree.write('layers/side.yaml', on('base', 'side', '  publish_tags: [latest, extra]'));
  const tagged = await build();
  expect(built(tagged)).toEqual(['side published']);
  const index = JSON.parse(await readFile(path.join(tree.root, 'images/side/index.json'), 'utf8'));
  const human = index.manifests.filter(
    ({ annotations }: { annotations: Record<string, string> }) =>
      !annotations['org.opencontainers.image.ref.name']?.startsWith('layers-'),
  );
  expect(human.length).toBe(2);
  expect(new Set(human.map((one: { digest: string }) => one.digest)).size).toBe(1);

  await tree.write('layers/side.yaml', on('base', 'side', '  publish_tags: [latest, extra]\n  log_level: DEBUG'));
  expect((await tree.layers(['build'])).stdout).toMatch(/nothing to do/);
});

test('a parent rebuilt to equal content leaves its children alone', async () => {
  await build();
  await tree.write('layers/base.yaml', onSmall('base', '', 'echo base > /etc/base; true'));
  const again = await build();
  expect(built(again)).toEqual(['base built']);
});

test('what was removed behind our back is noticed', async () => {
  await build();
  const shared = await keyTags('side');
  expect(shared).toContainEqual(expect.stringMatching(/^layers-[0-9a-f]{32}$/));
  // Other machines find the build there again.
  await rm(path.join(tree.root, 'images/side'), { recursive: true });
  expect(built(await build())).toEqual(['side published']);
  expect(await keyTags('side')).toEqual(shared);
  for (const name of ['images/side', '.layers']) await rm(path.join(tree.root, name), { recursive: true });
  expect(built(await build('side'))).toContain('side reused');
  expect(await keyTags('side')).toEqual(shared);
  await build();
  const record = path.join(tree.root, '.layers/records/leaf.json');
  const { image } = JSON.parse((await readFile(record, 'utf8')).split('\n')[1] ?? '');
  await tree.storage.exec('buildah', ['rmi', '--force', image.local.id], { quiet: true });
  // It is in the layout, and nobody needs it here.
  expect(built(await build())).toEqual([]);
  await rm(path.join(tree.root, 'images/leaf'), { recursive: true });
  expect(built(await build())).toEqual(['leaf built']);
  await tree.write('.layers/records/side.json', 'damaged');
  const after = await build();
  expect(built(after)).toEqual(['side reused']);
  expect(after.stdout).toContain('its record was damaged');
});

test('a failing command fails its layer and skips what stands on it; nothing built is lost', async () => {
  await tree.write('layers/middle.yaml', on('base', 'middle').replace('echo middle > /etc/middle', 'echo said; false'));
  const failed = await build('--keep-going');
  expect(failed.code).toBe(1);
  expect(built(failed)).toEqual(['base built', 'leaf skipped', 'middle failed', 'side built']);
  const text = await tree.layers(['build', '-k']);
  expect(text.stdout).toMatch(/middle[\s\S]*said/);
  await tree.write('layers/middle.yaml', on('base', 'middle'));
  expect(built(await build())).toEqual(['leaf built', 'middle built']);
});

test('wrong files end with exit 2 before any work, all problems at once', async () => {
  await tree.write('layers/middle.yaml', `${on('base', 'middle')}pakages: [vim]\n`);
  await tree.write('layers/side.yaml', on('leaf', 'side').replace('pkg_manager: apt', 'pkg_manager: yum'));
  const refused = await tree.layers(['build']);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/layers\/middle\.yaml:\d+:\d+[\s\S]*pakages[\s\S]*packages/);
  expect(refused.stderr).toMatch(/layers\/side\.yaml:\d+:\d+[\s\S]*pkg_manager/);
  expect(await readdir(tree.root)).not.toContain('images');
});

test('selectors, --only, --dry-run and plan --json', async () => {
  const plan = JSON.parse((await tree.layers(['plan', 'middle', '--json'])).stdout);
  expect(plan).toMatchObject({
    version: 1,
    layers: [
      { id: 'base', action: 'build' },
      { id: 'middle', action: 'build', recipeKey: null },
    ],
  });
  expect((await tree.layers(['build', '--dry-run'])).code).toBe(0);
  const only = await tree.layers(['build', 'middle', '--only']);
  expect([only.code, only.stderr]).toEqual([2, expect.stringContaining('was never built here')]);
  expect(built(await build('middle'))).toEqual(['base built', 'middle built']);
  expect(built(await build('--force', 'middle'))).toEqual(['middle built']);
});

test('a file changed during the build, and changed back, leaves nothing of that build', async () => {
  const slow = `${onSmall('slow', '', 'sleep 2; cat /etc/files/one')}`.replace(
    'cmds:',
    'copyfiles:\n  - {src: files, dest: /etc/files}\ncmds:',
  );
  await tree.write('layers/slow.yaml', slow);
  const running = tree.start(['build', 'slow', '--output', 'json']);
  await running.seen(/"step":"cmds"/);
  await tree.write('files/one', 'other');
  await tree.write('files/one', '1');
  const ended = await running.ended;
  expect([ended.code, outcomes(ended)]).toEqual([0, { slow: 'built' }]);
  expect(ended.stdout).toContain('its files changed while it was built; nothing of that build is kept (1 of 3)');
  expect(ended.events.filter((event) => event.type === 'step-started' && event.step === 'cmds')).toHaveLength(2);
  expect((await tree.layers(['build', 'slow'])).stdout).toMatch(/nothing to do/);
  await rm(path.join(tree.root, 'layers/slow.yaml'));
});

test('a destination that cannot be written to fails the layer and keeps the build, and what stands on it is built', async () => {
  await tree.write('blocked', 'a file where the layouts should be');
  await tree.write('layers/base.yaml', onSmall('base').replace('oci:images', 'oci:blocked'));
  await tree.write('layers/middle.yaml', onSmall('middle').replace('oci:small:1', 'oci:blocked/base:latest'));
  await rm(path.join(tree.root, 'layers/leaf.yaml'));
  await rm(path.join(tree.root, 'layers/side.yaml'));
  const failed = await build('-k');
  expect([failed.code, built(failed)]).toEqual([1, ['base failed', 'middle built']]);
  const plan = JSON.parse((await tree.layers(['plan', '--json'])).stdout);
  expect(plan.layers).toMatchObject([
    { id: 'base', action: 'publish' },
    { id: 'middle', action: 'nothing' },
  ]);
});
