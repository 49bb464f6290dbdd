import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openS3, QUESTION, type S3Door } from '../../tool/src/publish/s3-client.ts';
import { endpointName } from '../../tool/src/publish/s3-credentials.ts';
import { ownAuthority } from '../helpers/own-authority.ts';
import { s3Service } from '../helpers/services.ts';
import { addSmallImage, createTree, type Ended, outcomes, type TestTree } from '../helpers/tree.ts';
import { type LoggingProxy, startLoggingProxy } from '../services/logging-proxy.ts';

const BUCKET = 'tag-images';
const MIB = 1024 ** 2;

let tree: TestTree;
let proxy: LoggingProxy;
let door: S3Door;
let plain: string;
/** Credentials for this endpoint alone, beside others' for all that have none. */
let env: Record<string, string>;

const layer = (name: string, options: string) => `
options:
  {layer_type: base, name: ${name}, pkg_manager: apt, parent: 'oci:small:1', publish_s3: '${proxy.endpoint}',
   s3_bucket: ${BUCKET}, ${options}}
copyfiles: [{src: ${name}, dest: /}]
`;

beforeAll(async () => {
  const s3 = await s3Service();
  plain = s3.endpoint;
  tree = await createTree();
  const certificate = await ownAuthority(tree.storage.folder);
  proxy = await startLoggingProxy(s3.endpoint, certificate);
  const own = endpointName(proxy.endpoint);
  env = {
    S3_ACCESS: 'somebody',
    S3_SECRET: 'else',
    [`S3_ACCESS__${own}`]: s3.accessKeyId,
    [`S3_SECRET__${own}`]: s3.secretAccessKey,
    SSL_CERT_FILE: certificate.authority,
  };
  await addSmallImage(tree);
  const keys = { S3_ACCESS: s3.accessKeyId, S3_SECRET: s3.secretAccessKey };
  door = await openS3({ endpoint: plain, bucket: BUCKET, verifyTls: true, env: keys, policy: QUESTION });
  await door.send((client, sdk) => client.send(new sdk.CreateBucketCommand({ Bucket: BUCKET })));
});
afterAll(async () => {
  door?.close();
  proxy?.close();
  await tree?.[Symbol.asyncDispose]();
});

/** A layer with a kernel and `size` bytes that do not compress. */
async function add(name: string, size: number, options: string): Promise<void> {
  const at = (inside: string) => path.join(tree.root, name, inside);
  for (const folder of ['boot', 'usr/share']) await mkdir(at(folder), { recursive: true });
  await writeFile(at('boot/vmlinuz-6.1'), `kernel of ${name}`);
  await writeFile(at('boot/initramfs-6.1.img'), `initramfs of ${name}`);
  await writeFile(at('usr/share/data'), randomBytes(size));
  await tree.write(`layers/${name}.yaml`, layer(name, `${options}, s3_prefix: '${name}/'`));
}

const seen = (operation: string) => proxy.seen.filter((one) => one.startsWith(`${operation} `));
const steps = ({ events }: Ended, name: string) =>
  events.filter(({ type, step }) => type === 'step-started' && step === name).length;
/** Builds first, without publishing, so that the second call's time is the publication's. */
async function publish(name: string): Promise<{ ended: Ended; seconds: number }> {
  await tree.layers(['build', name, '--no-publish'], env);
  proxy.seen.length = 0;
  const start = performance.now();
  const ended = await tree.layers(['build', name, '--output', 'json'], env);
  return { ended, seconds: (performance.now() - start) / 1000 };
}

test('three tags: one squash, one upload, two copies on the server, in about the time of one tag', async () => {
  await add('one', 64 * MIB, 'publish_tags: [latest]');
  await add('three', 64 * MIB, "publish_tags: [latest, '9', r1]");
  const one = await publish('one');
  expect([one.ended.stderr, outcomes(one.ended)]).toEqual(['', { one: 'published' }]);
  const three = await publish('three');
  expect([three.ended.stderr, outcomes(three.ended)]).toEqual(['', { three: 'published' }]);
  expect(steps(three.ended, 'squashfs')).toBe(1);
  expect(seen('CreateMultipartUpload')).toEqual(['CreateMultipartUpload three/small1-three-latest']);
  expect(seen('CompleteMultipartUpload')).toHaveLength(1);
  expect(seen('PutObject')).toEqual([
    'PutObject efi-images/three/vmlinuz-6.1',
    'PutObject efi-images/three/initramfs-6.1.img',
  ]);
  expect(seen('CopyObject').sort()).toEqual(['CopyObject three/small1-three-9', 'CopyObject three/small1-three-r1']);
  const ratio = three.seconds / one.seconds;
  console.log(
    `three tags ${three.seconds.toFixed(1)} s, one tag ${one.seconds.toFixed(1)} s: ${ratio.toFixed(2)} × (three squashes and uploads would be about 3 ×)`,
  );
  expect(ratio).toBeLessThan(2);
});

test('s3_acl: every object, copies too, can be read by everyone; another one needs no upload', async () => {
  await add('open', 20 * MIB, 'publish_tags: [latest, second], s3_acl: public-read');
  const { ended } = await publish('open');
  expect([ended.stderr, outcomes(ended)]).toEqual(['', { open: 'published' }]);
  const keys = [
    'efi-images/open/vmlinuz-6.1',
    'efi-images/open/initramfs-6.1.img',
    'open/small1-open-latest',
    'open/small1-open-second',
  ];
  const statuses = async () =>
    Promise.all(keys.map(async (key) => (await fetch(`${plain}/${BUCKET}/${key}`, { method: 'HEAD' })).status));
  expect(await statuses()).toEqual([200, 200, 200, 200]);
  expect((await fetch(`${plain}/${BUCKET}/one/small1-one-latest`, { method: 'HEAD' })).status).toBe(403);

  const options = "publish_tags: [latest, second], s3_acl: private, s3_prefix: 'open/'";
  await tree.write('layers/open.yaml', layer('open', options));
  proxy.seen.length = 0;
  const closed = await tree.layers(['build', 'open', '--output', 'json'], env);
  expect([closed.stderr, outcomes(closed)]).toEqual(['', { open: 'published' }]);
  expect(steps(closed, 'squashfs')).toBe(0);
  expect([seen('CopyObject').length, seen('PutObject'), seen('CreateMultipartUpload')]).toEqual([4, [], []]);
  expect(await statuses()).toEqual([403, 403, 403, 403]);
});

test('without the CA, and without this endpoint’s credentials, the error says so and nothing is squashed', async () => {
  await tree.write('layers/open.yaml', layer('open', "publish_tags: [third], s3_prefix: 'open/'"));
  const untrusted = await tree.layers(['build', 'open', '--output', 'json'], { ...env, SSL_CERT_FILE: '/dev/null' });
  expect(untrusted.stdout).toContain('the certificate of the endpoint is not trusted');
  expect(untrusted.stdout).toContain('s3_tls_verify: false');
  const { S3_ACCESS, S3_SECRET, SSL_CERT_FILE } = env;
  const refused = await tree.layers(['build', 'open', '--output', 'json'], { S3_ACCESS, S3_SECRET, SSL_CERT_FILE });
  expect(refused.stdout).toContain(`S3_ACCESS and S3_SECRET (or …__${endpointName(proxy.endpoint)})`);
  expect([untrusted.code, refused.code, steps(untrusted, 'squashfs'), steps(refused, 'squashfs')]).toEqual([
    1, 1, 0, 0,
  ]);
});
