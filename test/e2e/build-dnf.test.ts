import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BuildPlace, type BuiltLayer, buildLayer, printedInside } from '../helpers/build-layer.ts';
import { type ContainerStorage, createContainerStorage } from '../helpers/container-storage.ts';
import { layer } from '../helpers/layers.ts';
import { createRpmRepository, type RpmRepository } from '../helpers/rpm-repository.ts';

let storage: ContainerStorage;
let place: BuildPlace;
let repository: RpmRepository;

beforeAll(async () => {
  storage = await createContainerStorage();
  const root = path.join(storage.folder, 'tree');
  await mkdir(root);
  place = { storage, root, caches: path.join(storage.folder, 'caches') };
  const folder = path.join(storage.folder, 'rpms');
  mkdirSync(folder);
  repository = await createRpmRepository(folder, storage.exec);
  await cp(repository.key, path.join(root, 'key.asc'));
});
afterAll(() => storage[Symbol.asyncDispose]());

const dnf = (id: string, top: Record<string, unknown>, options: Record<string, unknown> = {}) =>
  layer(id, { pkg_manager: 'dnf', ...options }, top);
const signed = () => ({ alias: 'own', url: `file://${repository.folder}`, gpg: 'key.asc', priority: 5 });

/** `name` of each package, as the rpm of the host sees the image's database. */
async function installed(root: string, database = '/var/lib/rpm'): Promise<string[]> {
  const { stdout } = await storage.exec('rpm', [
    '--root',
    root,
    '--dbpath',
    database,
    '-qa',
    '--queryformat',
    '%{NAME}\n',
  ]);
  return stdout
    .split('\n')
    .filter((name) => name !== '' && name !== 'gpg-pubkey')
    .toSorted();
}

/** Files below `root` that hold a path of the builder, or lie at one. */
async function traces(root: string): Promise<string> {
  const args = [
    '-rlaF',
    '-e',
    `${storage.folder}/workspace`,
    '-e',
    `${storage.folder}/graph`,
    '-e',
    `${storage.folder}/caches`,
    root,
  ];
  const names = await storage.exec('find', [root, '-path', `${root}${path.dirname(storage.folder)}/*`]);
  return (await storage.exec('grep', args, { accept: [0, 1] })).stdout + names.stdout;
}

test('a root from nothing: packages, groups, removal, keys, and nothing of the builder', async () => {
  const top = {
    repos: [signed()],
    package_groups: ['Lay Tools'],
    packages: ['lay-a', 'lay-d'],
    remove_packages: ['lay-d', 'lay-x'],
  };
  const built = await buildLayer(dnf('scratch', top), 'scratch', place, async (root) => {
    expect(await installed(root)).toEqual(['lay-a', 'lay-b', 'lay-c']);
    expect(readFileSync(path.join(root, 'etc/yum.repos.d/own.repo'), 'utf8')).toBe(
      `[own]\nname=own\nbaseurl=file://${repository.folder}\nenabled=1\ngpgcheck=1\ngpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-own\npriority=5\n`,
    );
    expect(readFileSync(path.join(root, 'etc/pki/rpm-gpg/RPM-GPG-KEY-own'))).toEqual(readFileSync(repository.key));
    for (const file of ['root/.rpmdb', 'var/cache/dnf', 'var/log/dnf.log', 'tmp', 'etc/dnf/dnf.conf']) {
      expect(existsSync(path.join(root, file)), file).toBe(false);
    }
    expect(await traces(root)).toBe('');
  });
  expect(built.workspace.steps).toEqual(['repos', 'package_groups', 'packages', 'remove_packages']);
  expect(built.workspace.warnings).toEqual(['remove_packages: lay-x is not installed']);
  // A child whose parent has no dnf inside says what to do, and the host's dnf sees what the parent has.
  const more = dnf('child', { packages: ['lay-d'] });
  await expect(buildLayer(more, built.image, place)).rejects.toMatchObject({
    hint: expect.stringContaining('force_installroot'),
  });
  await buildLayer(
    dnf('forced', { packages: ['lay-d'] }, { force_installroot: true }),
    built.image,
    place,
    async (root) => {
      expect(await installed(root)).toEqual(['lay-a', 'lay-b', 'lay-c', 'lay-d']);
      expect(await traces(root)).toBe('');
    },
  );
});

test('keys are asked for as gpgcheck says', async () => {
  const { gpg: _gpg, ...keyless } = signed();
  const packages = ['lay-b'];
  const built = await buildLayer(dnf('keyless', { repos: [keyless], packages }), 'scratch', place);
  expect(built.workspace.warnings).toEqual(['no gpg key for own: packages from there are not checked']);
  const strict = dnf('strict', { repos: [keyless], packages }, { gpgcheck: 'strict' });
  await expect(buildLayer(strict, 'scratch', place)).rejects.toThrow(
    'gpgcheck: strict, and there is no gpg key for own',
  );
  const off = await buildLayer(dnf('off', { repos: [keyless], packages }, { gpgcheck: false }), 'scratch', place);
  expect(off.workspace.warnings).toEqual([]);
});

test('an unknown release, group or package is a failure that names it', async () => {
  const release = { ...signed(), url: `${signed().url}?$releasever` };
  await expect(buildLayer(dnf('r', { repos: [release], packages: ['lay-a'] }), 'scratch', place)).rejects.toThrow(
    '$releasever',
  );
  const groups = { repos: [signed()], package_groups: ['lay-tools', 'no-such-group'] };
  await expect(buildLayer(dnf('g', groups), 'scratch', place)).rejects.toThrow('no-such-group');
  await expect(buildLayer(dnf('p', { repos: [signed()], packages: ['no-such'] }), 'scratch', place)).rejects.toThrow(
    'no-such',
  );
});

test('a parent with dnf inside installs by it, and its rpm and dnf see what was installed', async () => {
  const debian = await buildLayer(
    layer('debian', { suite: 'bookworm' }, { packages: ['dnf', 'rpm'] }),
    'scratch',
    place,
  );
  const served = await serveInside(debian);
  const repos = [{ ...signed(), url: 'file:///srv/rpms' }];
  const top = {
    repos,
    package_groups: ['lay-tools'],
    packages: ['lay-a'],
    remove_packages: ['lay-c', 'lay-x'],
    cmds: ['rpm -q lay-a'],
  };
  const options = { dnf_options: 'install_weak_deps=False', proxy: 'http://user:secret-4711@127.0.0.1:1' };
  const built = await buildLayer(dnf('inside', top, options), served, place, async (root) => {
    expect(await traces(root)).toBe('');
    const { stdout } = await storage.exec('grep', ['-rlaF', 'secret-4711', root], { accept: [0, 1] });
    expect(stdout).toBe('');
  });
  expect(built.workspace.steps).toEqual(['repos', 'package_groups', 'packages', 'remove_packages', 'cmds']);
  expect(built.report.repositories).toEqual({
    'file:///srv/rpms/repodata/repomd.xml': expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
  });
  expect(built.workspace.warnings).toEqual(['remove_packages: lay-x is not installed']);
  const names = await printedInside(built.image, ['rpm', '-qa', '--queryformat', '%{NAME}\n'], storage);
  expect(
    names
      .split('\n')
      .filter((name) => name.startsWith('lay'))
      .toSorted(),
  ).toEqual(['lay-a', 'lay-b']);
  const listed = await printedInside(
    built.image,
    ['dnf', '-q', 'repoquery', '--installed', '--queryformat', '%{name}'],
    storage,
  );
  expect(listed).toContain('lay-b');
});

/** The parent with the repository's files in it, as the container has no network of the test. */
async function serveInside({ image }: BuiltLayer): Promise<string> {
  const served = layer('served', {}, { copyfiles: [{ src: repository.folder, dest: '/srv/rpms' }] });
  return (await buildLayer(served, image, place)).image;
}
