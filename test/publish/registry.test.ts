import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Publication } from '../../tool/src/publish/publisher.ts';
import { createRegistryPublisher } from '../../tool/src/publish/registry.ts';
import { isTransient } from '../../tool/src/publish/registry-errors.ts';
import type { Buildah } from '../../tool/src/system/buildah.ts';
import { CommandFailure, type CommandFailureReason, type Exec } from '../../tool/src/system/command.ts';
import { publishedImage, recordingWorkspace } from '../helpers/publish-workspace.ts';

const DIGEST = `sha256:${'d'.repeat(64)}`;
const POLICY = { attempts: 4, baseMs: 1, capMs: 2 };
const REPOSITORY = 'reg.example/site/tiny';

let folder: string;
/** Every call, as words. */
let calls: string[][];
/** Errors of the next calls; undefined lets one through. */
let faults: (CommandFailure | undefined)[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-registry-'));
  calls = [];
  faults = [];
});
afterEach(() => rm(folder, { recursive: true }));

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

async function publish(tags: readonly string[], options: Record<string, unknown> = {}): Promise<Publication> {
  const exec: Exec = async (file, args) => {
    call(file, ...args);
    return { argv: [], exitCode: 0, signal: null, durationMs: 1, stdout: '', tail: [] };
  };
  const push: Buildah['push'] = async (image, destination, args = []) => {
    call('push', image, destination, ...args);
    return DIGEST;
  };
  const buildah = { push, inspect: async () => undefined } as unknown as Buildah;
  const workspace = await recordingWorkspace(folder, { exec, buildah });
  const destination = { kind: 'registry', key: '', repository: REPOSITORY, tags } as const;
  const image = publishedImage('image', options);
  const publication = await createRegistryPublisher(POLICY).publish(image, destination, workspace, undefined as never);
  expect(await readdir(workspace.temporary)).toEqual([]);
  return publication;
}

test('one push; every other tag is set to its digest', async () => {
  const { references } = await publish(['a', 'b', 'c'], {
    registry_opts_push: '--tls-verify=false --compression-level 3',
  });
  const copy = ['skopeo', 'copy', '--quiet', '--preserve-digests', '--src-tls-verify=false', '--dest-tls-verify=false'];
  const source = `docker://${REPOSITORY}@${DIGEST}`;
  expect(calls).toEqual([
    ['push', 'image', `docker://${REPOSITORY}:a`, '--retry=0', '--tls-verify=false', '--compression-level', '3'],
    [...copy, source, `docker://${REPOSITORY}:b`],
    [...copy, source, `docker://${REPOSITORY}:c`],
  ]);
  expect(references).toEqual(
    ['a', 'b', 'c'].map((tag) => ({ kind: 'image', reference: `${REPOSITORY}:${tag}`, digest: DIGEST })),
  );
});

test('credentials are in no argv, and their file is gone afterwards', async () => {
  await publish(['a', 'b'], { registry_opts_push: ['--creds=me:secret'] });
  expect(JSON.stringify(calls)).not.toContain('secret');
  expect(calls[0]).toContainEqual(expect.stringMatching(/^--authfile=/));
  expect(calls[1]).toContainEqual(expect.stringMatching(/^--src-authfile=/));
  expect(calls[1]).toContainEqual(expect.stringMatching(/^--dest-authfile=/));
});

test('overload is tried again, a tag as well as the push', async () => {
  faults = [
    failure('received unexpected HTTP status: 503 Service Unavailable'),
    undefined,
    failure('read: connection reset by peer'),
  ];
  await publish(['a', 'b']);
  expect(calls.map(([name]) => name)).toEqual(['push', 'push', 'skopeo', 'skopeo']);
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
