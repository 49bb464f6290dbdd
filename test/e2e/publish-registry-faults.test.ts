import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRegistryPublisher } from '../../tool/src/publish/registry.ts';
import { type ContainerStorage, createContainerStorage } from '../helpers/container-storage.ts';
import {
  buildTinyImage,
  publishedImage,
  type RecordingWorkspace,
  recordingWorkspace,
} from '../helpers/publish-workspace.ts';
import { registryService } from '../helpers/services.ts';
import { type ProxyFault, startFaultyProxy } from '../services/faulty-proxy.ts';
import { startRegistry } from '../services/registry.ts';

let storage: ContainerStorage;
let workspace: RecordingWorkspace;
let imageId: string;

beforeAll(async () => {
  storage = await createContainerStorage();
  workspace = await recordingWorkspace(storage.folder, { exec: storage.exec });
  imageId = await buildTinyImage(workspace.buildah, storage.folder, { 'usr/share/text': 'content '.repeat(200_000) });
});
afterAll(() => storage?.[Symbol.asyncDispose]());

const publisher = createRegistryPublisher({ policy: { attempts: 7, baseMs: 20, capMs: 200 } });

function push(repository: string, options: Record<string, unknown> = { registry_opts_push: '--tls-verify=false' }) {
  const destination = { kind: 'registry', key: '', repository, tags: ['one', 'two'] } as const;
  return publisher.publish(publishedImage(imageId, options), destination, workspace, undefined as never);
}

test.each<[string, number, RegExp, ProxyFault]>([
  ['503 on uploads', 3, /^\/v2\/faults\/blobs\/uploads/, { status: 503 }],
  ['429 on the first request', 1, /^\/v2\/$/, { status: 429 }],
  ['a connection reset in the middle of a blob', 3, /^\/v2\/faults\/blobs\/uploads\/.+/, 'reset'],
  ['500 on the manifest', 3, /^\/v2\/faults\/manifests/, { status: 500 }],
])('%s, so often: %i; the push succeeds', async (_what, times, url, fault) => {
  const { host } = await registryService();
  let left = times;
  const hits = (request: { url?: string; method?: string }) =>
    url.test(request.url ?? '') && (fault !== 'reset' || request.method === 'PATCH') && left-- > 0;
  const proxy = await startFaultyProxy(host, (request) => (hits(request) ? fault : undefined));
  try {
    const { references } = await push(`${proxy.host}/faults`);
    expect(references).toHaveLength(2);
    expect(left).toBeLessThanOrEqual(0);
  } finally {
    proxy.close();
  }
});

test('credentials by --creds reach a registry that asks for them, and stand in no argv', async () => {
  const htpasswd = path.join(storage.folder, 'htpasswd');
  const hash = 'import crypt; print("me:" + crypt.crypt("s3cret", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))';
  await writeFile(htpasswd, (await promisify(execFile)('python3', ['-W', 'ignore', '-c', hash])).stdout);
  const registry = await startRegistry(path.join(storage.folder, 'private'), { htpasswd });
  try {
    await expect(push(`${registry.host}/secret`)).rejects.toMatchObject({
      hint: expect.stringContaining('buildah login'),
    });
    const argvs: string[] = [];
    const exec: typeof workspace.exec = (file, args, options) => {
      argvs.push([file, ...args].join(' '));
      return storage.exec(file, args, options);
    };
    const watched = await recordingWorkspace(storage.folder, { exec });
    const image = publishedImage(imageId, { registry_opts_push: ['--tls-verify=false', '--creds=me:s3cret'] });
    const destination = {
      kind: 'registry',
      key: '',
      repository: `${registry.host}/secret`,
      tags: ['one', 'two'],
    } as const;
    const publication = await publisher.publish(image, destination, watched, undefined as never);
    expect(await publisher.verify(publication, destination, image.layer, watched)).toBe(true);
    // A look at the image and the push; all else is asked by our own client.
    expect(argvs).toHaveLength(2);
    expect(argvs.join('\n')).not.toContain('s3cret');
  } finally {
    await registry.end();
  }
});
