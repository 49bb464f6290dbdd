import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openS3, QUESTION, type S3Door } from '../../tool/src/publish/s3-client.ts';
import { type FileServer, serveFiles } from '../helpers/file-server.ts';
import { writeHtpasswd } from '../helpers/htpasswd.ts';
import { ownAuthority } from '../helpers/own-authority.ts';
import { createRpmRepository } from '../helpers/rpm-repository.ts';
import { s3Service } from '../helpers/services.ts';
import { tracedLayers } from '../helpers/traced-programs.ts';
import { addSmallImage, createTree, outcomes, type TestTree } from '../helpers/tree.ts';
import { type LoggingProxy, startLoggingProxy } from '../services/logging-proxy.ts';
import { type RegistryService, startRegistry } from '../services/registry.ts';

// A site without the internet: one CA of its own for its registry and its S3, a login for each, the registry's public name in
// registries.conf, and a proxy that is down, which nothing on this side of NO_PROXY may be sent through.

const BUCKET = 'private-images';
const PASSWORD = 'registry-password-4f1c';
/** Nobody listens there. */
const DEAD = 'http://127.0.0.1:1';

let tree: TestTree;
let registry: RegistryService;
let repository: FileServer;
let s3: LoggingProxy;
let door: S3Door;
let secret: string;
let env: Record<string, string>;

beforeAll(async () => {
  tree = await createTree();
  const { folder, exec } = tree.storage;
  const at = (name: string) => path.join(folder, name);
  const { authority, key, cert } = await ownAuthority(folder);
  await writeHtpasswd(at('htpasswd'), 'builder', PASSWORD);
  registry = await startRegistry(at('registry'), { htpasswd: at('htpasswd'), tls: { certificate: cert, key } });
  // The certificate is for the name.
  const host = registry.host.replace('127.0.0.1', 'localhost');
  const plainS3 = await s3Service();
  secret = plainS3.secretAccessKey;
  s3 = await startLoggingProxy(plainS3.endpoint, { key, cert });
  const auth = Buffer.from(`builder:${PASSWORD}`).toString('base64');
  await writeFile(at('auth.json'), JSON.stringify({ auths: { [host]: { auth } } }), { mode: 0o600 });
  await writeFile(at('registries.conf'), `[[registry]]\nprefix = "registry.site.example"\nlocation = "${host}"\n`);
  env = {
    CONTAINERS_REGISTRIES_CONF: at('registries.conf'),
    REGISTRY_AUTH_FILE: at('auth.json'),
    SSL_CERT_FILE: authority,
    [`S3_ACCESS__${new URL(s3.endpoint).host.replace(':', '_').toUpperCase()}`]: plainS3.accessKeyId,
    [`S3_SECRET__${new URL(s3.endpoint).host.replace(':', '_').toUpperCase()}`]: secret,
    ...Object.fromEntries(['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY'].map((name) => [name, DEAD])),
    NO_PROXY: 'localhost,127.0.0.1',
  };
  const keys = { S3_ACCESS: plainS3.accessKeyId, S3_SECRET: secret };
  door = await openS3({ endpoint: plainS3.endpoint, bucket: BUCKET, verifyTls: true, env: keys, policy: QUESTION });
  await door.send((client, sdk) => client.send(new sdk.CreateBucketCommand({ Bucket: BUCKET })));
  await mkdir(at('rpms'));
  const rpms = await createRpmRepository(at('rpms'), exec);
  await cp(rpms.key, path.join(tree.root, 'key.asc'));
  repository = await serveFiles(rpms.folder);
  await addSmallImage(tree);
  const to = `docker://${host}/vendor/small:1`;
  await exec('skopeo', ['copy', `oci:${tree.root}/small:1`, to], { env: { ...tree.storage.env, ...env }, quiet: true });
  await writeTree(host);
});
afterAll(async () => {
  door?.close();
  s3?.close();
  await repository?.[Symbol.asyncDispose]();
  await registry?.end();
  await tree?.[Symbol.asyncDispose]();
});

/** A root from packages, an Ansible layer on it by the registry's other name, and a layer on a vendor's image. */
async function writeTree(host: string): Promise<void> {
  const both = `publish_registry: '${host}/hpc', publish_s3: '${s3.endpoint}', s3_bucket: ${BUCKET}`;
  const files = {
    'layers.yaml': `registry_names: [[registry.site.example, '${host}']]\n`,
    'layers/base.yaml': `
options: {layer_type: base, name: base, pkg_manager: dnf, releasever: '9', publish_tags: ['9', latest], s3_prefix: base/, ${both}}
repos: [{alias: own, url: '${repository.url}', gpg: key.asc}]
packages: [lay-a]
copyfiles: [{src: boot, dest: /}, {src: small-bin, dest: /bin}]
`,
    'layers/compute.yaml': `
options:
  {layer_type: ansible, name: compute, parent: 'registry.site.example/hpc/base:9', groups: [compute], playbooks: [site.yaml],
   inventory: [inventory], s3_prefix: compute/, ${both}}
`,
    'layers/tools.yaml': `
options: {layer_type: base, name: tools, pkg_manager: dnf, parent: 'registry.site.example/vendor/small:1', publish_registry: '${host}/hpc'}
cmds: ['echo tools > /etc/tools']
`,
    'inventory/hosts': '[compute]\n',
    'site.yaml': `
- hosts: compute
  gather_facts: false
  tasks:
    - ansible.builtin.raw: echo compute > /etc/compute
      args: {executable: /bin/sh}
`,
    'boot/etc/os-release': 'ID=tiny\nVERSION_ID=1\n',
    'boot/boot/vmlinuz-6.1': 'kernel',
    'boot/boot/initramfs-6.1.img': 'initramfs',
  };
  for (const [file, text] of Object.entries(files)) await tree.write(file, text);
  await mkdir(path.join(tree.root, 'small-bin'));
  await cp('/bin/busybox', path.join(tree.root, 'small-bin/sh'), { dereference: true });
}

/** Requests that changed something, of all that were asked until now. */
async function writes(): Promise<string[]> {
  const log = await readFile(registry.log, 'utf8');
  const toRegistry = log.match(/"(?:PUT|POST|PATCH|DELETE) [^"]*"/g) ?? [];
  return [...toRegistry, ...s3.seen.filter((one) => !/^(GET|HEAD) /.test(one))];
}

test('a first run builds all and publishes it to both, and no login shows in an argv or in what it prints', async () => {
  const { code, printed, started } = await tracedLayers(tree, ['build', '--all', '--output', 'plain'], env);
  if (code !== 0) console.log(printed.slice(-6000));
  expect(code).toBe(0);
  expect(printed).toContain('3 built');
  const list = await door.send((client, sdk) => client.send(new sdk.ListObjectsV2Command({ Bucket: BUCKET })));
  expect((list.Contents ?? []).map(({ Key }) => Key).sort()).toEqual([
    'base/tiny1-base-9',
    'base/tiny1-base-latest',
    'compute/tiny1-compute-latest',
    'efi-images/base/initramfs-6.1.img',
    'efi-images/base/vmlinuz-6.1',
    'efi-images/compute/initramfs-6.1.img',
    'efi-images/compute/vmlinuz-6.1',
  ]);
  const login = Buffer.from(`builder:${PASSWORD}`).toString('base64').replace(/=+$/, '');
  const shows = (text: string) => [PASSWORD, secret, login].some((one) => text.includes(one));
  expect(started.filter((line) => line.includes('buildah')).length).toBeGreaterThan(5);
  expect(started.filter(shows)).toEqual([]);
  expect(shows(printed)).toBe(false);
});

test('a second run builds nothing and asks nobody', async () => {
  const before = [await readFile(registry.log, 'utf8'), s3.seen.length];
  const again = await tree.layers(['build', '--all', '--output', 'json'], env);
  expect([again.code, outcomes(again), again.stderr]).toEqual([0, {}, '']);
  expect([await readFile(registry.log, 'utf8'), s3.seen.length]).toEqual(before);
});

test('neither does one that asks the destinations, as in CI', async () => {
  const before = await writes();
  const asked = s3.seen.length;
  const again = await tree.layers(['build', '--all', '--output', 'json'], { ...env, CI: 'true' });
  expect([again.code, outcomes(again), again.stderr]).toEqual([0, {}, '']);
  expect(await writes()).toEqual(before);
  expect(s3.seen.length).toBeGreaterThan(asked);
});

test('nor one without records, which finds all in the registry', async () => {
  const before = await writes();
  await rm(path.join(tree.root, '.layers'), { recursive: true });
  const fresh = await tree.layers(['build', '--all', '--output', 'json'], { ...env, CI: 'true' });
  const all = ['base', 'compute', 'tools'];
  expect([fresh.code, outcomes(fresh)]).toEqual([0, Object.fromEntries(all.map((id) => [id, 'reused']))]);
  expect(await writes()).toEqual(before);
});
