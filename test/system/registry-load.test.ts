import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Registries } from '../../tool/src/system/registry/registries.ts';
import { FakeRegistry } from '../services/fake-registry.ts';

/** As many as go to one host at once. */
const CONNECTIONS = 24;
const isManifest = (url: string) => url.includes('/manifests/');

let registry: FakeRegistry;
let host: string;
let registries: Registries;

beforeEach(async () => {
  registry = new FakeRegistry();
  host = await registry.listen();
  registries = new Registries({ HOME: '/nonexistent' });
});
afterEach(() => registry.close());

/** Asks for tags that are not there, each as a layer's question. */
function ask(tags: readonly string[], limits = { idleMs: 4_000, totalMs: 8_000 }) {
  const repository = registries.repository(`${host}/a`, { tlsVerify: false }, { effort: 'question', limits });
  return Promise.allSettled(tags.map((tag) => repository.manifest(tag)));
}
const names = (count: number) => Array.from({ length: count }, (_, i) => `key-${i}`);
const kinds = (asked: Awaited<ReturnType<typeof ask>>) =>
  asked.flatMap((one) => (one.status === 'rejected' ? [one.reason.kind] : []));

test('a question that waits for a connection does not run out of time: all are answered, by so many connections', async () => {
  let now = 0;
  let most = 0;
  registry.fault = async (_method, url) => {
    if (!isManifest(url)) return undefined;
    now += 1;
    most = Math.max(most, now);
    await sleep(200);
    now -= 1;
    return undefined;
  };
  // The last round begins when the first has long used up what each may take.
  const asked = await ask(names(CONNECTIONS * 12), { idleMs: 1_500, totalMs: 2_000 });
  expect(kinds(asked)).toEqual([]);
  expect(registry.count('GET', /manifests/)).toBe(CONNECTIONS * 12);
  expect(most).toBe(CONNECTIONS);
});

test('a connection that breaks once: that question is asked again, and all are answered', async () => {
  let manifests = 0;
  registry.fault = (_method, url) => (isManifest(url) && ++manifests === 50 ? 'drop' : undefined);
  expect(kinds(await ask(names(200)))).toEqual([]);
  expect(registry.count('GET', /manifests/)).toBe(201);
});

test('a greeting that breaks once is given again', async () => {
  let greetings = 0;
  registry.fault = (_method, url) => (url === '/v2/' && ++greetings === 1 ? 'drop' : undefined);
  expect(kinds(await ask(['key']))).toEqual([]);
  expect(greetings).toBe(2);
});

test('a question whose connection always breaks is asked twice and fails alone', async () => {
  registry.fault = (_method, url) => (url.endsWith('/key-50') ? 'drop' : undefined);
  expect(kinds(await ask(names(200)))).toEqual(['broken']);
  expect(registry.count('GET', /key-50$/)).toBe(2);
  expect(kinds(await ask(['later']))).toEqual([]);
});

test('a question that is not answered in time fails alone, and is not asked again', async () => {
  registry.fault = async (_method, url) => {
    if (url.endsWith('/key-5')) await sleep(600);
    return undefined;
  };
  expect(kinds(await ask(['key-5'], { idleMs: 300, totalMs: 300 }))).toEqual(['slow']);
  expect(kinds(await ask(['later']))).toEqual([]);
  await sleep(600);
  expect(registry.count('GET', /key-5$/)).toBe(1);
});

test.each([
  ['breaks', 'broken', 6],
  ['never answers', 'slow', 3],
])('a host that greeted us and then %s is left alone after three questions', async (_what, kind, requests) => {
  let seen = 0;
  registry.fault = async (_method, url) => {
    if (!isManifest(url)) return undefined;
    seen += 1;
    if (kind === 'slow') await sleep(1_000);
    return 'drop';
  };
  for (const tag of names(10)) expect(kinds(await ask([tag], { idleMs: 200, totalMs: 200 }))).toEqual([kind]);
  expect(seen).toBe(requests);
});

test('five hundred questions to a port where nothing listens fail at once', async () => {
  registry.close();
  const started = performance.now();
  expect(new Set(kinds(await ask(names(500))))).toEqual(new Set(['unreachable']));
  expect(performance.now() - started).toBeLessThan(4_000);
});

test('an abort ends questions that wait for a connection', async () => {
  const stop = new AbortController();
  registry.fault = async (_method, url) => {
    if (isManifest(url)) await sleep(5_000);
    return undefined;
  };
  const options = { effort: 'question', signal: stop.signal } as const;
  const repository = registries.repository(`${host}/a`, { tlsVerify: false }, options);
  const asked = Promise.allSettled(names(100).map((tag) => repository.manifest(tag)));
  setTimeout(() => stop.abort(), 100);
  const started = performance.now();
  expect((await asked).every((one) => one.status === 'rejected' && one.reason.name === 'AbortError')).toBe(true);
  expect(performance.now() - started).toBeLessThan(3_000);
});
