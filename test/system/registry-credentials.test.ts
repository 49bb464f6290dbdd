import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createExec } from '../../tool/src/system/exec.ts';
import { parseChallenge } from '../../tool/src/system/registry/challenge.ts';
import { findCredentials } from '../../tool/src/system/registry/credentials.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'layers-auth-'));
});
afterEach(() => rm(home, { recursive: true }));

const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
const write = async (name: string, content: unknown) => {
  await mkdir(path.dirname(path.join(home, name)), { recursive: true });
  await writeFile(path.join(home, name), typeof content === 'string' ? content : JSON.stringify(content), {
    mode: 0o755,
  });
};
const find = (repository: string, env: Record<string, string> = {}, helpers = ['containers-auth.json']) => {
  const all = { HOME: home, XDG_RUNTIME_DIR: path.join(home, 'run'), PATH: `${home}/bin:${process.env.PATH}`, ...env };
  return findCredentials(repository, { env: all, helpers, exec: createExec({ env: all }) });
};
const password = (user: string, word: string) => ({ kind: 'password', user, password: word });

test('the entry that names most of the repository; passwords with colons', async () => {
  await write('run/containers/auth.json', {
    auths: { 'r.example': auth('host:1'), 'r.example/a/b': auth('deep:2:3') },
  });
  expect(await find('r.example/a/b/c')).toEqual(password('deep', '2:3'));
  expect(await find('r.example/a/bc')).toEqual(password('host', '1'));
  expect(await find('other.example/a')).toBeUndefined();
});

test('the first file that has one; an auth file that is named is the only one', async () => {
  await write('.config/containers/auth.json', { auths: { 'r.example': auth('config:1') } });
  await write('.docker/config.json', {
    auths: { 'https://index.docker.io/v1/': auth('hub:2'), 'r.example': auth('docker:3') },
  });
  expect(await find('r.example/a')).toEqual(password('config', '1'));
  expect(await find('docker.io/library/a')).toEqual(password('hub', '2'));
  await write('only.json', { auths: {} });
  expect(await find('r.example/a', { REGISTRY_AUTH_FILE: path.join(home, 'only.json') })).toBeUndefined();
});

test('a damaged file is named, and nothing of it is quoted', async () => {
  await write('run/containers/auth.json', '{"auths": {"r.example": {"auth": "c2VjcmV0');
  const failure = await find('r.example/a').catch((error: Error) => error);
  expect(String(failure)).toContain('auth.json is not JSON');
  expect(JSON.stringify([String(failure), (failure as Error).cause])).not.toContain('c2Vjcm');
});

test('credential helpers by argv and standard input; identity tokens; a helper that knows nothing', async () => {
  await write(
    'bin/docker-credential-fake',
    '#!/bin/sh\nread -r host\n[ "$1 $host" = "get r.example" ] || { echo "credentials not found in native keychain"; exit 1; }\necho \'{"Username":"<token>","Secret":"tok"}\'\n',
  );
  await write('run/containers/auth.json', { credHelpers: { 'r.example': 'fake', 's.example': 'fake' } });
  expect(await find('r.example/a')).toEqual({ kind: 'identity', token: 'tok' });
  expect(await find('s.example/a')).toBeUndefined();
  expect(await find('r.example/a', {}, ['fake'])).toEqual({ kind: 'identity', token: 'tok' });
  await write('run/containers/auth.json', { credsStore: 'fake', auths: { 'r.example': {} } });
  expect(await find('r.example/a')).toEqual({ kind: 'identity', token: 'tok' });
});

test.each([
  [undefined, undefined],
  ['Basic realm="x"', { scheme: 'basic' }],
  ['Negotiate', undefined],
  [
    'Bearer realm="https://t.example/token",service="reg \\"x\\"",scope="repository:a:pull,push"',
    { scheme: 'bearer', realm: 'https://t.example/token', service: 'reg "x"', scope: 'repository:a:pull,push' },
  ],
  ['Basic realm="a, b", bearer Realm=http://t.example/', { scheme: 'bearer', realm: 'http://t.example/' }],
  ['Bearer error="x"', undefined],
])('WWW-Authenticate: %s', (header, expected) => {
  expect(parseChallenge(header)).toEqual(expected);
});
