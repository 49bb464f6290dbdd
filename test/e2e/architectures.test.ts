import { cp } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Architecture } from '../../tool/src/config/architectures.ts';
import type { ListEntry } from '../../tool/src/publish/image-list.ts';
import { joinList } from '../../tool/src/publish/registry-list.ts';
import { OCI_MANIFEST } from '../../tool/src/system/registry/manifest.ts';
import { Registries } from '../../tool/src/system/registry/registries.ts';
import { imageBuild } from '../helpers/image-build.ts';
import { registryService } from '../helpers/services.ts';
import { addSmall386 } from '../helpers/small-386.ts';
import { addSmallImage, createTree, outcomes, type TestTree } from '../helpers/tree.ts';

// This machine is for amd64 and runs programs for i386 without an emulator. Where that is not so, these tests fail, as they should.

const OPTIONS = `registry_opts_push: '--tls-verify=false', registry_opts_pull: '--tls-verify=false'`;
let amd64: TestTree;
let i386: TestTree;
let registry: string;

beforeAll(async () => {
  registry = (await registryService()).host;
  amd64 = await createTree({
    'layers.yaml': `defaults: {${OPTIONS}, architectures: [amd64, i386], publish_registry: ${registry}/several, publish_tags: ['1', latest]}\n`,
    'layers/base.yaml':
      'options: {layer_type: base, name: base, pkg_manager: apt, parent: oci:small:1}\ncmds: [touch /ran-amd64]\n',
    'layers/child.yaml': `options: {layer_type: base, name: child, pkg_manager: apt, parent: base, publish_registry: oci:images, publish_local: true}
cmds: [touch /child]
`,
  });
  await addSmallImage(amd64);
  await addSmall386(amd64);
  i386 = await createTree();
  await cp(amd64.root, i386.root, { recursive: true });
});
afterAll(async () => {
  for (const tree of [amd64, i386]) await tree?.[Symbol.asyncDispose]();
});

const AMD64 = { LAYERS_ARCHITECTURE: 'amd64' };
const I386 = { LAYERS_ARCHITECTURE: 'i386' };
const build = (tree: TestTree, env: Record<string, string>, ...more: string[]) =>
  tree.layers(['build', '--output', 'json', '--verify', ...more], env);

async function inspected(reference: string, ...args: string[]) {
  const { stdout } = await amd64.storage.exec('skopeo', [...args, 'inspect', '--tls-verify=false', '--raw', reference]);
  return JSON.parse(stdout);
}

const architecturesAt = async (tag: string) => {
  const { manifests } = await inspected(`docker://${registry}/several/base:${tag}`);
  return manifests.map((one: ListEntry) => one.platform.architecture);
};

/** What lies at the top of the image that a machine of an architecture would run. */
async function filesFor(architecture: string): Promise<string[]> {
  const { exec } = amd64.storage;
  const image = `docker://${registry}/several/base:latest`;
  const { stdout } = await exec('buildah', [
    'from',
    '--arch',
    architecture,
    '--tls-verify=false',
    '--pull-always',
    image,
  ]);
  const container = stdout.trim().split('\n').at(-1) ?? '';
  const { stdout: root } = await exec('buildah', ['mount', container]);
  const { stdout: files } = await exec('ls', [root.trim()]);
  await exec('buildah', ['rm', container]);
  return files.split('\n').filter((name) => name.startsWith('ran-'));
}

test('two machines build their own architecture and join one list; the second time there is nothing to do', async () => {
  const both = await Promise.all([build(amd64, AMD64), build(i386, I386)]);
  expect(both.map(({ code, stderr }) => [code, code === 0 ? '' : stderr])).toEqual([
    [0, ''],
    [0, ''],
  ]);
  expect(both.map(outcomes)).toEqual([
    { base: 'built', child: 'built' },
    { 'base@386': 'built', 'child@386': 'built' },
  ]);
  expect(both[0]?.stderr).toContain('left to other machines: 386 (base@386, child@386)');
  for (const tag of ['1', 'latest']) expect(await architecturesAt(tag)).toEqual(['386', 'amd64']);
  expect(await filesFor('amd64')).toEqual(['ran-amd64']);
  expect(await filesFor('386')).toEqual(['ran-386']);
  for (const [tree, env] of [
    [amd64, AMD64],
    [i386, I386],
  ] as const) {
    const again = await build(tree, env);
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('nothing-to-do')]);
  }
});

test('one machine that runs both takes over what both built, and makes lists of a layout and of local storage', async () => {
  const tree = await createTree();
  try {
    await cp(amd64.root, tree.root, { recursive: true });
    for (const name of ['.layers', 'images']) await tree.storage.exec('rm', ['-rf', path.join(tree.root, name)]);
    const ended = await build(tree, {});
    expect([ended.code, ended.code === 0 ? '' : ended.stderr]).toEqual([0, '']);
    expect(outcomes(ended)).toMatchObject({ base: 'reused', 'base@386': 'reused' });
    const { manifests } = await inspected(`oci:${path.join(tree.root, 'images/child')}:latest`);
    expect(manifests.map((one: ListEntry) => one.platform.architecture)).toEqual(['386', 'amd64']);
    const { stdout } = await tree.storage.exec('buildah', ['manifest', 'inspect', 'localhost/child:latest']);
    expect(JSON.parse(stdout).manifests).toHaveLength(2);
    expect((await build(tree, {})).stdout).toContain('nothing-to-do');
  } finally {
    await tree[Symbol.asyncDispose]();
  }
});

test('image-build builds every architecture into one list', async () => {
  const place = { cwd: amd64.root, env: amd64.storage.env };
  const args = [
    '--config',
    'layers/base.yaml',
    '--publish-registry',
    `${registry}/lone`,
    '--registry-opts-push=--tls-verify=false',
  ];
  const built = await imageBuild([...args, '--architectures', 'amd64', 'i386'], place);
  expect([built.code, built.code === 0 ? '' : built.stderr]).toEqual([0, '']);
  const { manifests } = await inspected(`docker://${registry}/lone/base:latest`);
  expect(manifests.map((one: ListEntry) => one.platform.architecture)).toEqual(['386', 'amd64']);
});

test('an architecture that goes is a publication, which leaves a single image', async () => {
  await amd64.write(
    'layers/base.yaml',
    'options: {layer_type: base, name: base, pkg_manager: apt, parent: oci:small:1, architectures: amd64}\ncmds: [touch /ran-amd64]\n',
  );
  await amd64.storage.exec('rm', [path.join(amd64.root, 'layers/child.yaml')]);
  expect(outcomes(await build(amd64, AMD64))).toEqual({ base: 'published' });
  expect(await inspected(`docker://${registry}/several/base:1`)).toHaveProperty('layers');
});

test('whoever joins one list at the same time loses no image', async () => {
  const architectures: Architecture[] = ['386', 'amd64', 'arm64', 'ppc64le', 's390x'];
  const access = { tlsVerify: false };
  const { signal } = new AbortController();
  const runner = async (architecture: Architecture) => {
    const repository = new Registries(process.env).repository(`${registry}/joined`, access, { effort: 'work' });
    const config = Buffer.from(JSON.stringify({ architecture, os: 'linux' }));
    const digest = await repository.putBlob(config);
    const described = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: config.length };
    const bytes = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: described, layers: [] }),
    );
    const { createHash } = await import('node:crypto');
    const own = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    await repository.putManifest(own, OCI_MANIFEST, bytes);
    const platform = { architecture, os: 'linux' };
    await sleep(Math.random() * 20);
    const entry = { mediaType: OCI_MANIFEST, digest: own, size: bytes.length, platform };
    await joinList(repository, 'latest', entry, { architecture, architectures }, signal, new Map());
  };
  await Promise.all(architectures.map(runner));
  const { manifests } = await inspected(`docker://${registry}/joined:latest`);
  expect(manifests.map((one: ListEntry) => one.platform.architecture)).toEqual(architectures);
});
