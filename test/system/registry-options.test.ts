import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { registryOptions } from '../../tool/src/system/registry-options.ts';

let temporary: string;
beforeEach(async () => {
  temporary = await mkdtemp(path.join(os.tmpdir(), 'layers-options-'));
});
afterEach(() => rm(temporary, { recursive: true }));

const read = (words: string[], repository = 'reg.example:5000/site/name') =>
  registryOptions(words, { repository, temporary, root: '/tree' });

test.each([[['--creds=me:s3cr=et']], [['--creds', 'me:s3cr=et']]])('%j becomes a private file', async (words) => {
  const options = await read(words);
  expect(JSON.stringify(options)).not.toContain('s3cr');
  const file = options.buildah[0]!.replace('--authfile=', '');
  expect(options).toEqual({ buildah: [`--authfile=${file}`], skopeo: [`authfile=${file}`] });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const { auths } = JSON.parse(await readFile(file, 'utf8'));
  expect(Buffer.from(auths['reg.example:5000'].auth, 'base64').toString()).toBe('me:s3cr=et');
});

test('what skopeo knows goes to both; paths start at the root of the tree', async () => {
  const options = await read(['--tls-verify=false', '--cert-dir', 'certs', '--authfile=/a.json', '--format', 'v2s2']);
  expect(options.buildah).toEqual([
    '--tls-verify=false',
    '--cert-dir=/tree/certs',
    '--authfile=/a.json',
    '--format',
    'v2s2',
  ]);
  expect(options.skopeo).toEqual(['tls-verify=false', 'cert-dir=/tree/certs', 'authfile=/a.json']);
});

test.each([
  ['library/x', 'docker.io'],
  ['docker.io/me/x', 'docker.io'],
  ['localhost/x', 'localhost'],
  ['[::1]:5000/x', '[::1]:5000'],
])('credentials of %s are for %s', async (repository, host) => {
  const [flag] = (await read(['--creds=u:p'], repository)).buildah;
  expect(Object.keys(JSON.parse(await readFile(flag!.slice('--authfile='.length), 'utf8')).auths)).toEqual([host]);
});
