import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type BuildPlace, type BuiltLayer, buildLayer } from '../helpers/build-layer.ts';
import { type ContainerStorage, createContainerStorage } from '../helpers/container-storage.ts';
import { createDebRepository } from '../helpers/deb-repository.ts';
import { serveFiles } from '../helpers/file-server.ts';
import { layer } from '../helpers/layers.ts';

const LOGIN = 'me:s3cr@t-4711';
const IN_URL = 'me:s3cr%40t-4711@';
const SECRETS = ['s3cr@t-4711', 's3cr%40t-4711'];

let storage: ContainerStorage;
let place: BuildPlace;
/** The mirror that this machine is set up with. */
let mirror: string;
/** A flat repository with `lay-deb`, and one with a suite, `lay-suite`; both signed by `key`. */
let flat: string;
let suite: string;
let key: string;
let base: BuiltLayer;

beforeAll(async () => {
  storage = await createContainerStorage();
  const root = path.join(storage.folder, 'tree');
  await mkdir(root);
  place = { storage, root, caches: path.join(storage.folder, 'caches') };
  const targets = await storage.exec('apt-get', ['indextargets', '--format', '$(REPO_URI) $(CODENAME)']);
  mirror = /^(\S+) bookworm$/m.exec(targets.stdout)?.[1]?.replace(/\/$/, '') ?? '';
  const home = path.join(storage.folder, 'gnupg');
  await mkdir(home, { mode: 0o700 });
  const gpg = (...args: string[]) => storage.exec('gpg', ['--homedir', home, '--batch', '--yes', ...args]);
  await gpg('--passphrase', '', '--quick-generate-key', 'layers-test', 'rsa2048', 'sign', 'never');
  key = (await gpg('--armor', '--export', 'layers-test')).stdout;
  [flat, suite] = ['flat', 'suite'].map((name) => path.join(storage.folder, name)) as [string, string];
  const repositories = [
    { folder: flat, name: 'lay-deb', place: flat },
    { folder: suite, name: 'lay-suite', suite: 'lay', place: path.join(suite, 'dists/lay') },
  ];
  for (const { folder, name, suite: of, place: release } of repositories) {
    const repository = await createDebRepository(folder, storage.exec, of);
    await repository.put(name, '1.0');
    await repository.release();
    await gpg('--output', path.join(release, 'InRelease'), '--clearsign', path.join(release, 'Release'));
    await rm(path.join(release, 'Release'));
    await writeFile(path.join(folder, 'key.asc'), key);
  }
}, 300_000);
afterEach(() => vi.unstubAllEnvs());
afterAll(() => storage[Symbol.asyncDispose]());

/** Files of the image that hold one of the texts. */
async function holding(root: string, texts: readonly string[]): Promise<string> {
  const args = ['-rlaF', ...texts.flatMap((text) => ['-e', text]), root];
  return (await storage.exec('grep', args, { accept: [0, 1] })).stdout.replaceAll(root, '');
}
const has = (root: string, name: string) => existsSync(path.join(root, `usr/share/${name}/version`));
const said = (built: BuiltLayer) => built.output.filter((line) => SECRETS.some((secret) => line.includes(secret)));

test('a root from nothing takes a signed flat repository that wants a login, past a dead proxy', async () => {
  await using server = await serveFiles(flat, LOGIN);
  vi.stubEnv('no_proxy', '127.0.0.1');
  const url = server.url.replace('://', `://${IN_URL}`);
  const repos = [
    { alias: 'main', url: mirror, apt_dist: 'bookworm' },
    { alias: 'closed', url, apt_dist: './', gpg: `${url}/key.asc` },
  ];
  const top = { repos, packages: ['lay-deb'] };
  base = await buildLayer(layer('base', { suite: 'bookworm' }, top), 'scratch', place, async (root) => {
    expect(has(root, 'lay-deb')).toBe(true);
    expect(await holding(root, SECRETS)).toBe('');
    expect(readdirSync(path.join(root, 'etc/apt/auth.conf.d'))).toEqual([]);
    expect(readFileSync(path.join(root, 'etc/apt/sources.list.d/closed.sources'), 'utf8')).toBe(
      `Types: deb\nURIs: ${server.url}\nSuites: ./\nSigned-By: /etc/apt/keyrings/closed.asc\n`,
    );
    expect(readFileSync(path.join(root, 'etc/apt/keyrings/closed.asc'), 'utf8')).toBe(key);
  });
  expect(said(base)).toEqual([]);
  expect(base.workspace.warnings).toEqual([
    'no gpg key for main: apt checks against the keys of the distribution',
    expect.stringContaining('repository closed: its login is not kept in the image'),
  ]);
  expect(Object.keys(base.report.repositories ?? {})).toContain(`${server.url}/./InRelease`);
  // A child has what its parent had, but for the login.
  const child = layer('child', {}, { packages: ['lay-deb'] });
  await expect(buildLayer(child, base.image, place)).rejects.toMatchObject({
    hint: expect.stringContaining('login'),
  });
  const again = { repos: repos.slice(1), packages: ['lay-deb'] };
  const built = await buildLayer(layer('again', {}, again), base.image, place);
  expect(said(built)).toEqual([]);
});

test('only exclusive repositories; keys as text, by file, and none', async () => {
  await using server = await serveFiles(suite, LOGIN);
  await writeFile(path.join(place.root, 'key.asc'), key);
  vi.stubEnv('no_proxy', '127.0.0.1');
  const url = server.url.replace('://', `://${IN_URL}`);
  const entry = { alias: 'own', url, apt_dist: 'lay', apt_comp: 'main' };
  const build = (more: Record<string, unknown>, options: Record<string, unknown> = {}) => {
    const top = { exclusive_repos: [{ ...entry, ...more }], packages: ['lay-suite'] };
    // The proxy is dead: what is not excepted fails.
    return buildLayer(
      layer('own', { proxy: 'http://127.0.0.1:1', ...options }, top),
      base.image,
      place,
      async (root) => {
        expect(has(root, 'lay-suite')).toBe(true);
        expect(await holding(root, SECRETS)).toBe('');
        expect(readdirSync(path.join(root, 'etc/apt/sources.list.d'))).toEqual(['own.sources']);
        expect(existsSync(path.join(root, 'etc/apt/sources.list'))).toBe(false);
      },
    );
  };
  const built = await build({ gpg: key }, { gpgcheck: 'strict' });
  expect(said(built)).toEqual([]);
  expect(Object.keys(built.report.repositories ?? {})).toEqual([`${server.url}/dists/lay/InRelease`]);
  await build({ gpg: 'key.asc' });
  await build({}, { gpgcheck: false });
  await expect(build({})).rejects.toMatchObject({ hint: expect.stringContaining('gpg') });
  // Debian's key did not sign this.
  const debian = 'file:///usr/share/keyrings/debian-archive-keyring.gpg';
  await expect(build({ gpg: debian })).rejects.toMatchObject({ hint: expect.stringContaining('gpg') });
});

test("a package is no removal, and what is to be removed is asked of dpkg's own database", async () => {
  const removal = layer('removal', {}, { packages: ['lay-deb-'] });
  await expect(buildLayer(removal, base.image, place)).rejects.toThrow('for a package to remove');
  const remove = layer('remove', {}, { remove_packages: ['lay-deb', 'never-there', 'lay-deb-'] });
  const built = await buildLayer(remove, base.image, place, (root) => expect(has(root, 'lay-deb')).toBe(false));
  expect(built.workspace.warnings).toEqual([
    'remove_packages: never-there is not installed',
    'remove_packages: lay-deb- is not installed',
  ]);
});
