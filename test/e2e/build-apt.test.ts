import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BuildPlace, type BuiltLayer, buildLayer, printedInside } from '../helpers/build-layer.ts';
import { type ContainerStorage, createContainerStorage } from '../helpers/container-storage.ts';
import { layer } from '../helpers/layers.ts';

let storage: ContainerStorage;
let place: BuildPlace;
let base: BuiltLayer;
let hostName: string;
/** The mirror that this machine is set up with. */
let mirror: string;

beforeAll(async () => {
  storage = await createContainerStorage();
  const root = path.join(storage.folder, 'tree');
  await mkdir(path.join(root, 'files'), { recursive: true });
  await writeFile(path.join(root, 'files/motd'), 'welcome\n');
  place = { storage, root, caches: path.join(storage.folder, 'caches') };
  const targets = await storage.exec('apt-get', ['indextargets', '--format', '$(REPO_URI) $(CODENAME)']);
  mirror = /^(\S+) bookworm$/m.exec(targets.stdout)?.[1]?.replace(/\/$/, '') ?? '';
  hostName = readFileSync('/etc/hostname', 'utf8').trim();
  const settings = { suite: 'bookworm' };
  const top = {
    packages: ['bash', 'less'],
    remove_packages: ['less', 'not-a-package'],
    copyfiles: [{ src: 'files/motd', dest: '/etc/motd', opts: ['--chmod', '0640'] }],
    cmds: ['echo $BASH_VERSION > /shell', { cmd: 'echo hidden', loglevel: 'DEBUG' }],
  };
  base = await buildLayer(layer('base', settings, top), 'scratch', place, (mounted) => {
    for (const file of ['etc/hostname', 'etc/hosts', 'etc/resolv.conf', 'usr/sbin/policy-rc.d']) {
      expect(existsSync(path.join(mounted, file)), file).toBe(false);
    }
    expect(readFileSync(path.join(mounted, 'etc/motd'), 'utf8')).toBe('welcome\n');
    expect(lstatSync(path.join(mounted, 'etc/motd')).mode & 0o7777).toBe(0o640);
    expect(readFileSync(path.join(mounted, 'shell'), 'utf8')).toMatch(/^5\./);
    expect(readdirSync(path.join(mounted, 'var/cache/apt/archives'))).not.toContainEqual(
      expect.stringContaining('.deb'),
    );
  });
});
afterAll(() => storage[Symbol.asyncDispose]());

test('a root from nothing has the packages, and not what was removed', async () => {
  expect(base.workspace.steps).toEqual(['packages', 'remove_packages', 'copyfiles', 'cmds 1/2', 'cmds 2/2']);
  expect(base.workspace.warnings).toEqual(['remove_packages: not-a-package is not installed']);
  const installed = await printedInside(base.image, ['dpkg-query', '--show'], storage);
  const names = installed.split('\n').map((line) => line.split('\t')[0]);
  expect(names).toContain('bash');
  expect(names).not.toContain('less');
});

test('the output of a command shows from its loglevel on', () => {
  expect(base.output).not.toContain('hidden');
});

test('no path and no name of the builder is left in it', async () => {
  const found = await printedInside(
    base.image,
    ['grep', '-rlF', '-e', storage.folder, '-e', 'LAYERS_', '/etc', '/usr', '/var', '/root'],
    storage,
  ).catch((error: { result: { stdout: string } }) => error.result.stdout);
  expect(found).toBe('');
  expect(hostName).not.toBe('');
});

test('a child installs by the apt of its parent, starts no service, and leaves neither lists nor packages', async () => {
  const top = {
    packages: ['less', 'dbus'],
    repos: [{ alias: 'own repo', url: mirror, apt_dist: 'bookworm-updates', apt_comp: 'main' }],
    cmds: ['less --version'],
  };
  const build = (id: string) =>
    buildLayer(layer(id, {}, top), base.image, place, (mounted) => {
      for (const folder of ['var/lib/apt/lists', 'var/cache/apt/archives']) {
        const left = readdirSync(path.join(mounted, folder)).filter(
          (name) => !['lock', 'partial', 'auxfiles'].includes(name),
        );
        expect(left, folder).toEqual([]);
      }
      for (const file of ['usr/sbin/policy-rc.d', 'etc/resolv.conf', 'etc/hosts', 'etc/hostname']) {
        expect(existsSync(path.join(mounted, file)), file).toBe(false);
      }
      const source = path.join(mounted, 'etc/apt/sources.list.d/own-repo.sources');
      expect(readFileSync(source, 'utf8')).toBe(
        `Types: deb\nURIs: ${mirror}\nSuites: bookworm-updates\nComponents: main\n`,
      );
    });
  // Two at a time share the cache.
  const [child, other] = await Promise.all([build('child'), build('other')]);
  expect(child.workspace.steps).toEqual(['repos', 'packages', 'cmds']);
  expect(child.workspace.warnings).toEqual([
    'no gpg key for own repo: apt checks against the keys of the distribution',
  ]);
  expect(other.output.join('\n')).toContain('policy-rc.d');
  const cached = readdirSync(path.join(place.caches, 'apt-debian-bookworm/archives'));
  expect(cached.some((name) => name.startsWith('less_'))).toBe(true);
  const again = await build('again');
  expect(again.output.join('\n')).not.toMatch(/^Get:\d+ .* less /m);
});

test('strict refuses a repository without a key; a package that is none is refused before anything runs', async () => {
  const repos = [{ alias: 'x', url: 'http://mirror.example/debian' }];
  await expect(buildLayer(layer('strict', { gpgcheck: 'strict' }, { repos }), base.image, place)).rejects.toThrow(
    'gpgcheck: strict, and there is no gpg key for x',
  );
  const packages = ['-oAPT::Update::Pre-Invoke::=touch /tmp/owned'];
  await expect(buildLayer(layer('option', {}, { packages }), base.image, place)).rejects.toThrow(
    'is not a package name',
  );
});

test('a failing command is named by its place, and its text is not shown', async () => {
  const cmds = ['true', 'echo oh no >&2; echo secret-token-4711 >/dev/null; exit 3'];
  const failure = await buildLayer(layer('failing', {}, { cmds }), base.image, place).catch((error: Error) => error);
  expect(failure).toMatchObject({ message: 'command 2 under cmds: exit code 3: oh no' });
  expect(JSON.stringify((failure as { result?: unknown }).result)).not.toContain('secret-token');
});
