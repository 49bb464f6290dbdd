import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Publication, PublishedImage } from '../../tool/src/publish/publisher.ts';
import { createRegistryPublisher } from '../../tool/src/publish/registry.ts';
import type { Buildah } from '../../tool/src/system/buildah.ts';
import { CommandFailure, type CommandFailureReason, type Exec } from '../../tool/src/system/command.ts';
import { isTransient } from '../../tool/src/system/registry/program-errors.ts';
import { Registries } from '../../tool/src/system/registry/registries.ts';
import { publishedImage, type RecordingWorkspace, recordingWorkspace } from '../helpers/publish-workspace.ts';
import { error, FakeRegistry } from '../services/fake-registry.ts';

const POLICY = { attempts: 4, baseMs: 1, capMs: 2 };
const OPTIONS = { registry_opts_push: '--tls-verify=false' };
const LABELS = { 'org.example.b': '2', 'org.example.a': '1' };

let folder: string;
let registry: FakeRegistry;
let host: string;
let workspace: RecordingWorkspace;
/** Every call, as words. */
let calls: string[][];
/** Errors of the next calls; undefined lets one through. */
let faults: (CommandFailure | undefined)[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-registry-'));
  registry = new FakeRegistry();
  host = await registry.listen();
  calls = [];
  faults = [];
  const exec: Exec = async (file, args) => {
    call(file, ...args);
    return { argv: [], exitCode: 0, signal: null, durationMs: 1, stdout: '', tail: [] };
  };
  const push: Buildah['push'] = async (image, destination, args = []) => {
    call('push', image, destination, ...args);
    const [, repository = '', tag = ''] = /^docker:\/\/[^/]+\/(.+):(.+)$/.exec(destination) ?? [];
    // As buildah names what it commits.
    return registry.putImage(repository, tag, { 'io.buildah.version': '1', old: 'label' });
  };
  const buildah = { push, inspect: async () => undefined } as unknown as Buildah;
  workspace = await recordingWorkspace(folder, { exec, buildah });
});
afterEach(async () => {
  registry.close();
  await rm(folder, { recursive: true });
});

function failure(line: string, reason: CommandFailureReason = 'exit'): CommandFailure {
  const result = {
    argv: ['buildah'],
    exitCode: 125,
    signal: null,
    durationMs: 1,
    stdout: '',
    tail: ['Copying blob', line],
  };
  return new CommandFailure(reason, result, line);
}

function call(...words: string[]): void {
  calls.push(words);
  const fault = faults.shift();
  if (fault) throw fault;
}

const publisher = () => createRegistryPublisher({ policy: POLICY, registries: new Registries({ HOME: folder }) });
const destinationOf = (tags: readonly string[], name = 'site/tiny') =>
  ({ kind: 'registry', key: '', repository: `${host}/${name}`, tags }) as const;

async function publish(
  tags: readonly string[],
  options: Record<string, unknown> = OPTIONS,
  more: Partial<PublishedImage> = {},
): Promise<Publication> {
  const image = publishedImage('image', options, 'test/tiny', { labels: LABELS, ...more });
  const publication = await publisher().publish(image, destinationOf(tags), workspace, undefined as never);
  expect(await readdir(workspace.temporary)).toEqual([]);
  return publication;
}

test('one push; every tag gets the same manifest with annotations, and exactly the labels', async () => {
  const options = { registry_opts_push: '--tls-verify=false --compression-level 3' };
  const { references } = await publish(['a', 'b', 'c'], options);
  const args = ['--retry=0', '--tls-verify=false', '--compression-level', '3'];
  expect(calls).toEqual([['push', 'image', `docker://${host}/site/tiny:a`, ...args]]);
  const digests = new Set(['a', 'b', 'c'].map((tag) => registry.tags.get(`site/tiny:${tag}`)));
  expect(digests.size).toBe(1);
  const [digest] = digests;
  expect(references).toEqual(
    ['a', 'b', 'c'].map((tag) => ({ kind: 'image', reference: `${host}/site/tiny:${tag}`, digest })),
  );
  const { annotations, config } = registry.manifest('site/tiny', 'a') as never as {
    annotations: Record<string, string>;
    config: { digest: string };
  };
  expect(annotations).toEqual({
    'org.openchami.layers.version': '1',
    'org.openchami.layers.recipe-key': 'e'.repeat(64),
    'org.openchami.layers.content': `sha256:${'c'.repeat(64)}`,
    'org.openchami.layers.publish-key': 'f'.repeat(64),
  });
  const image = JSON.parse(String(registry.blobs.get(`site/tiny@${config.digest}`)));
  expect(image.config.Labels).toEqual(LABELS);
});

test.each([['site/tiny'], ['cache/all']])('from the key tag in %s: no push, no layer read or sent', async (cache) => {
  const digest = registry.putImage(cache, 'layers-1', { old: 'label' });
  const shared = { place: `${host}/${cache}`, digest, size: 5 };
  const unwanted = () => Promise.reject(new Error('not wanted'));
  await publish(['a', 'b'], OPTIONS, { shared, local: unwanted, labelled: unwanted });
  expect(calls).toEqual([]);
  const manifest = registry.manifest('site/tiny', 'b') as never as {
    config: { digest: string };
    layers: { digest: string }[];
  };
  expect(JSON.parse(String(registry.blobs.get(`site/tiny@${manifest.config.digest}`))).config.Labels).toEqual(LABELS);
  expect(registry.blobs.has(`site/tiny@${manifest.layers[0]!.digest}`)).toBe(true);
  expect(registry.count('GET', /blobs/)).toBe(1);
  expect(registry.count('PUT', /blobs/)).toBe(1);
  // Whoever publishes it again gives the same digest.
  const first = registry.tags.get('site/tiny:a');
  await publish(['a'], OPTIONS, { shared, labels: Object.fromEntries(Object.entries(LABELS).reverse()) });
  expect(registry.tags.get('site/tiny:a')).toBe(first);
});

test('a registry that mounts nothing, a key tag that is gone, another host, a mount that is denied: pushed', async () => {
  const digest = registry.putImage('cache', 'layers-1');
  registry.mounts = false;
  const gone = `sha256:${'0'.repeat(64)}`;
  for (const place of [`${host}/cache`, `${host}/site/tiny`, 'elsewhere.example/cache', 'oci:images/tiny']) {
    await publish(['a'], OPTIONS, { shared: { place, digest: place.endsWith('cache') ? digest : gone, size: 5 } });
  }
  registry.fault = (method, url) => (method === 'POST' && url.includes('mount=') ? error(403, 'DENIED') : undefined);
  await publish(['a'], OPTIONS, { shared: { place: `${host}/cache`, digest, size: 5 } });
  expect(calls.map(([name]) => name)).toEqual(['push', 'push', 'push', 'push', 'push']);
});

test('docker’s own format carries no annotations: the same bytes under every tag', async () => {
  const { references } = await publish(['a', 'b'], {
    registry_opts_push: ['--tls-verify=false', '--format', 'docker'],
  });
  expect(new Set(references.map((one) => one.kind === 'image' && one.digest)).size).toBe(1);
  expect(registry.tags.get('site/tiny:b')).toBe(registry.tags.get('site/tiny:a'));
  expect(registry.manifest('site/tiny', 'b').annotations).toEqual({ 'org.opencontainers.image.base.name': 'parent' });
});

test('what our client cannot do, skopeo does: the tags count more than annotations', async () => {
  registry.fault = (_method, url) => (url === '/v2/' ? undefined : error(403, 'DENIED'));
  await publish(['a', 'b']);
  expect(calls.map((words) => words.slice(0, 2).join(' '))).toEqual(['push image', 'skopeo copy']);
  expect(workspace.lines.join()).toContain('without annotations');
});

test('verify and observe: one request a tag', async () => {
  const publication = await publish(['a', 'b']);
  const { layer, ...facts } = publishedImage('image', OPTIONS);
  const wanted = { layer, ...facts };
  const before = registry.seen.length;
  expect(await publisher().observe(wanted, destinationOf(['a', 'b']), workspace)).toEqual({ ...publication, bytes: 0 });
  expect(registry.seen.length - before).toBe(3);
  expect(await publisher().verify(publication, destinationOf(['a', 'b']), layer, workspace)).toBe(true);

  const observe = (tags: string[], more = {}) =>
    publisher().observe({ ...wanted, ...more }, destinationOf(tags), workspace);
  expect(await observe(['a', 'c'])).toBeUndefined();
  expect(await observe(['a'], { publishKey: '0'.repeat(64) })).toBeUndefined();
  expect(await observe(['a'], { contentDigest: `sha256:${'0'.repeat(64)}` })).toBeUndefined();
  registry.putImage('site/tiny', 'b');
  expect(await observe(['a', 'b'])).toBeUndefined();
  expect(await publisher().verify(publication, destinationOf(['a', 'b']), layer, workspace)).toBe(false);
  registry.fault = () => 'drop';
  expect(await observe(['a'])).toBeUndefined();
  await expect(publisher().verify(publication, destinationOf(['a']), layer, workspace)).rejects.toThrow(host);
});

test('a manifest whose bytes were changed in the registry is not what was published', async () => {
  const publication = await publish(['a']);
  registry.blobs.set(`site/tiny@${registry.tags.get('site/tiny:a')}`, Buffer.from('{"schemaVersion":2}'));
  const { layer } = publishedImage('image', OPTIONS);
  expect(await publisher().verify(publication, destinationOf(['a']), layer, workspace)).toBe(false);
});

test('credentials are in no argv, and their file is gone afterwards', async () => {
  await publish(['a', 'b'], { registry_opts_push: ['--tls-verify=false', '--creds=me:secret'] });
  expect(JSON.stringify(calls)).not.toContain('secret');
  expect(calls[0]).toContainEqual(expect.stringMatching(/^--authfile=/));
});

test('overload is tried again, a tag as well as the push', async () => {
  faults = [
    failure('received unexpected HTTP status: 503 Service Unavailable'),
    failure('read: connection reset by peer'),
  ];
  let left = 2;
  registry.fault = (method) => (method === 'PUT' && left-- > 0 ? error(503, 'UNAVAILABLE') : undefined);
  await publish(['a', 'b']);
  expect(calls.map(([name]) => name)).toEqual(['push', 'push', 'push']);
  expect(registry.tags.get('site/tiny:b')).toBeDefined();
});

test('attempts end; the last failure is told', async () => {
  faults = Array.from({ length: 9 }, () => failure('received unexpected HTTP status: 500 Internal Server Error'));
  await expect(publish(['a'])).rejects.toMatchObject({ name: 'CommandFailure' });
  expect(calls).toHaveLength(POLICY.attempts);
});

test('what no retry mends is told at once, with a hint', async () => {
  faults = [failure('Error: writing blob: requested access to the resource is denied')];
  await expect(publish(['a'])).rejects.toMatchObject({
    name: 'PublishFailure',
    hint: expect.stringContaining('buildah login'),
  });
  expect(calls).toHaveLength(1);
});

test.each([
  ['Error: trying to reuse blob: received unexpected HTTP status: 502 Bad Gateway', true],
  ['toomanyrequests: rate limit', true],
  ['Put "https://r/v2/": write tcp: broken pipe', true],
  ['Get "https://r/v2/": EOF', true],
  ['dial tcp 10.0.0.1:443: i/o timeout', true],
  ['unauthorized: authentication required', false],
  ['x509: certificate signed by unknown authority', false],
  ['http: server gave HTTP response to HTTPS client', false],
  ['manifest invalid', false],
])('%s: another try %s', (line, expected) => {
  expect(isTransient(failure(line))).toBe(expected);
});

test('what took too long is tried again, what was cancelled is not', () => {
  expect(isTransient(failure('', 'timeout'))).toBe(true);
  expect(isTransient(failure('connection reset by peer', 'cancelled'))).toBe(false);
});
