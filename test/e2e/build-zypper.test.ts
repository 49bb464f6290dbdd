import { existsSync, readFileSync, statSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { outdatedPackages } from '../../tool/src/build/outdated-packages.ts';
import { buildCommitted } from '../helpers/build-image.ts';
import { type BuildPlace, type BuiltLayer, buildLayer, printedInside } from '../helpers/build-layer.ts';
import { type ContainerStorage, createContainerStorage } from '../helpers/container-storage.ts';
import { serveFiles } from '../helpers/file-server.ts';
import { layer } from '../helpers/layers.ts';
import { recordingWorkspace } from '../helpers/publish-workspace.ts';
import { createRpmRepository, type RpmPackage, type RpmRepository } from '../helpers/rpm-repository.ts';

const PACKAGES: readonly RpmPackage[] = [
  { name: 'lay-a', requires: 'lay-b', recommends: 'lay-r' },
  { name: 'lay-b' },
  { name: 'lay-c' },
  { name: 'lay-d' },
  { name: 'lay-r' },
  { name: 'lay-sh', provides: '/bin/sh' },
  { name: 'lay-post', post: 'exit 3' },
  { name: 'lay-eula', licence: 'Agree to this.' },
  // As SUSE's patterns are: more than one capability of a package is a line each.
  {
    name: 'patterns-lay-tools',
    summary: 'Lay Tools',
    provides: 'pattern() = lay_tools\nProvides: pattern-visible()',
    requires: 'lay-c',
  },
];

let storage: ContainerStorage;
let place: BuildPlace;
let repository: RpmRepository;
let newer: RpmRepository;

beforeAll(async () => {
  storage = await createContainerStorage();
  const root = path.join(storage.folder, 'tree');
  place = { storage, root, caches: path.join(storage.folder, 'caches') };
  const [rpms, newerRpms] = ['rpms', 'newer'].map((name) => path.join(storage.folder, name)) as [string, string];
  for (const folder of [root, rpms, newerRpms]) await mkdir(folder);
  repository = await createRpmRepository(rpms, storage.exec, PACKAGES);
  newer = await createRpmRepository(newerRpms, storage.exec, [{ name: 'lay-b', version: '2.0' }]);
  await cp(repository.key, path.join(root, 'key.asc'));
  await cp(newer.key, path.join(root, 'newer.asc'));
});
afterAll(() => storage[Symbol.asyncDispose]());

const zypper = (id: string, top: Record<string, unknown>, options: Record<string, unknown> = {}) =>
  layer(id, { pkg_manager: 'zypper', ...options }, top);
const signed = () => ({ alias: 'own', url: `file://${repository.folder}`, gpg: 'key.asc' });
const newest = () => ({ alias: 'newer', url: `file://${newer.folder}`, gpg: 'newer.asc' });

/** `name-version` of each package, as the rpm of the host sees the image's database, and the keys that rpm trusts. */
async function installed(root: string): Promise<string[]> {
  const query = ['--root', root, '--dbpath', '/var/lib/rpm', '-qa', '--queryformat', '%{NAME}-%{VERSION}\n'];
  const { stdout } = await storage.exec('rpm', query);
  const names = stdout.split('\n').filter((name) => name !== '');
  return names.map((name) => name.replace(/^(gpg-pubkey)-.*/, '$1')).toSorted();
}

/** Files below `root` that hold a path of the builder, or lie at one. */
async function traces(root: string): Promise<string> {
  const ours = ['workspace', 'graph', 'caches'].flatMap((name) => ['-e', `${storage.folder}/${name}`]);
  const names = await storage.exec('find', [root, '-path', `${root}${path.dirname(storage.folder)}/*`]);
  return (await storage.exec('grep', ['-rlaF', ...ours, root], { accept: [0, 1] })).stdout + names.stdout;
}

test('a root from nothing: packages, groups, licences, removal, keys, and nothing of the builder', async () => {
  const top = {
    repos: [signed()],
    package_groups: ['lay_tools'],
    packages: ['lay-a >= 1', 'lay-d', 'lay-eula'],
    remove_packages: ['lay-x', 'lay-d'],
  };
  const built = await buildLayer(zypper('scratch', top), 'scratch', place, async (root) => {
    const names = ['lay-a', 'lay-b', 'lay-c', 'lay-eula', 'lay-r', 'patterns-lay-tools'].map((name) => `${name}-1.0`);
    expect(await installed(root)).toEqual(['gpg-pubkey', ...names]);
    expect(readFileSync(path.join(root, 'etc/zypp/repos.d/own.repo'), 'utf8')).toBe(
      `[own]\nname=own\nbaseurl=file://${repository.folder}\nenabled=1\ngpgcheck=1\ngpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-own\nautorefresh=1\nrepo_gpgcheck=0\npkg_gpgcheck=1\n`,
    );
    expect(readFileSync(path.join(root, 'var/lib/zypp/AutoInstalled'), 'utf8')).toMatch(/^lay-b\nlay-c\n|^lay-b$/m);
    for (const file of ['root', 'var/cache', 'var/log', 'tmp', 'run', 'etc/yum.repos.d', 'etc/zypp/zypp.conf']) {
      expect(existsSync(path.join(root, file)), file).toBe(false);
    }
    expect(await traces(root)).toBe('');
  });
  expect(built.workspace.steps).toEqual(['repos', 'package_groups', 'packages', 'remove_packages']);
  expect(built.workspace.warnings).toEqual(['remove_packages: lay-x is not installed']);
  expect(built.report.repositories).toEqual({
    [`file://${repository.folder}/repodata/repomd.xml`]: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
  });
  // A child whose parent has no zypper inside says what to do, and the host's zypper sees what the parent has.
  const more = { packages: ['lay-d'], remove_packages: ['lay-r'] };
  await expect(buildLayer(zypper('child', more), built.image, place)).rejects.toMatchObject({
    hint: expect.stringContaining('force_installroot'),
  });
  await buildLayer(zypper('forced', more, { force_installroot: true }), built.image, place, async (root) => {
    expect(await installed(root)).toContain('lay-d-1.0');
    expect(await installed(root)).not.toContain('lay-r-1.0');
    expect(await traces(root)).toBe('');
  });
});

test('a group may be called by the name that is shown; unknown ones, packages and releases are named', async () => {
  const shown = zypper('shown', { repos: [signed()], package_groups: ['Lay Tools'] });
  await buildLayer(shown, 'scratch', place, async (root) => expect(await installed(root)).toContain('lay-c-1.0'));
  const build = (top: Record<string, unknown>) =>
    buildLayer(zypper('l', { repos: [signed()], ...top }), 'scratch', place);
  await expect(build({ package_groups: ['lay_tools', 'no_such'] })).rejects.toThrow(
    'package_groups: no repository has no_such',
  );
  await expect(build({ packages: ['lay-a', 'no-such', 'lay-b >= 3'] })).rejects.toThrow(
    /^packages: no repository has .*no-such/,
  );
  await expect(build({ repos: [{ ...signed(), url: 'https://rpm.example/$releasever' }] })).rejects.toThrow(
    'the release is not known',
  );
});

test('keys are asked for as gpgcheck says', async () => {
  const { gpg: _gpg, ...keyless } = signed();
  const packages = ['lay-b'];
  const built = await buildLayer(zypper('keyless', { repos: [keyless], packages }), 'scratch', place);
  expect(built.workspace.warnings).toEqual(['no gpg key for own: packages from there are not checked']);
  await expect(
    buildLayer(zypper('strict', { repos: [keyless], packages }, { gpgcheck: 'strict' }), 'scratch', place),
  ).rejects.toThrow('gpgcheck: strict, and there is no gpg key for own');
  const bad = { ...signed(), gpg: 'newer.asc' };
  await expect(buildLayer(zypper('bad', { repos: [bad], packages }), 'scratch', place)).rejects.toThrow(
    "packages: signed by no key that the image's rpm knows: lay-b-1.0-1.noarch (own)",
  );
  const off = await buildLayer(zypper('off', { repos: [bad], packages }, { gpgcheck: false }), 'scratch', place);
  expect(off.workspace.warnings).toEqual([]);
  // A text that is given whole brings its key itself.
  const config = `[own]\nname=own\nbaseurl=${signed().url}\ngpgcheck=1\nrepo_gpgcheck=0\npkg_gpgcheck=1\ngpgkey=file://${repository.key}\n`;
  const whole = zypper('whole', { repos: [{ alias: 'own', config }], packages }, { gpgcheck: 'strict' });
  await buildLayer(whole, 'scratch', place, async (root) =>
    expect(await installed(root)).toEqual(['gpg-pubkey', 'lay-b-1.0']),
  );
});

test('the priority decides between two repositories, unset and set', async () => {
  const build = async (own: Record<string, unknown>, other: Record<string, unknown>) => {
    const repos = [
      { ...signed(), ...own },
      { ...newest(), ...other },
    ];
    let names: string[] = [];
    await buildLayer(zypper('p', { repos, packages: ['lay-b'] }), 'scratch', place, async (root) => {
      names = await installed(root);
    });
    return names.filter((name) => name.startsWith('lay'));
  };
  expect(await build({}, {})).toEqual(['lay-b-2.0']);
  expect(await build({ priority: 98 }, {})).toEqual(['lay-b-1.0']);
  expect(await build({ priority: '90' }, { priority: 10 })).toEqual(['lay-b-2.0']);
});

test('a repository that cannot be read is a failure that names it', async () => {
  const gone = { alias: 'gone', url: `file://${storage.folder}/nothing`, gpg: 'key.asc' };
  const build = buildLayer(zypper('l', { repos: [signed(), gone], packages: ['lay-b'] }), 'scratch', place);
  await expect(build).rejects.toThrow('the metadata of repository gone cannot be used');
});

test('logins and proxies: used, for root only in the image, and printed nowhere', async () => {
  await using server = await serveFiles(path.dirname(repository.folder), 'user:secret-4711');
  await using proxy = await serveFiles(path.dirname(repository.folder));
  const url = `${server.url.replace('//', '//user:secret-4711@')}/repository`;
  const build = (repo: Record<string, unknown>, options: Record<string, unknown>, check = (_root: string) => {}) =>
    buildLayer(
      zypper('l', { repos: [{ ...signed(), ...repo }], packages: ['lay-b'] }, options),
      'scratch',
      place,
      check,
    );
  const built = await build({ url }, {}, (root) => {
    const file = path.join(root, 'etc/zypp/repos.d/own.repo');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toContain('secret-4711');
  });
  expect(built.output.join('\n')).not.toContain('secret-4711');
  expect(JSON.stringify(built.report)).not.toContain('secret-4711');
  expect(built.workspace.warnings.join('\n')).toContain('the login of a repository stays in the image');
  // A host that nobody has: only the proxy knows it.
  await build({ alias: 'far', url: 'http://rpm.invalid/repository' }, { proxy: proxy.url });
  expect(proxy.requests.map((request) => request.path)).toContain('http://rpm.invalid/repository/repodata/repomd.xml');
});

test('what a layer without packages configures serves its children, who can tell what is newer', async () => {
  const base = await buildLayer(zypper('base', { repos: [signed()] }), 'scratch', place);
  const forced = { force_installroot: true };
  const child = await buildLayer(zypper('child', { packages: ['lay-b'] }, forced), base.image, place);
  expect(child.report.repositories).toEqual({
    [`file://${repository.folder}/repodata/repomd.xml`]: expect.stringMatching(/^sha256:/),
  });
  const more = zypper('more', { repos: [newest()] }, forced);
  await buildLayer(more, child.image, place, async (root) => {
    expect(await installed(root)).toEqual(['gpg-pubkey', 'gpg-pubkey', 'lay-b-1.0']);
    const target = { layer: more, container: '', mountPoint: root, fromScratch: false, resolve: path.resolve };
    const workspace = await recordingWorkspace(storage.folder, { exec: storage.exec });
    expect(await outdatedPackages(target, workspace)).toEqual([{ name: 'lay-b.noarch', from: '1.0-1', to: '2.0-1' }]);
  });
});

test('equal builds make equal images', async () => {
  const one = zypper('same', { repos: [signed()], packages: ['lay-a'] });
  const [first, second] = [await buildCommitted(one, 'scratch', place), await buildCommitted(one, 'scratch', place)];
  expect(second.content).toBe(first.content);
  expect(second.date).toBe(first.date);
  // Why a package is there decides what a later removal takes.
  const both = await buildCommitted(
    zypper('same', { repos: [signed()], packages: ['lay-a', 'lay-b'] }),
    'scratch',
    place,
  );
  expect(both.content).not.toBe(first.content);
});

test('a parent with zypper inside installs by it; a failed scriptlet is a warning, its own repositories serve or are left', async () => {
  // rpm's database where SUSE has it, and where libzypp looks: Debian's rpm looks in root's home.
  const cmds = ["mkdir -p /etc/rpm && echo '%_dbpath /var/lib/rpm' > /etc/rpm/macros"];
  const debian = await buildLayer(
    layer('debian', { suite: 'bookworm' }, { packages: ['zypper', 'rpm', 'gpg', 'gpgv'], cmds }),
    'scratch',
    place,
  );
  const served = await serveInside(debian);
  const repos = [{ ...signed(), url: 'file:///srv/rpms' }];
  const top = {
    repos,
    package_groups: ['lay_tools'],
    packages: ['lay-a', 'lay-post', 'lay-eula'],
    remove_packages: ['lay-x', 'lay-r'],
    cmds: ['rpm -q lay-a'],
  };
  const options = { proxy: 'http://user:secret-4711@127.0.0.1:1' };
  const built = await buildLayer(zypper('inside', top, options), served, place, async (root) => {
    expect(await traces(root)).toBe('');
    const { stdout } = await storage.exec('grep', ['-rlaF', 'secret-4711', root], { accept: [0, 1] });
    expect(stdout).toBe('');
    expect(existsSync(path.join(root, 'var/cache/zypp/raw')), 'a cache in the image').toBe(false);
  });
  expect(built.workspace.steps).toEqual(['repos', 'package_groups', 'packages', 'remove_packages', 'cmds']);
  expect(built.workspace.warnings).toEqual([
    'packages: installed, but not everything ran: %post(lay-post-1.0-1.noarch) scriptlet failed, exit status 3',
    'remove_packages: lay-x is not installed',
  ]);
  expect(built.report.repositories).toEqual({
    'file:///srv/rpms/repodata/repomd.xml': expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
  });
  const names = await namesInside(built.image);
  expect(names.filter((name) => /^(lay|patt)/.test(name))).toEqual([
    'lay-a',
    'lay-b',
    'lay-c',
    'lay-eula',
    'lay-post',
    'lay-sh',
    'patterns-lay-tools',
  ]);
  // What came with its requirers is known as such by the image's own zypper.
  const automatic = await printedInside(built.image, ['cat', '/var/lib/zypp/AutoInstalled'], storage);
  expect(automatic).toContain('lay-b');
  // The child lists none: its parent's repository and key serve.
  const child = await buildLayer(zypper('child', { packages: ['lay-d'] }), built.image, place);
  expect(await namesInside(child.image)).toContain('lay-d');
  const exclusive = { exclusive_repos: [{ ...newest(), url: 'file:///srv/newer' }], packages: ['lay-d'] };
  await expect(buildLayer(zypper('exclusive', exclusive), built.image, place)).rejects.toThrow(
    'packages: no repository has lay-d',
  );
});

async function namesInside(image: string): Promise<string[]> {
  const names = await printedInside(image, ['rpm', '-qa', '--queryformat', '%{NAME}\n'], storage);
  return names.split('\n').toSorted();
}

/** The parent with the repositories' files in it, as the container sees none of the test's. */
async function serveInside({ image }: BuiltLayer): Promise<string> {
  const copyfiles = [
    { src: repository.folder, dest: '/srv/rpms' },
    { src: newer.folder, dest: '/srv/newer' },
  ];
  return (await buildLayer(layer('served', {}, { copyfiles }), image, place)).image;
}
