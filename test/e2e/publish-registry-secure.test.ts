import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRegistryPublisher } from '../../tool/src/publish/registry.ts';
import { createExec } from '../../tool/src/system/exec.ts';
import { Registries, type RegistryAccess } from '../../tool/src/system/registry/registries.ts';
import { type ContainerStorage, createContainerStorage } from '../helpers/container-storage.ts';
import { writeHtpasswd } from '../helpers/htpasswd.ts';
import { buildTinyImage, publishedImage, recordingWorkspace } from '../helpers/publish-workspace.ts';
import { type RegistryService, startRegistry } from '../services/registry.ts';

const run = promisify(execFile);

let storage: ContainerStorage;
let home: string;
let secure: RegistryService;
let plain: RegistryService;
const at = (name: string) => path.join(home, name);

beforeAll(async () => {
  storage = await createContainerStorage();
  home = path.join(storage.folder, 'home');
  await mkdir(home);
  const openssl = (...args: string[]) => run('openssl', args, { cwd: home });
  const subject = ['-nodes', '-days', '2', '-newkey', 'rsa:2048'];
  await openssl('req', '-x509', ...subject, '-subj', '/CN=private CA', '-keyout', 'ca.key', '-out', 'ca.pem');
  await openssl(
    'req',
    ...subject.filter((word) => !/days|^2$/.test(word)),
    '-subj',
    '/CN=registry',
    '-keyout',
    'server.key',
    '-out',
    'server.csr',
  );
  await writeFile(at('san.cnf'), 'subjectAltName=IP:127.0.0.1\n');
  const sign = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'san.cnf'];
  await openssl('x509', '-req', '-in', 'server.csr', ...sign, '-out', 'server.pem');
  await writeHtpasswd(at('htpasswd'), 'me', 's3cret');
  secure = await startRegistry(at('secure'), {
    htpasswd: at('htpasswd'),
    tls: { certificate: at('server.pem'), key: at('server.key') },
  });
  plain = await startRegistry(at('plain'));
});
afterAll(async () => {
  await secure?.end();
  await plain?.end();
  await storage?.[Symbol.asyncDispose]();
});

const env = (more: Record<string, string> = {}) => ({
  ...storage.env,
  HOME: home,
  XDG_RUNTIME_DIR: at('run'),
  ...more,
});
const open = (repository: string, access: RegistryAccess = {}, more: Record<string, string> = {}) =>
  new Registries(env(more)).repository(repository, access, {
    effort: 'work',
    policy: { attempts: 1, baseMs: 1, capMs: 1 },
  });
const login = { auths: { '': { auth: Buffer.from('me:s3cret').toString('base64') } } };

test('a private CA and a login, first each missing, then as buildah would find them', async () => {
  const repository = `${secure.host}/site/tls`;
  await expect(open(repository).manifest('x')).rejects.toMatchObject({
    kind: 'tls',
    hint: expect.stringContaining('certs.d'),
  });
  const folder = at(`.config/containers/certs.d/${secure.host}`);
  await mkdir(folder, { recursive: true });
  await run('cp', [at('ca.pem'), path.join(folder, 'ca.crt')]);
  await expect(open(repository).manifest('x')).rejects.toMatchObject({ kind: 'refused' });
  await mkdir(at('run/containers'), { recursive: true });
  await writeFile(at('run/containers/auth.json'), JSON.stringify({ auths: { [repository]: login.auths[''] } }));
  expect(await open(repository).manifest('x')).toBeUndefined();
  // The entry is for that repository alone.
  await expect(open(`${secure.host}/other`).manifest('x')).rejects.toMatchObject({ kind: 'refused' });

  const exec = createExec({ env: env() });
  const workspace = await recordingWorkspace(storage.folder, { exec });
  const image = publishedImage(await buildTinyImage(workspace.buildah, storage.folder));
  const publisher = createRegistryPublisher({ registries: new Registries(env()) });
  const destination = { kind: 'registry', key: '', repository, tags: ['a', 'b'] } as const;
  const publication = await publisher.publish(image, destination, workspace, undefined as never);
  expect(workspace.lines.filter((line) => line.includes('without annotations'))).toEqual([]);
  expect(await publisher.observe(image, destination, workspace)).toEqual({ ...publication, bytes: 0 });
});

test('--cert-dir, --authfile, --creds and --tls-verify=false', async () => {
  const repository = `${secure.host}/site/options`;
  await mkdir(at('certs'), { recursive: true });
  await run('cp', [at('ca.pem'), at('certs/any.crt')]);
  await writeFile(at('auth.json'), JSON.stringify({ auths: { [secure.host]: login.auths[''] } }));
  const bare = { HOME: at('nobody'), XDG_RUNTIME_DIR: at('nobody') };
  const certDir = at('certs');
  await expect(open(repository, { certDir }, bare).manifest('x')).rejects.toMatchObject({ kind: 'refused' });
  expect(await open(repository, { certDir, authFile: at('auth.json') }, bare).manifest('x')).toBeUndefined();
  expect(await open(repository, { certDir, credentials: 'me:s3cret' }, bare).manifest('x')).toBeUndefined();
  expect(await open(repository, { tlsVerify: false, credentials: 'me:s3cret' }, bare).manifest('x')).toBeUndefined();
});

test('registries.conf: insecure, another location, a mirror before a registry that is down, blocked', async () => {
  const conf = at('registries.conf');
  await writeFile(
    conf,
    `[[registry]]\nprefix = "logical.example/site"\nlocation = "${plain.host}/real"\ninsecure = true\n
     [[registry]]\nlocation = "127.0.0.1:1"\n[[registry.mirror]]\nlocation = "${plain.host}/real"\ninsecure = true\n
     [[registry]]\nlocation = "${plain.host}"\ninsecure = true\n
     [[registry]]\nlocation = "${plain.host}/blocked"\nblocked = true\n`,
  );
  const by = { CONTAINERS_REGISTRIES_CONF: conf };
  const own = open(`${plain.host}/real/x`, {}, by);
  const config = await own.putBlob(Buffer.from('{}'));
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config, size: 2 },
    layers: [],
  };
  const digest = await own.putManifest('t', manifest.mediaType, Buffer.from(JSON.stringify(manifest)));
  expect((await open('logical.example/site/x', {}, by).manifest('t'))?.digest).toBe(digest);
  expect((await open('127.0.0.1:1/x', {}, by).manifest('t'))?.digest).toBe(digest);
  await expect(open('127.0.0.1:1/x', {}, by).putBlob(Buffer.from('z'))).rejects.toMatchObject({ kind: 'unreachable' });
  await expect(open(`${plain.host}/blocked/x`, {}, by).manifest('t')).rejects.toMatchObject({ kind: 'refused' });
  // The option beats the file.
  await expect(open(`${plain.host}/real/x`, { tlsVerify: true }, by).manifest('t')).rejects.toMatchObject({
    kind: 'tls',
  });
});
