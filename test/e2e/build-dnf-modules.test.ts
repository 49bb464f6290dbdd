import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BuildPlace, buildLayer, printedInside } from '../helpers/build-layer.ts';
import { type ContainerStorage, createContainerStorage } from '../helpers/container-storage.ts';
import { layer } from '../helpers/layers.ts';
import { createModularRepository } from '../helpers/rpm-modular.ts';
import { installedRpms } from '../helpers/rpm-query.ts';

let storage: ContainerStorage;
let place: BuildPlace;
let url: string;

beforeAll(async () => {
  storage = await createContainerStorage();
  const root = path.join(storage.folder, 'tree');
  await mkdir(root);
  place = { storage, root, caches: path.join(storage.folder, 'caches') };
  const repository = await createModularRepository(path.join(storage.folder, 'modular'), storage.exec);
  await cp(repository, path.join(root, 'rpms'), { recursive: true });
  url = `file://${repository}`;
});
afterAll(() => storage[Symbol.asyncDispose]());

const dnf = (id: string, top: Record<string, unknown>, options: Record<string, unknown> = {}) =>
  layer(id, { pkg_manager: 'dnf', ...options }, { repos: [{ alias: 'own', url }], ...top });
const streamIn = (root: string) => readFileSync(path.join(root, 'etc/dnf/modules.d/lay-mod.module'), 'utf8');

test('every module command has its own list, from scratch and again with the host over a parent', async () => {
  const first = dnf('first', { modules: { enable: ['lay-mod:one'], install: ['lay-mod/more'] } }, { releasever: '9' });
  const built = await buildLayer(first, 'scratch', place, async (root) => {
    expect(await installedRpms(root, storage)).toEqual(['mod-a-1.0', 'mod-b-1.0']);
    expect(streamIn(root)).toContain('stream=one\nprofiles=more\nstate=enabled');
  });
  expect(built.workspace.steps).toEqual(['repos', 'modules enable', 'modules install']);
  const over = { force_installroot: true, releasever: '9', dnf_options: ['module_platform_id=platform:el9'] };
  const switched = dnf('switched', { modules: { remove: ['lay-mod/more'], 'switch-to': ['lay-mod:two'] } }, over);
  const second = await buildLayer(switched, built.image, place, async (root) => {
    expect(await installedRpms(root, storage)).toEqual([]);
    expect(streamIn(root)).toContain('stream=two');
  });
  expect(second.workspace.steps).toEqual(['repos', 'modules remove', 'modules switch-to']);
  const reset = dnf('reset', { modules: { reset: ['lay-mod'] }, packages: ['lay-e'] }, over);
  const third = await buildLayer(reset, second.image, place, (root) => {
    const file = path.join(root, 'etc/dnf/modules.d/lay-mod.module');
    expect(existsSync(file) ? readFileSync(file, 'utf8') : '').not.toContain('state=enabled');
  });
  const disabled = dnf('disabled', { modules: { disable: ['lay-mod'] }, packages: ['lay-e'] }, over);
  await buildLayer(disabled, third.image, place, (root) => expect(streamIn(root)).toContain('state=disabled'));
});

test('an unknown module is a failure that names it', async () => {
  const unknown = dnf('unknown', { modules: { enable: ['no-such:1'] } }, { releasever: '9' });
  await expect(buildLayer(unknown, 'scratch', place)).rejects.toThrow('no-such');
});

test('groups and environments by name and by id, with signs that a shell would mind', async () => {
  for (const name of ['Lay Extra & More', 'lay-extra', 'Lay Minimal Install', 'lay-environment', '@^lay-environment']) {
    await buildLayer(dnf('group', { package_groups: [name] }), 'scratch', place, async (root) => {
      expect(await installedRpms(root, storage), name).toEqual(['lay-e-2.0']);
    });
  }
});

test('a version in a package is one argument', async () => {
  for (const [spec, installed] of [
    ['lay-e < 2', 'lay-e-1.0'],
    ['lay-e >= 1', 'lay-e-2.0'],
    ['lay-e = 1.0', 'lay-e-1.0'],
  ] as const) {
    await buildLayer(dnf('spec', { packages: [spec] }), 'scratch', place, async (root) => {
      expect(await installedRpms(root, storage), spec).toEqual([installed]);
    });
  }
});

test('the release comes from the key, a package, the release package of a repository, or the parent', async () => {
  const dependent = { alias: 'dependent', url: `${url}/../../release-$releasever` };
  await cp(path.join(place.root, 'rpms'), path.join(storage.folder, 'release-9'), { recursive: true });
  const place9 = { ...dependent, url: `file://${storage.folder}/release-$releasever` };
  const onlyDependent = { repos: [place9] };
  const check = async (root: string) => expect(await installedRpms(root, storage)).toContain('lay-e-2.0');
  await buildLayer(dnf('key', { ...onlyDependent, packages: ['lay-e'] }, { releasever: '9' }), 'scratch', place, check);
  const specs = { ...onlyDependent, packages: ['lay-e', 'rocky-release >= 9'] };
  await expect(buildLayer(dnf('spec', specs), 'scratch', place)).rejects.toThrow('rocky-release');
  const both = { repos: [{ alias: 'own', url }, place9], packages: ['lay-e', 'lay-release'] };
  const built = await buildLayer(dnf('package', both), 'scratch', place, check);
  expect(Object.keys(built.report.repositories ?? {})).toContain(
    `file://${storage.folder}/release-9/repodata/repomd.xml`,
  );
  const child = dnf('child', { ...onlyDependent, packages: ['mod-a'] }, { force_installroot: true });
  const none = dnf('none', { ...onlyDependent, packages: ['lay-e'] });
  await expect(buildLayer(none, 'scratch', place)).rejects.toMatchObject({
    message: expect.stringContaining('$releasever'),
    hint: expect.stringContaining('releasever'),
  });
  // The parent's release package says it. mod-a is of a stream that is not enabled.
  await expect(buildLayer(child, built.image, place)).rejects.toThrow('mod-a');
});

test('modules by the dnf of the parent', async () => {
  const debian = layer('debian', { suite: 'bookworm' }, { packages: ['dnf', 'rpm'] });
  const parent = await buildLayer(debian, 'scratch', place);
  const served = layer('served', {}, { copyfiles: [{ src: 'rpms', dest: '/srv/rpms' }] });
  const { image } = await buildLayer(served, parent.image, place);
  const top = {
    repos: [{ alias: 'own', url: 'file:///srv/rpms' }],
    modules: { install: ['lay-mod:two/common'], disable: ['lay-mod'], reset: ['lay-mod'] },
    package_groups: ['Lay Minimal Install'],
    packages: ['lay-release >= 9'],
  };
  const options = { releasever: '9', dnf_options: ['module_platform_id=platform:el9'] };
  // In an order of its own: what is installed is there at the end, whatever was disabled.
  const built = await buildLayer(dnf('inside', top, options), image, place);
  expect(built.workspace.steps).toEqual([
    'repos',
    'modules reset',
    'modules disable',
    'modules install',
    'package_groups',
    'packages',
  ]);
  const names = await printedInside(built.image, ['rpm', '-qa', '--queryformat', '%{NAME}-%{VERSION}\n'], storage);
  expect(names.split('\n').toSorted()).toEqual(['lay-e-2.0', 'lay-release-9.4', 'mod-a-2.0']);
});
