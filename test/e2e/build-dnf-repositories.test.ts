import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type BuildPlace, buildLayer, printedInside } from '../helpers/build-layer.ts';
import { type ContainerStorage, createContainerStorage } from '../helpers/container-storage.ts';
import { serveFiles } from '../helpers/file-server.ts';
import { layer } from '../helpers/layers.ts';
import { createModularRepository } from '../helpers/rpm-modular.ts';
import { installedRpms } from '../helpers/rpm-query.ts';
import { createRpmRepository, type RpmRepository } from '../helpers/rpm-repository.ts';

const LOGIN = 'me:s3cr@t-4711';
const IN_URL = 'me:s3cr%40t-4711@';
const SECRETS = ['s3cr@t-4711', 's3cr%40t-4711'];
const DEAD = 'http://127.0.0.1:1';

let storage: ContainerStorage;
let place: BuildPlace;
let signed: RpmRepository;
let extra: string;

beforeAll(async () => {
  storage = await createContainerStorage();
  const root = path.join(storage.folder, 'tree');
  await mkdir(root);
  place = { storage, root, caches: path.join(storage.folder, 'caches') };
  const rpms = path.join(storage.folder, 'rpms');
  await mkdir(rpms);
  signed = await createRpmRepository(rpms, storage.exec);
  extra = await createModularRepository(path.join(storage.folder, 'modular'), storage.exec);
  await cp(signed.key, path.join(signed.folder, 'key.asc'));
  await cp(signed.key, path.join(root, 'key.asc'));
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => storage[Symbol.asyncDispose]());

const dnf = (id: string, top: Record<string, unknown>, options: Record<string, unknown> = {}) =>
  layer(id, { pkg_manager: 'dnf', ...options }, top);
const local = (folder: string) => `file://${folder}`;

/** Files below `root` that hold one of the texts. */
async function holding(root: string, texts: readonly string[]): Promise<string> {
  const args = ['-rlaF', ...texts.flatMap((text) => ['-e', text]), root];
  return (await storage.exec('grep', args, { accept: [0, 1] })).stdout.replaceAll(root, '');
}

test('a login stays out of what is said and of all but one file, and children use it', async () => {
  await using server = await serveFiles(signed.folder, LOGIN);
  const base = server.url.replace('://', `://${IN_URL}`);
  const repos = [{ alias: 'closed', url: `${base}/?a=1&b=2`, gpg: `${base}/key.asc` }];
  const first = dnf('first', { repos, packages: ['lay-a'] }, { gpgcheck: 'strict' });
  const built = await buildLayer(first, 'scratch', place, async (root) => {
    expect(await installedRpms(root, storage)).toEqual(['gpg-pubkey', 'lay-a-1.0', 'lay-b-1.0']);
    expect(await holding(root, SECRETS)).toBe('/etc/yum.repos.d/closed.repo\n');
    const file = path.join(root, 'etc/yum.repos.d/closed.repo');
    expect(lstatSync(file).mode & 0o7777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toContain(`baseurl=${server.url}/?a=1&b=2\n`);
  });
  expect(built.workspace.warnings).toEqual([
    '/etc/yum.repos.d/closed.repo: the login of a repository stays in the image, readable for root only',
  ]);
  expect(built.output.filter((line) => SECRETS.some((secret) => line.includes(secret)))).toEqual([]);
  expect(server.requests.map(({ path: asked }) => asked)).toContain('/repodata/repomd.xml?a=1&b=2');
  expect(built.report.repositories).toEqual({ [`${server.url}/repodata/repomd.xml?a=1&b=2`]: expect.any(String) });
  const child = dnf('child', { packages: ['lay-d'] }, { force_installroot: true });
  await buildLayer(child, built.image, place, async (root) => {
    expect(await installedRpms(root, storage)).toContain('lay-d-1.0');
  });
  const wrong = [{ alias: 'closed', url: base.replace('4711', '4712'), gpg: 'key.asc' }];
  const failure = await buildLayer(dnf('wrong', { repos: wrong, packages: ['lay-a'] }), 'scratch', place).catch(
    (error: Error) => error,
  );
  expect(JSON.stringify(failure)).toContain('Status code: 401');
  expect(JSON.stringify(failure) + String(failure)).not.toContain('t-4712');
});

test('keys as text and in the image; a wrong key, none and no key at all', async () => {
  const text = readFileSync(signed.key, 'utf8');
  const own = { alias: 'own', url: local(signed.folder) };
  const packages = ['lay-b'];
  const inline = dnf('inline', { repos: [{ ...own, gpg: text }], packages }, { gpgcheck: 'strict' });
  const built = await buildLayer(inline, 'scratch', place, async (root) => {
    expect(await installedRpms(root, storage)).toEqual(['gpg-pubkey', 'lay-b-1.0']);
  });
  expect(built.workspace.warnings).toEqual([]);
  // `file://` means the image's own.
  const again = { ...own, alias: 'again', gpg: 'file:///etc/pki/rpm-gpg/RPM-GPG-KEY-own' };
  await buildLayer(dnf('in-image', { repos: [again] }, { force_installroot: true }), built.image, place, (root) => {
    expect(readFileSync(path.join(root, 'etc/pki/rpm-gpg/RPM-GPG-KEY-again'), 'utf8')).toBe(text);
  });
  const home = path.join(storage.folder, 'other-gnupg');
  await mkdir(home, { mode: 0o700 });
  const gpg = (...args: string[]) => storage.exec('gpg', ['--homedir', home, '--batch', ...args]);
  await gpg('--passphrase', '', '--quick-generate-key', 'other', 'rsa2048', 'sign', 'never');
  await writeFile(path.join(place.root, 'other.asc'), (await gpg('--armor', '--export', 'other')).stdout);
  const wrong = dnf('wrong', { repos: [{ ...own, gpg: 'other.asc' }], packages });
  await expect(buildLayer(wrong, 'scratch', place)).rejects.toThrow(/GPG|signed|key/i);
  await writeFile(path.join(place.root, 'page.html'), '<html>');
  const page = dnf('page', { repos: [{ ...own, gpg: 'page.html' }], packages });
  await expect(buildLayer(page, 'scratch', place)).rejects.toThrow('is no OpenPGP key');
  // What a parent may do unchecked, a strict child may not.
  const loose = await buildLayer(dnf('loose', { repos: [{ alias: 'own', url: local(extra) }] }), 'scratch', place);
  const strict = dnf('strict', { packages: ['lay-e'] }, { gpgcheck: 'strict', force_installroot: true });
  await expect(buildLayer(strict, loose.image, place)).rejects.toThrow(/GPG|not signed/i);
  const off = dnf('off', { packages: ['lay-e'] }, { gpgcheck: false, force_installroot: true });
  await buildLayer(off, loose.image, place);
});

test('a .repo file is loaded, checked and written by us; so is one that the layer holds', async () => {
  await using server = await serveFiles(signed.folder);
  const file = `[one]\nname=One\nbaseurl=${server.url}\ngpgkey=${server.url}/key.asc\n[off]\nbaseurl=${server.url}/no\nenabled=0\ngpgkey=${server.url}/key.asc\n`;
  await writeFile(path.join(signed.folder, 'vendor.repo'), file);
  await writeFile(path.join(signed.folder, 'page.repo'), '<html>sign in</html>');
  const strict = { gpgcheck: 'strict' };
  const loaded = [{ alias: 'vendor', url: `${server.url}/vendor.repo`, priority: 7 }];
  await buildLayer(dnf('loaded', { repos: loaded, packages: ['lay-b'] }, strict), 'scratch', place, async (root) => {
    expect(await installedRpms(root, storage)).toEqual(['gpg-pubkey', 'lay-b-1.0']);
    const text = readFileSync(path.join(root, 'etc/yum.repos.d/vendor.repo'), 'utf8');
    expect(text).toContain('gpgcheck=1\npriority=7\n\n[off]\n');
  });
  const held = dnf('held', { repos: [{ alias: 'held', config: file }], packages: ['lay-b'] }, strict);
  await buildLayer(held, 'scratch', place, async (root) => {
    expect(await installedRpms(root, storage)).toContain('lay-b-1.0');
  });
  const keyless = [{ alias: 'keyless', config: `[k]\nbaseurl=${server.url}\n` }];
  await expect(buildLayer(dnf('keyless', { repos: keyless }, strict), 'scratch', place)).rejects.toThrow('keyless');
  const built = await buildLayer(dnf('keyless', { repos: keyless, packages: ['lay-b'] }), 'scratch', place);
  expect(built.workspace.warnings).toEqual(['no gpg key for keyless: packages from there are not checked']);
  for (const name of ['page.repo', 'absent.repo']) {
    const repos = [{ alias: 'broken', url: `${server.url}/${name}` }];
    await expect(buildLayer(dnf('broken', { repos }), 'scratch', place)).rejects.toThrow('repository broken');
  }
});

test('the lower priority wins over the newer version', async () => {
  const old = path.join(storage.folder, 'old');
  await mkdir(old);
  await cp(path.join(extra, 'noarch/lay-e-1.0-1.noarch.rpm'), path.join(old, 'lay-e-1.0-1.noarch.rpm'));
  await storage.exec('createrepo_c', ['--quiet', old]);
  const both = (first: number) => [
    { alias: 'old', url: local(old), priority: first },
    { alias: 'new', url: local(extra), priority: 50 },
  ];
  for (const [priority, version] of [[10, '1.0'] as const, [90, '2.0'] as const]) {
    const top = { repos: both(priority), packages: ['lay-e'] };
    await buildLayer(dnf('priority', top), 'scratch', place, async (root) => {
      expect(await installedRpms(root, storage)).toEqual([`lay-e-${version}`]);
    });
  }
});

test("a proxy is used where it is meant, and is not in the image; the shell's no_proxy counts", async () => {
  await using server = await serveFiles(signed.folder);
  const far = { alias: 'far', url: 'http://rpm.invalid/', gpg: 'http://rpm.invalid/key.asc' };
  const proxied = dnf('proxied', { repos: [far], packages: ['lay-b'] }, { proxy: server.url });
  await buildLayer(proxied, 'scratch', place, async (root) => {
    expect(await installedRpms(root, storage)).toContain('lay-b-1.0');
    expect(await holding(root, [server.url.replace('http://', '')])).toBe('');
  });
  expect(server.requests.map(({ path: asked }) => asked)).toEqual(
    expect.arrayContaining(['http://rpm.invalid/key.asc', 'http://rpm.invalid/repodata/repomd.xml']),
  );
  const near = { alias: 'near', url: `${server.url}/`, gpg: `${server.url}/key.asc` };
  const direct = () => dnf('direct', { repos: [near], packages: ['lay-b'] }, { proxy: DEAD });
  await expect(buildLayer(direct(), 'scratch', place)).rejects.toThrow();
  vi.stubEnv('NO_PROXY', '127.0.0.1');
  await buildLayer(direct(), 'scratch', place);
});

test('parents in both shapes of image-build: a child that lists one repository has theirs too, or only its own', async () => {
  await using server = await serveFiles(extra, LOGIN);
  await using parents = await serveFiles(signed.folder);
  const debian = layer('debian', { suite: 'bookworm' }, { packages: ['dnf', 'rpm'] });
  const { image } = await buildLayer(debian, 'scratch', place);
  const repo = `[rocky]\\nname=rocky\\nbaseurl=${parents.url}\\nenabled=1\\ngpgcheck=0\\n`;
  const shape = (id: string, cmds: string[]) => layer(id, {}, { cmds });
  const folder = '/root/.pkg_repos/yum.repos.d';
  const shapes = {
    'v0.1.2': shape('old', [`mkdir -p /etc/yum.repos.d && printf '${repo}' > /etc/yum.repos.d/rocky.repo`]),
    main: shape('main', [
      `mkdir -p ${folder} && printf '${repo}' > ${folder}/rocky.repo`,
      `printf '[main]\\nreposdir=${folder}\\ncachedir=/root/.pkg_repos/cache\\nproxy=${DEAD}\\n' > /etc/dnf/dnf.conf`,
    ]),
  };
  vi.stubEnv('no_proxy', '127.0.0.1');
  const epel = { alias: 'epel', url: `${server.url.replace('://', `://${IN_URL}`)}/` };
  for (const [name, parent] of Object.entries(shapes)) {
    const served = await buildLayer(parent, image, place);
    const top = { repos: [epel], packages: ['lay-a', 'lay-e >= 1'] };
    const child = await buildLayer(dnf('child', top, { proxy: DEAD }), served.image, place, (root) => {
      expect(lstatSync(path.join(root, 'etc/yum.repos.d/epel.repo')).mode & 0o7777, name).toBe(0o600);
      expect(readdirSync(path.join(root, 'root')), name).not.toContain('cache');
    });
    expect(child.output.filter((line) => SECRETS.some((secret) => line.includes(secret)))).toEqual([]);
    expect(Object.keys(child.report.repositories ?? {}).toSorted(), name).toEqual(
      [server, parents].map(({ url }) => `${url}/repodata/repomd.xml`).toSorted(),
    );
    const list = await printedInside(child.image, ['dnf', '-q', 'repolist'], storage);
    expect(list, name).toMatch(/epel[\s\S]*rocky/);
    const only = { exclusive_repos: [epel], packages: ['lay-e'] };
    const alone = await buildLayer(dnf('alone', only), served.image, place);
    expect(await printedInside(alone.image, ['dnf', '-q', 'repolist'], storage), name).not.toContain('rocky');
    const forced = dnf('forced', { exclusive_repos: [epel], packages: ['lay-a'] }, { force_installroot: true });
    await expect(buildLayer(forced, served.image, place), name).rejects.toThrow('lay-a');
    const both = dnf('both', { repos: [epel], packages: ['lay-a', 'lay-e'] }, { force_installroot: true });
    await buildLayer(both, served.image, place);
  }
});
