import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Registries, type RegistryAccess } from '../../tool/src/system/registry/registries.ts';
import type { Effort } from '../../tool/src/system/registry/repository-places.ts';
import { error, FakeRegistry, type FakeReply } from '../services/fake-registry.ts';

let folder: string;
let registry: FakeRegistry;
let host: string;
let registries: Registries;

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-client-'));
  registry = new FakeRegistry();
  host = await registry.listen();
  registries = new Registries({ HOME: folder });
});
afterEach(async () => {
  registry.close();
  await rm(folder, { recursive: true });
});

const POLICY = { attempts: 4, baseMs: 1, capMs: 2 };
const open = (name = `${host}/a/b`, access: RegistryAccess = { tlsVerify: false }, effort: Effort = 'work') =>
  registries.repository(name, access, { effort, ...(effort === 'work' ? { policy: POLICY } : {}) });

test('one greeting for many requests; what is not there is undefined', async () => {
  const digest = registry.putImage('a/b', 'one');
  const found = await Promise.all(['one', 'one', 'gone', digest].map((reference) => open().manifest(reference)));
  expect(found.map((one) => one?.digest)).toEqual([digest, digest, undefined, digest]);
  expect(await open(`${host}/other`).blob(digest)).toBeUndefined();
  expect(registry.seen).toHaveLength(6);
});

test('writing: a blob once, a manifest, mounting, tags page by page, deleting', async () => {
  const repository = open();
  const blob = await repository.putBlob(Buffer.from('x'));
  expect(await repository.putBlob(Buffer.from('x'))).toBe(blob);
  expect(registry.count('PUT', /blobs/)).toBe(1);
  expect(await open(`${host}/c`).mountBlob(blob, 'a/b')).toBe(true);
  registry.mounts = false;
  expect(await open(`${host}/d`).mountBlob(blob, 'a/b')).toBe(false);
  const bytes = Buffer.from('{"schemaVersion":2}');
  for (const tag of ['1', '2', '3', '4', '5'])
    await repository.putManifest(tag, 'application/vnd.oci.image.manifest.v1+json', bytes);
  const tags: string[] = [];
  for await (const tag of repository.tags()) tags.push(tag);
  expect(tags).toEqual(['1', '2', '3', '4', '5']);
  await repository.deleteManifest((await repository.manifest('1'))!.digest);
  expect(await repository.manifest('1')).toBeUndefined();
});

test('bytes that are not those of the digest are an error of their own, and are not asked for again', async () => {
  const digest = registry.putImage('a/b', 'one');
  registry.blobs.set(`a/b@${digest}`, Buffer.from('poison'));
  await expect(open().manifest('one')).rejects.toMatchObject({ kind: 'digest' });
  await expect(open().manifest(digest)).rejects.toMatchObject({ kind: 'digest' });
  await expect(open().blob(digest)).rejects.toMatchObject({ kind: 'digest' });
  expect(registry.seen).toHaveLength(4);
});

test.each<[string, number, Parameters<typeof error>]>([
  ['503', 3, [503, 'UNAVAILABLE']],
  ['429', 1, [429, 'TOOMANYREQUESTS']],
])('%s is tried again', async (_what, times, [status, code]) => {
  const digest = registry.putImage('a/b', 'one');
  let left = times;
  registry.fault = (_method, url) => (url.includes('manifests') && left-- > 0 ? error(status, code) : undefined);
  expect((await open().manifest('one'))?.digest).toBe(digest);
});

test('a broken connection is tried again', async () => {
  registry.putImage('a/b', 'one');
  let left = 2;
  registry.fault = () => (left-- > 0 ? 'drop' : undefined);
  expect(await open().manifest('one')).toBeDefined();
});

test('Retry-After is honoured by work; a question does not wait for it', async () => {
  let left = 1;
  registry.fault = (_method, url) =>
    url.includes('manifests') && left-- > 0 ? { status: 429, headers: { 'retry-after': '1' } } : undefined;
  const started = performance.now();
  expect(await open().manifest('gone')).toBeUndefined();
  expect(performance.now() - started).toBeGreaterThan(990);
  registry.fault = (_method, url) =>
    url.includes('manifests') ? { status: 429, headers: { 'retry-after': '60' } } : undefined;
  await expect(open(undefined, undefined, 'question').manifest('gone')).rejects.toMatchObject({
    kind: 'rate-limited',
    retryAfterMs: 60_000,
  });
});

test.each([
  [404, 'NAME_UNKNOWN'],
  [404, 'TAG_EXPIRED'],
  [400, 'MANIFEST_UNKNOWN'],
  [410, ''],
])('%i %s: it is not there', async (status, code) => {
  registry.fault = (_method, url) => (url.includes('manifests') ? error(status, code) : undefined);
  expect(await open().manifest('x')).toBeUndefined();
});

test('a host that does not answer is asked once by all questions', async () => {
  let asked = 0;
  registry.fault = () => {
    asked += 1;
    return 'drop';
  };
  const ask = (i: number) =>
    open(`${host}/r${i}`, undefined, 'question')
      .manifest('x')
      .catch((failure) => failure);
  const first = await ask(0);
  expect(first).toMatchObject({ kind: 'unreachable' });
  const before = asked;
  for (let i = 1; i < 100; i++) expect((await ask(i)).kind).toBe('unreachable');
  expect(asked).toBe(before);
  // Work does try.
  registry.fault = () => undefined;
  expect(await open().manifest('x')).toBeUndefined();
});

test('plain HTTP where HTTPS is wanted: the hint names the option', async () => {
  await expect(open(undefined, {}).manifest('x')).rejects.toMatchObject({
    kind: 'tls',
    hint: expect.stringContaining('--tls-verify=false'),
  });
});

test('Basic: credentials are sent and stand in no error', async () => {
  const wanted = `Basic ${Buffer.from('me:s3cret').toString('base64')}`;
  registry.putImage('a/b', 'one');
  registry.fault = (_method, _url, { authorization }) =>
    authorization === wanted
      ? undefined
      : { ...error(401, 'UNAUTHORIZED'), headers: { 'www-authenticate': 'Basic realm="r"' } };
  expect(await open(undefined, { tlsVerify: false, credentials: 'me:s3cret' }).manifest('one')).toBeDefined();
  const failure = await open(undefined, { tlsVerify: false, credentials: 'me:wr0ng' })
    .manifest('one')
    .catch((one: unknown) => one);
  expect(failure).toMatchObject({ kind: 'refused', hint: expect.stringContaining('buildah login') });
  expect(String(failure) + JSON.stringify(failure)).not.toMatch(/wr0ng|bWU6/);
});

test('Bearer: one token for many requests of one scope, another for writing; anonymous where there is no login', async () => {
  const tokens: string[] = [];
  registry.putImage('a/b', 'one');
  registry.fault = (_method, url, { authorization }) => {
    const at = new URL(url, `http://${host}`);
    if (at.pathname === '/token') {
      tokens.push(`${at.searchParams.get('scope')} ${authorization ?? 'anonymous'}`);
      return { status: 200, body: JSON.stringify({ access_token: `t:${at.searchParams.get('scope')}` }) };
    }
    const scope = /^Bearer t:(.*)$/.exec(authorization ?? '')?.[1];
    const challenge: Record<string, string> = {
      'www-authenticate': `Bearer realm="http://${host}/token",service="reg"`,
    };
    return scope?.startsWith('repository:a/b:') ? undefined : { ...error(401, 'UNAUTHORIZED'), headers: challenge };
  };
  const repository = open();
  const found = await Promise.all(Array.from({ length: 20 }, () => repository.manifest('one')));
  expect(found.every(Boolean)).toBe(true);
  expect(tokens).toEqual(['repository:a/b:pull anonymous']);
  await repository.putBlob(Buffer.from('y'));
  expect(tokens).toEqual(['repository:a/b:pull anonymous', 'repository:a/b:pull,push anonymous']);
  const basic = `Basic ${Buffer.from('u:p').toString('base64')}`;
  await open(undefined, { tlsVerify: false, credentials: 'u:p' }).manifest('one');
  expect(tokens.at(-1)).toBe(`repository:a/b:pull ${basic}`);
});

test('a redirect to another host does not see what is for the registry', async () => {
  const store = new FakeRegistry();
  const other = await store.listen();
  const digest = registry.putBlob('a/b', Buffer.from('content')).digest;
  store.fault = () => ({ status: 200, body: 'content' });
  registry.fault = (_method, url, { authorization }): FakeReply | undefined => {
    if (authorization === undefined)
      return { ...error(401, 'UNAUTHORIZED'), headers: { 'www-authenticate': 'Basic realm="r"' } };
    return url.includes('blobs') ? { status: 307, headers: { location: `http://${other}/bucket/x` } } : undefined;
  };
  try {
    const blob = await open(undefined, { tlsVerify: false, credentials: 'u:p' }).blob(digest);
    expect(String(blob)).toBe('content');
    expect(store.seen[0]?.headers.authorization).toBeUndefined();
  } finally {
    store.close();
  }
});

test('mirrors are read first, the registry itself decides, and is what is written to; blocked is refused', async () => {
  const mirror = new FakeRegistry();
  const at = await mirror.listen();
  await writeFile(
    path.join(folder, 'r.conf'),
    `[[registry]]\nlocation = "${host}"\ninsecure = true\n[[registry.mirror]]\nlocation = "${at}/copy"\ninsecure = true\n
     [[registry]]\nprefix = "${host}/bad"\nlocation = "${host}/bad"\nblocked = true\n`,
  );
  registries = new Registries({ HOME: folder, CONTAINERS_REGISTRIES_CONF: path.join(folder, 'r.conf') });
  try {
    const repository = open(undefined, {});
    const late = mirror.putImage('copy/a/b', 'one', { which: 'mirror' });
    const own = registry.putImage('a/b', 'one', { which: 'own' });
    registry.putImage('a/b', 'two');
    expect((await repository.manifest('one'))?.digest).toBe(late);
    expect((await repository.manifest('one', { direct: true }))?.digest).toBe(own);
    expect(await repository.manifest('two')).toBeDefined();
    mirror.fault = () => 'drop';
    expect(await open(undefined, {}, 'question').manifest('gone')).toBeUndefined();
    await repository.putBlob(Buffer.from('z'));
    expect(mirror.count('POST', /./)).toBe(0);
    await expect(open(`${host}/bad/x`, {}).manifest('one')).rejects.toMatchObject({ kind: 'refused' });
  } finally {
    mirror.close();
  }
});
