import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LayerId } from '../../tool/src/config/layer.ts';
import type { LayerRecord } from '../../tool/src/recipe/record.ts';
import { openCheckpoints } from '../../tool/src/records/checkpoints.ts';
import { openRecords } from '../../tool/src/records/record-store.ts';
import { createRpmRepository } from '../helpers/rpm-repository.ts';
import { createTree, type Ended, outcomes, type TestTree } from '../helpers/tree.ts';

/** Has no shell of its own: files are what its commands run by. */
const RPM = (repository: string) => `
options: {layer_type: base, name: rpm, pkg_manager: dnf, releasever: '9', gpgcheck: false, publish_local: true}
repos: [{alias: own, url: 'file://${repository}'}]
packages: [lay-a]
copyfiles: [{src: bin, dest: /bin}, {src: files/one, dest: /etc/one}]
cmds: ['echo one > /etc/command; rm /usr/share/lay-b/file']
`;

let tree: TestTree;
let repository: string;

beforeAll(async () => {
  tree = await createTree({ 'files/one': 'one\n' });
  const folder = path.join(tree.storage.folder, 'rpms');
  for (const one of [folder, path.join(tree.root, 'bin')]) await mkdir(one);
  await cp('/bin/busybox', path.join(tree.root, 'bin/sh'));
  await cp('/bin/busybox', path.join(tree.root, 'bin/rm'));
  repository = (await createRpmRepository(folder, tree.storage.exec)).folder;
  await tree.write('layers/rpm.yaml', RPM(repository));
});
afterAll(async () => tree?.[Symbol.asyncDispose]());

async function edit(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(path.join(tree.root, file), 'utf8');
  expect(text).toContain(from);
  await tree.write(file, text.replace(from, to));
}

function build(where: TestTree, ...args: string[]): Promise<Ended> {
  return where.layers(['build', ...args, '--output', 'json']);
}

/** Layer → the parts that were taken from before. */
function started({ events }: Ended): Record<string, unknown> {
  return Object.fromEntries(events.filter(({ type }) => type === 'checkpoint').map(({ id, parts }) => [id, parts]));
}

function steps({ events }: Ended, id: string): unknown[] {
  return events.filter((event) => event.type === 'step-started' && event.id === id).map(({ step }) => step);
}

function record(where: TestTree, id: string): LayerRecord {
  const stored = openRecords(path.join(where.root, '.layers')).read(id as LayerId);
  if (stored.kind !== 'record') throw new Error(`${id} has no record`);
  return stored.record;
}

const storeOf = (where: TestTree) => openCheckpoints(path.join(where.storage.folder, 'graph'));

test('a layer is built in parts', async () => {
  const ended = await build(tree, 'rpm');
  expect([outcomes(ended), started(ended)]).toEqual([{ rpm: 'built' }, {}]);
  expect(steps(ended, 'rpm')).toEqual([
    ...['parent', 'repos', 'packages', 'commit packages', 'copyfiles', 'commit files', 'cmds', 'commit', 'keep'],
    ...['publish local storage', 'labels'],
  ]);
  expect(
    storeOf(tree)
      .list()
      .map(({ part }) => part),
  ).toEqual(['files', 'packages']);
});

test('an edited command starts from the files, an edited file from the packages, an edited package from nothing', async () => {
  await edit('layers/rpm.yaml', 'echo one', 'echo two');
  const command = await build(tree, 'rpm');
  expect([outcomes(command), started(command)]).toEqual([{ rpm: 'built' }, { rpm: ['packages', 'files'] }]);
  expect(steps(command, 'rpm').slice(0, 3)).toEqual(['checkpoint', 'cmds', 'commit']);
  await tree.write('files/one', 'another\n');
  const file = await build(tree, 'rpm');
  expect([outcomes(file), started(file)]).toEqual([{ rpm: 'built' }, { rpm: ['packages'] }]);
  await edit('layers/rpm.yaml', '[lay-a]', '[lay-a, lay-c]');
  const added = await build(tree, 'rpm');
  expect([outcomes(added), started(added)]).toEqual([{ rpm: 'built' }, {}]);
});

test('what a build used outside is recorded also where it started later', async () => {
  const { repositories, lastBuiltAt } = record(tree, 'rpm');
  await edit('layers/rpm.yaml', 'echo two', 'echo three');
  expect(started(await build(tree, 'rpm'))).toEqual({ rpm: ['packages', 'files'] });
  expect(Object.keys(repositories)).toHaveLength(1);
  // Its packages are no younger for that.
  const [checkpoint] = storeOf(tree).list();
  expect(record(tree, 'rpm')).toMatchObject({ repositories, lastBuiltAt: checkpoint!.builtAt });
  expect(Math.abs(Date.parse(lastBuiltAt) - Date.parse(checkpoint!.builtAt))).toBeLessThan(5000);
});

test('a command that fails costs no packages; when it is gone, the image is that of the files', async () => {
  await edit('layers/rpm.yaml', 'echo three', 'exit 3; echo three');
  expect(outcomes(await build(tree, 'rpm'))).toEqual({ rpm: 'failed' });
  const text = await readFile(path.join(tree.root, 'layers/rpm.yaml'), 'utf8');
  await tree.write('layers/rpm.yaml', text.replace(/^cmds:.*\n/m, ''));
  const ended = await build(tree, 'rpm');
  expect([outcomes(ended), started(ended)]).toEqual([{ rpm: 'built' }, { rpm: ['packages', 'files'] }]);
  expect(
    storeOf(tree)
      .list()
      .map(({ image }) => image.id),
  ).toContain(record(tree, 'rpm').image.local!.id);
  await tree.write('layers/rpm.yaml', text.replace('exit 3; ', ''));
});

test.each(['--force', '--refresh'])('%s asks the outside and starts from nothing', async (flag) => {
  await edit('layers/rpm.yaml', 'echo three', `echo ${flag}; echo three`);
  const ended = await build(tree, 'rpm', flag);
  expect([outcomes(ended), started(ended)]).toEqual([{ rpm: 'built' }, {}]);
});

test('layers.lock holds: metadata that it does not speak of is not started from', async () => {
  expect((await tree.layers(['lock'])).code).toBe(0);
  await edit('layers/rpm.yaml', 'echo three', 'echo four');
  expect(started(await build(tree, 'rpm', '--locked'))).toEqual({ rpm: ['packages', 'files'] });
  const lock = await readFile(path.join(tree.root, 'layers.lock'), 'utf8');
  await tree.write('layers.lock', lock.replace(/sha256:[0-9a-f]{8}/g, 'sha256:00000000'));
  await edit('layers/rpm.yaml', 'echo four', 'echo five');
  const moved = await build(tree, 'rpm');
  expect([outcomes(moved), started(moved)]).toEqual([{ rpm: 'built' }, {}]);
  await rm(path.join(tree.root, 'layers.lock'));
});

test('a run that was killed leaves whole checkpoints; one whose image is damaged is built again', async () => {
  await edit('layers/rpm.yaml', 'echo five', 'sleep 60; echo five');
  const run = tree.start(['build', 'rpm', '--force', '--output', 'json']);
  await run.seen(/"step-started","id":"rpm","step":"cmds"/);
  process.kill(run.child.pid!, 'SIGKILL');
  await run.ended;
  await edit('layers/rpm.yaml', 'sleep 60; echo five', 'echo six');
  const next = await build(tree, 'rpm');
  expect([outcomes(next), started(next)]).toEqual([{ rpm: 'built' }, { rpm: ['packages', 'files'] }]);
  const [files] = storeOf(tree).list();
  const folder = path.join(files!.image.graphRoot, `${files!.image.driver}-images`, files!.image.id);
  for (const name of await readdir(folder)) await rm(path.join(folder, name), { recursive: true });
  await edit('layers/rpm.yaml', 'echo six', 'echo seven');
  expect(outcomes(await build(tree, 'rpm'))).toEqual({ rpm: 'built' });
});

test('after any edits the image is the one of a build from nothing', async () => {
  await using clean = await createTree();
  for (const name of ['layers', 'files', 'bin']) {
    await cp(path.join(tree.root, name), path.join(clean.root, name), { recursive: true });
  }
  const fresh = await build(clean, 'rpm');
  expect([outcomes(fresh), started(fresh)]).toEqual([{ rpm: 'built' }, {}]);
  const [one, other] = [record(tree, 'rpm'), record(clean, 'rpm')];
  expect(one.content).toBe(other.content);
  // Of the configuration, which names each file system layer by its digest.
  expect(one.image.local!.id).toBe(other.image.local!.id);
});
