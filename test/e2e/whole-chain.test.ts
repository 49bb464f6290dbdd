import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openS3, QUESTION, type S3Door } from '../../tool/src/publish/s3-client.ts';
import { createRpmRepository } from '../helpers/rpm-repository.ts';
import { registryService, s3Service } from '../helpers/services.ts';
import { createTree, outcomes, type TestTree } from '../helpers/tree.ts';

const BUCKET = 'chain-images';

let builder: TestTree;
let other: TestTree;
let registry: string;
let door: S3Door;
let credentials: Record<string, string>;

/** One machine builds a dnf root and pushes it; another has only that registry, builds on it and publishes to S3. */
beforeAll(async () => {
  const s3 = await s3Service();
  registry = (await registryService()).host;
  [builder, other] = [await createTree(), await createTree()];
  credentials = { S3_ACCESS: s3.accessKeyId, S3_SECRET: s3.secretAccessKey };
  door = await openS3({ endpoint: s3.endpoint, bucket: BUCKET, verifyTls: true, env: credentials, policy: QUESTION });
  await door.send((client, sdk) => client.send(new sdk.CreateBucketCommand({ Bucket: BUCKET })));
  const folder = path.join(builder.storage.folder, 'rpms');
  await mkdir(folder);
  const repository = await createRpmRepository(folder, builder.storage.exec);
  await cp(repository.key, path.join(builder.root, 'key.asc'));
  await builder.write(
    'layers/root.yaml',
    `
options:
  {layer_type: base, name: chain/root, pkg_manager: dnf, releasever: '9', publish_registry: '${registry}/site/',
   registry_opts_push: '--tls-verify=false', publish_tags: ['9.5', latest]}
repos: [{alias: own, url: 'file://${repository.folder}', gpg: key.asc}]
packages: [lay-a]
`,
  );
  for (const [file, text] of Object.entries({
    'boot/boot/vmlinuz-5.14.0-1.x86_64': 'older kernel',
    'boot/boot/initramfs-5.14.0-1.x86_64.img': 'older initramfs',
    'boot/boot/vmlinuz-5.14.0-10.x86_64': 'kernel',
    'boot/boot/initramfs-5.14.0-10.x86_64.img': 'initramfs',
    'boot/lib/modules/5.14.0-10.x86_64/modules.dep': '',
    'boot/etc/os-release': 'ID="Rocky"\nVERSION_ID="9.5"\n',
  })) {
    await other.write(file, text);
  }
  await other.write(
    'layers/compute.yaml',
    `
options:
  {layer_type: base, name: compute, pkg_manager: dnf, parent: '${registry}/site/chain/root:9.5',
   registry_opts_pull: '--tls-verify=false', publish_s3: '${s3.endpoint}/', s3_prefix: 'compute/', s3_bucket: ${BUCKET},
   publish_tags: ['9.5', latest, '9.5-a']}
copyfiles: [{src: boot, dest: /}]
`,
  );
});
afterAll(async () => {
  door?.close();
  for (const tree of [builder, other]) await tree?.[Symbol.asyncDispose]();
});

const objects = async () => {
  const list = await door.send((client, sdk) => client.send(new sdk.ListObjectsV2Command({ Bucket: BUCKET })));
  return (list.Contents ?? []).map(({ Key, Size, LastModified }) => ({
    key: Key,
    size: Size,
    time: LastModified?.getTime(),
  }));
};

test('a dnf root is pushed once, under one digest for all tags, and asked for only with --verify', async () => {
  const built = await builder.layers(['build', '--output', 'json']);
  expect([built.code, outcomes(built)]).toEqual([0, { root: 'built' }]);
  const skopeo = (tag: string) =>
    builder.storage.exec('skopeo', ['inspect', '--tls-verify=false', `docker://${registry}/site/chain/root:${tag}`]);
  const [one, two] = await Promise.all(['9.5', 'latest'].map(async (tag) => JSON.parse((await skopeo(tag)).stdout)));
  expect(one.Digest).toBe(two.Digest);
  expect(one.Labels).toMatchObject({
    'org.openchami.image.name': 'chain/root',
    'org.openchami.image.tags': '9.5,latest',
    'org.openchami.image.repositories': 'own',
  });
  expect((await builder.layers(['build', '--verify'])).stdout).toMatch(/nothing to do.*verified/);
});

test('the next layer pulls it as its parent, and exactly the objects of the contract are in S3, equal when read back', async () => {
  const built = await other.layers(['build', '--output', 'json'], credentials);
  expect([built.code, outcomes(built)]).toEqual([0, { compute: 'built' }]);
  expect((await objects()).map(({ key }) => key).sort()).toEqual([
    'compute/rocky9.5-compute-9.5',
    'compute/rocky9.5-compute-9.5-a',
    'compute/rocky9.5-compute-latest',
    'efi-images/compute/initramfs-5.14.0-10.x86_64.img',
    'efi-images/compute/vmlinuz-5.14.0-10.x86_64',
  ]);
  const read = async (Key: string) => {
    const answer = await door.send((client, sdk) => client.send(new sdk.GetObjectCommand({ Bucket: BUCKET, Key })));
    return Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
  };
  expect((await read('efi-images/compute/vmlinuz-5.14.0-10.x86_64')).toString()).toBe('kernel');
  const root = path.join(other.storage.folder, 'root.squashfs');
  await writeFile(root, await read('compute/rocky9.5-compute-latest'));
  const { stdout } = await other.storage.exec('unsquashfs', ['-cat', root, 'boot/initramfs-5.14.0-10.x86_64.img']);
  expect(stdout).toBe('initramfs');
  const listing = await other.storage.exec('unsquashfs', ['-l', root]);
  expect(listing.stdout).toContain('squashfs-root/var/lib/rpm/rpmdb.sqlite');
});

test('a second run asks nothing and sends nothing; a tag more is a copy on the server', async () => {
  const before = await objects();
  expect((await other.layers(['build'], credentials)).stdout).toMatch(/nothing to do/);
  const file = path.join(other.root, 'layers/compute.yaml');
  await writeFile(file, (await readFile(file, 'utf8')).replace("'9.5-a'", "'9.5-b'"));
  const published = await other.layers(['build', '--output', 'json'], credentials);
  expect(outcomes(published)).toEqual({ compute: 'published' });
  const after = await objects();
  expect(after.filter(({ key }) => key !== 'compute/rocky9.5-compute-9.5-b')).toEqual(before);
});

test('what is missing in S3 is noticed by --verify; wrong credentials fail with the place and lose no build', async () => {
  await door.send((client, sdk) =>
    client.send(new sdk.DeleteObjectCommand({ Bucket: BUCKET, Key: 'compute/rocky9.5-compute-latest' })),
  );
  expect((await other.layers(['build'], credentials)).stdout).toMatch(/nothing to do/);
  const refused = await other.layers(['build', '--verify', '--output', 'json'], { ...credentials, S3_SECRET: 'wrong' });
  expect(refused.stdout).toMatch(/could not be asked/);
  const mended = await other.layers(['build', '--verify', '--output', 'json'], credentials);
  expect(outcomes(mended)).toEqual({ compute: 'published' });
  await rm(path.join(other.root, 'boot/boot/initramfs-5.14.0-10.x86_64.img'));
  await rm(path.join(other.root, 'boot/boot/initramfs-5.14.0-1.x86_64.img'));
  const failed = await other.layers(['build', '--output', 'json'], credentials);
  expect([failed.code, outcomes(failed)]).toEqual([1, { compute: 'failed' }]);
  const again = await other.layers(['plan', '--json'], credentials);
  expect(JSON.parse(again.stdout).layers[0].action).toBe('publish');
});
