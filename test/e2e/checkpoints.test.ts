import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LayerId } from '../../tool/src/config/layer.ts';
import type { LayerRecord } from '../../tool/src/recipe/record.ts';
import { openCheckpoints } from '../../tool/src/records/checkpoints.ts';
import { openRecords } from '../../tool/src/records/record-store.ts';
import type { BuiltImage } from '../../tool/src/run/build-image.ts';
import { createBuildah } from '../../tool/src/system/buildah-cli.ts';
import { buildCommitted } from '../helpers/build-image.ts';
import { differences, listImage } from '../helpers/compare-trees.ts';
import { layer } from '../helpers/layers.ts';
import { createRpmRepository } from '../helpers/rpm-repository.ts';
import { createTree, type Ended, outcomes, type TestTree } from '../helpers/tree.ts';

const APT = `
options: {layer_type: base, name: debian, pkg_manager: apt, suite: bookworm, publish_local: true}
packages: [bash]
cmds: ['useradd --create-home someone; rm /etc/issue; rm -r /usr/share/doc; echo one > /etc/one']
`;
const CHILD = `
options: {layer_type: base, name: child, pkg_manager: apt, parent: debian, publish_local: true}
packages: [file]
copyfiles: [{src: files, dest: /srv/files}]
cmds: ['rm /srv/files/one; ln /srv/files/deep/two /srv/two; chmod 0700 /usr/bin/file']
`;
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
  tree = await createTree({ 'files/one': 'one\n', 'files/deep/two': 'two\n' });
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

test('after any edits the image is the one of a build from nothing, and its content that of a single commit', async () => {
  await tree.write('layers/debian.yaml', APT);
  await tree.write('layers/child.yaml', CHILD);
  expect(outcomes(await build(tree, 'child'))).toEqual({ debian: 'built', child: 'built' });
  await edit('layers/debian.yaml', 'echo one', 'echo two');
  await edit('layers/child.yaml', 'chmod 0700', 'chmod 0711');
  const edited = await build(tree);
  expect(outcomes(edited)).toMatchObject({ debian: 'built', child: 'built' });
  expect(started(edited)).toEqual({ debian: ['packages'] });
  await edit('layers/child.yaml', 'chmod 0711', 'chmod 0500');
  await tree.write('files/deep/two', 'three\n');
  expect(started(await build(tree))).toEqual({ child: ['packages'] });
  await using clean = await createTree();
  for (const name of ['layers', 'files', 'bin']) {
    await cp(path.join(tree.root, name), path.join(clean.root, name), { recursive: true });
  }
  // Downloads are no matter of this.
  await cp(path.join(tree.root, '.layers/cache/packages'), path.join(clean.root, '.layers/cache/packages'), {
    recursive: true,
  });
  const fresh = await build(clean);
  expect([Object.values(outcomes(fresh)), started(fresh)]).toEqual([['built', 'built', 'built'], {}]);
  for (const id of ['rpm', 'debian', 'child']) {
    const [one, other] = [record(tree, id), record(clean, id)];
    expect.soft(one.content, id).toBe(other.content);
    // Of the configuration, which names each file system layer by its digest.
    expect.soft(one.image.local!.id, id).toBe(other.image.local!.id);
  }
  expect.soft(record(clean, 'child').content).toBe((await singleCommit(clean)).content);
});

/** The same child in one container and one file system layer. */
async function singleCommit(where: TestTree): Promise<BuiltImage> {
  const { content, inheritedLabels, image } = record(where, 'debian');
  const parent = { content, inheritedLabels, image: image.local!, date: '', report: {} };
  const top = {
    packages: ['file'],
    copyfiles: [{ src: 'files', dest: '/srv/files' }],
    cmds: ['rm /srv/files/one; ln /srv/files/deep/two /srv/two; chmod 0500 /usr/bin/file'],
  };
  const place = { storage: where.storage, root: where.root, caches: path.join(where.root, '.layers/cache/packages') };
  const made = await buildCommitted(layer('child', {}, top), parent, place, {}, { undivided: true });
  const image1 = record(where, 'child').image.local!.id;
  const [one, other] = await Promise.all([made.image.id, image1].map((id) => listImage(id, where.storage)));
  expect.soft(differences(one!, other!, { times: false })).toEqual([]);
  const buildah = createBuildah(where.storage.exec, { isolation: 'chroot', runId: 'look' });
  const layers = async (id: string) => (await buildah.inspect(id))!.diffIds.length;
  expect(await layers(image1)).toBe((await layers(image.local!.id)) + 3);
  return made;
}
