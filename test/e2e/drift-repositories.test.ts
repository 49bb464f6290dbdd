import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Layer } from '../../tool/src/config/layer.ts';
import type { LayerRecord } from '../../tool/src/recipe/record.ts';
import { packagesInside } from '../../tool/src/run/outdated.ts';
import { openThrowaway } from '../../tool/src/run/throwaway.ts';
import { createBuildah } from '../../tool/src/system/buildah-cli.ts';
import { type BuildPlace, buildLayer } from '../helpers/build-layer.ts';
import { type ContainerStorage, createContainerStorage } from '../helpers/container-storage.ts';
import { createDebRepository, type DebRepository } from '../helpers/deb-repository.ts';
import { type FileServer, serveFiles } from '../helpers/file-server.ts';
import { layer } from '../helpers/layers.ts';
import { createRpmRepository } from '../helpers/rpm-repository.ts';

let storage: ContainerStorage;
let place: BuildPlace;
let flat: DebRepository;
let suite: DebRepository;
let server: FileServer;

beforeAll(async () => {
  storage = await createContainerStorage();
  const root = path.join(storage.folder, 'tree');
  await mkdir(root);
  place = { storage, root, caches: path.join(storage.folder, 'caches') };
  const served = path.join(storage.folder, 'served');
  flat = await createDebRepository(path.join(served, 'flat_~repo'), storage.exec);
  suite = await createDebRepository(path.join(served, 'suite'), storage.exec, 'stable');
  await flat.put('lay-flat', '1.0');
  await suite.put('lay-suite', '1.0');
  server = await serveFiles(served, 'reader:secret-4711');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await storage[Symbol.asyncDispose]();
});

/** The mirror that this machine is set up with. */
async function mirror(): Promise<string> {
  const targets = await storage.exec('apt-get', ['indextargets', '--format', '$(REPO_URI) $(CODENAME)']);
  return /^(\S+) bookworm$/m.exec(targets.stdout)?.[1]?.replace(/\/$/, '') ?? '';
}

/** What `layers outdated` says of the packages of an image, and that it leaves nothing behind. */
async function outdated(of: Layer, image: string): Promise<unknown> {
  const signal = new AbortController().signal;
  const settings = { root: place.root, environment: storage.env, isolation: 'chroot', signal, forced: signal } as const;
  const temporary = path.join(storage.folder, 'looking');
  mkdirSync(temporary);
  const store = await createBuildah(storage.exec, { isolation: 'chroot', runId: 'look' }).store();
  const record = { image: { local: { id: image, size: 1, ...store } } } as LayerRecord;
  try {
    await using throwaway = openThrowaway(settings, path.join(storage.folder, 'state'), temporary);
    const resolve = (file: string) => path.resolve(place.root, file);
    return await packagesInside(of, record, { throwaway, resolve, toolsOf: async () => undefined });
  } finally {
    expect(readdirSync(temporary)).toEqual([]);
    expect(readdirSync(path.join(storage.folder, 'state/locks/runs'))).toEqual([]);
    rmdirSync(temporary);
    const { stdout } = await storage.exec('buildah', ['containers', '--quiet']);
    expect(stdout.trim()).toBe('');
  }
}

/** A newer version of a package of the rpm repository. */
async function putRpm(folder: string, name: string, version: string): Promise<void> {
  const spec = path.join(storage.folder, `${name}-${version}.spec`);
  const head = `Name: ${name}\nVersion: ${version}\nRelease: 1\nSummary: Test\nLicense: MIT\nBuildArch: noarch\n`;
  await writeFile(spec, `${head}%description\nOf a test.\n%files\n`);
  const defines = ['--define', `_topdir ${storage.folder}/top`, '--define', `_rpmdir ${folder}`];
  await storage.exec('rpmbuild', ['-bb', ...defines, spec]);
  await storage.exec('createrepo_c', ['--quiet', folder]);
}

test('apt: metadata as each build used it, inherited repositories included', async () => {
  const [ofFlat, ofSuite] = [await flat.release(), await suite.release()];
  const own = server.url.replace('//', '//reader:secret-4711@');
  const repos = [
    { alias: 'debian', url: await mirror(), apt_dist: 'bookworm' },
    { alias: 'flat', config: `deb [trusted=yes] ${own}/flat_~repo ./\n` },
    { alias: 'suite', url: `${own}/suite`, apt_dist: 'stable' },
  ];
  const options = { suite: 'bookworm', gpgcheck: false };
  const baseLayer = layer('base', options, { repos, packages: ['lay-flat', 'lay-suite'] });
  const base = await buildLayer(baseLayer, 'scratch', place);
  expect(await outdated(baseLayer, base.image)).toEqual([]);
  const { repositories = {} } = base.report;
  const [flatUrl, suiteUrl] = [`${server.url}/flat_~repo/./Release`, `${server.url}/suite/dists/stable/Release`];
  expect(repositories).toEqual({
    [`${await mirror()}/dists/bookworm/InRelease`]: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    [flatUrl]: ofFlat,
    [suiteUrl]: ofSuite,
  });

  // A child that only installs has its parent's; what moved since shows, the rest stays.
  await suite.put('lay-suite', '2.0');
  const moved = await suite.release();
  expect(moved).not.toBe(ofSuite);
  expect(await outdated(baseLayer, base.image)).toEqual([{ name: 'lay-suite', from: '1.0', to: '2.0' }]);
  // Logins are not kept in the image: who installs from there brings them.
  const ofChild = layer('child', { gpgcheck: false }, { repos: repos.slice(1), packages: ['lay-suite'] });
  const child = await buildLayer(ofChild, base.image, place);
  expect(child.report.repositories).toEqual({ ...repositories, [suiteUrl]: moved });
  expect(JSON.stringify(child.report)).not.toContain('secret-4711');

  const still = await buildLayer(layer('still', {}, { cmds: ['true'] }), base.image, place);
  expect(still.report.repositories).toEqual({});
});

test('dnf: repomd.xml of the run, on the host', async () => {
  const folder = path.join(storage.folder, 'rpms');
  mkdirSync(folder);
  const { folder: rpms, key } = await createRpmRepository(folder, storage.exec);
  await cp(key, path.join(place.root, 'key.asc'));
  const served = path.join(storage.folder, 'served', 'el9', 'os');
  await mkdir(path.dirname(served), { recursive: true });
  await cp(rpms, served, { recursive: true });
  const own = server.url.replace('//', '//reader:secret-4711@');
  const repos = [
    { alias: 'own', url: `file://${rpms}`, gpg: 'key.asc' },
    { alias: 'far', url: `${own}/el$releasever/os`, gpg: 'key.asc' },
    { alias: 'off', config: '[off]\nname=off\nenabled=0\nbaseurl=http://127.0.0.1:1/\n' },
  ];
  const options = { pkg_manager: 'dnf', releasever: '9' };
  const digest = (root: string) =>
    `sha256:${createHash('sha256')
      .update(readFileSync(path.join(root, 'repodata/repomd.xml')))
      .digest('hex')}`;
  const before = digest(rpms);
  const built = await buildLayer(layer('rpm', options, { repos, packages: ['lay-a'] }), 'scratch', place);
  expect(built.report.repositories).toEqual({
    [`${server.url}/el9/os/repodata/repomd.xml`]: before,
    [`file://${rpms}/repodata/repomd.xml`]: before,
  });
  // The repository moves; a child that only installs uses what it is by then.
  await putRpm(rpms, 'lay-b', '2.0');
  expect(digest(rpms)).not.toBe(before);
  const parent = layer('rpm', options, { repos, packages: ['lay-a'] });
  expect(await outdated(parent, built.image)).toEqual([{ name: 'lay-b.noarch', from: '1.0-1', to: '2.0-1' }]);
  const child = layer('child', { ...options, force_installroot: true }, { packages: ['lay-d'] });
  expect((await buildLayer(child, built.image, place)).report.repositories).toEqual({
    [`${server.url}/el9/os/repodata/repomd.xml`]: before,
    [`file://${rpms}/repodata/repomd.xml`]: digest(rpms),
  });
  const removing = layer('rm', { ...options, force_installroot: true }, { remove_packages: ['lay-a'] });
  expect((await buildLayer(removing, built.image, place)).report.repositories).toEqual({});
});
