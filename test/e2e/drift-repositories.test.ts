import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
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

test('apt: metadata as each build used it, inherited repositories included', async () => {
  const [ofFlat, ofSuite] = [await flat.release(), await suite.release()];
  const own = server.url.replace('//', '//reader:secret-4711@');
  const repos = [
    { alias: 'debian', url: await mirror(), apt_dist: 'bookworm' },
    { alias: 'flat', config: `deb [trusted=yes] ${own}/flat_~repo ./\n` },
    { alias: 'suite', url: `${own}/suite`, apt_dist: 'stable' },
  ];
  const options = { suite: 'bookworm', gpgcheck: false };
  const base = await buildLayer(layer('base', options, { repos, packages: ['lay-flat'] }), 'scratch', place);
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
  const child = await buildLayer(layer('child', {}, { packages: ['lay-suite'] }), base.image, place);
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
  await writeFile(path.join(rpms, 'comps2.xml'), '<comps/>');
  await storage.exec('createrepo_c', ['--quiet', '--groupfile', path.join(rpms, 'comps2.xml'), rpms]);
  expect(digest(rpms)).not.toBe(before);
  const child = layer('child', { ...options, force_installroot: true }, { packages: ['lay-d'] });
  expect((await buildLayer(child, built.image, place)).report.repositories).toEqual({
    [`${server.url}/el9/os/repodata/repomd.xml`]: before,
    [`file://${rpms}/repodata/repomd.xml`]: digest(rpms),
  });
  const removing = layer('rm', { ...options, force_installroot: true }, { remove_packages: ['lay-a'] });
  expect((await buildLayer(removing, built.image, place)).report.repositories).toEqual({});
});
