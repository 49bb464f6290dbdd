import { afterEach, beforeEach, expect, test } from 'vitest';
import { choosePrunable } from '../../tool/src/plan/prune.ts';
import { createRegistryPruning } from '../../tool/src/records/registry-prune.ts';
import { sharedPrunables } from '../../tool/src/records/shared-prune.ts';
import { error, FakeRegistry } from '../services/fake-registry.ts';

const PLACE = 'site/cache';
const key = (digit: string) => digit.repeat(32);
const OLD = '2020-01-01T00:00:00.000Z';
const NEW = new Date().toISOString();

let registry: FakeRegistry;
let host: string;
beforeEach(async () => {
  registry = new FakeRegistry();
  host = await registry.listen();
});
afterEach(() => registry.close());

/** An image or document with a blob of its own. */
function put(tag: string, annotations: Record<string, string>, content = tag): string {
  const config = { mediaType: 'application/json', ...registry.putBlob(PLACE, Buffer.from('{}')) };
  const layer = { mediaType: 'application/x', ...registry.putBlob(PLACE, Buffer.from(content.padEnd(1000))) };
  return registry.put(PLACE, tag, { schemaVersion: 2, config, layers: [layer], annotations });
}

const builtAt = (at: string) => ({ 'org.openchami.layers.last-built-at': at });

/** A cache of one build that the tree needs, one that is old, one that is young, and what lies around. */
function fill(): void {
  put(`layers-${key('a')}`, builtAt(OLD));
  put(`layers-${key('b')}`, builtAt(OLD));
  put(`layers-recipe-${key('b')}`, {});
  put(`layers-${key('c')}`, builtAt(NEW));
  put(`layers-in-${key('d')}`, { 'org.opencontainers.image.created': OLD });
  put(`layers-in-${key('e')}`, {});
  put('layers-push', {}, `layers-${key('b')}`);
  put('latest', { note: 'human' });
  put('layers-of-mine', {});
}

async function prune(say: (line: string) => void = () => {}) {
  const place = createRegistryPruning(`${host}/${PLACE}`, {
    options: ['--tls-verify=false'],
    root: '/',
    signal: new AbortController().signal,
    say,
  });
  const tags = await place.tags();
  const { items, layers } = sharedPrunables(tags, { keys: new Map([[key('a'), 'the tree']]), probes: new Set() });
  const choice = choosePrunable(items, layers, { now: Date.now() });
  const chosen = new Set(choice.remove.map(({ id }) => id));
  const removal = await place.remove(
    tags.filter(({ tag }) => chosen.has(tag)),
    tags.filter(({ tag }) => !chosen.has(tag)),
  );
  return { chosen: [...chosen].sort(), choice, removal };
}

const tagsLeft = () =>
  [...registry.tags]
    .filter(([, digest]) => registry.blobs.has(`${PLACE}@${digest}`))
    .map(([tag]) => tag.split(':')[1]!);

const GOING = [`layers-${key('b')}`, `layers-in-${key('d')}`, `layers-recipe-${key('b')}`];

test('what no plan asks for and is old goes, tag by tag', async () => {
  fill();
  registry.fault = (method, url) => {
    const tag = decodeURIComponent(url.split('/').at(-1) ?? '');
    if (method !== 'DELETE') return undefined;
    registry.tags.delete(`${PLACE}:${tag}`);
    return { status: 202 };
  };
  const { chosen, choice, removal } = await prune();
  expect(chosen).toEqual(GOING);
  expect(removal).toMatchObject({ left: new Map(), rest: expect.stringContaining('garbage collection') });
  expect(tagsLeft().filter((tag) => GOING.includes(tag))).toEqual([]);
  expect(tagsLeft()).toHaveLength(6);
  // The blob of b is also what layers-push names; two manifests with a document each are left to count.
  expect(choice.before - choice.after).toBeGreaterThan(2000);
  expect(choice.before - choice.after).toBeLessThan(4000);
});

test('where only digests can be deleted, one that another tag names stays', async () => {
  fill();
  // A human tag, and an index, that name what would go.
  registry.tags.set(`${PLACE}:stable`, registry.tags.get(`${PLACE}:layers-${key('b')}`)!);
  const sets = registry.tags.get(`${PLACE}:layers-in-${key('d')}`)!;
  const member = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: sets, size: 1 };
  registry.put(PLACE, 'all', { schemaVersion: 2, manifests: [member] }, 'application/vnd.oci.image.index.v1+json');
  registry.fault = (method, url) =>
    method === 'DELETE' && !url.includes('sha256:') ? error(405, 'UNSUPPORTED') : undefined;
  const { chosen, removal } = await prune();
  expect(chosen).toEqual(GOING);
  expect(Object.fromEntries(removal.left)).toEqual({
    [`layers-${key('b')}`]: expect.stringContaining('named by stable'),
    [`layers-in-${key('d')}`]: expect.stringContaining('named by all'),
  });
  expect(tagsLeft()).not.toContain(`layers-recipe-${key('b')}`);
  expect(tagsLeft()).toContain('stable');
});

test('a registry that deletes nothing is asked no more than it takes to know', async () => {
  fill();
  registry.fault = (method) => (method === 'DELETE' ? error(405, 'UNSUPPORTED') : undefined);
  const { removal } = await prune();
  expect([...removal.left.keys()].sort()).toEqual(GOING);
  expect(removal.rest).toContain('deleting is turned off');
  expect(registry.count('DELETE', /./)).toBe(2);
});

test('where one tag cannot be looked at, the others are not tried to the end: nobody waits for them', async () => {
  for (let index = 0; index < 40; index += 1) put(`layers-${String(index).padStart(32, '0')}`, builtAt(OLD));
  const answers = Promise.withResolvers<void>();
  registry.fault = async (_, url) => {
    if (!url.includes('/manifests/layers-')) return undefined;
    if (url.endsWith('0007')) {
      answers.resolve();
      return error(403, 'DENIED');
    }
    await answers.promise;
    return error(503, 'UNAVAILABLE');
  };
  await expect(prune()).rejects.toMatchObject({ name: 'MemoryUnreachable', message: expect.stringContaining('403') });
  const asked = () => registry.count('GET', /manifests/);
  const before = asked();
  // A second try would come after a second at most.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(asked()).toBe(before);
});

test('a registry that has to be asked again is no silent wait', async () => {
  fill();
  let failures = 1;
  registry.fault = (_, url) => (url.includes('tags/list') && failures-- > 0 ? error(503, 'UNAVAILABLE') : undefined);
  const said: string[] = [];
  await prune((line) => void said.push(line));
  expect(said).toEqual([expect.stringMatching(/site\/cache: attempt 1 of 7 failed, next in \d+ ms: .*503/)]);
});

test('a page of tags that leads to itself is no endless list', async () => {
  fill();
  const link = '</v2/site/cache/tags/list?n=1000>; rel="next"';
  registry.fault = (_, url) =>
    url.includes('tags/list') ? { status: 200, headers: { link }, body: '{"tags":[]}' } : undefined;
  await expect(prune()).rejects.toThrow('leads to itself');
});
