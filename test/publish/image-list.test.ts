import { describe, expect, test } from 'vitest';
import type { Architecture } from '../../tool/src/config/architectures.ts';
import { destinationsOf } from '../../tool/src/config/destinations.ts';
import { expandArchitectures } from '../../tool/src/graph/architectures.ts';
import { entriesOf, type ListEntry, listBytes, listWith } from '../../tool/src/publish/image-list.ts';
import { objectsOf, rootNameIn } from '../../tool/src/publish/object-keys.ts';
import { joinList } from '../../tool/src/publish/registry-list.ts';
import { publishDifference, publishRecipeOf } from '../../tool/src/recipe/publish-key.ts';
import { OCI_MANIFEST } from '../../tool/src/system/registry/manifest.ts';
import { digestOf, type Repository } from '../../tool/src/system/registry/repository.ts';
import { link } from '../graph/linking.ts';
import { content } from '../helpers/facts.ts';

const entry = (architecture: string, word = architecture): ListEntry => ({
  mediaType: OCI_MANIFEST,
  digest: digestOf(Buffer.from(word)),
  size: 1,
  platform: { architecture, os: 'linux' },
});
const ALL: Architecture[] = ['386', 'amd64', 'arm64'];
const held = (bytes: Buffer | undefined) =>
  entriesOf(bytes ?? Buffer.from('{}'))?.map((one) => one.platform.architecture);

describe('a list of images', () => {
  test('an image takes the place of the one of its architecture; others stay as long as they are wanted', () => {
    const before = [entry('amd64', 'old'), entry('arm64'), entry('s390x')];
    const list = listWith(before, entry('amd64', 'new'), ALL);
    expect(list.manifests).toEqual([entry('amd64', 'new'), entry('arm64')]);
  });

  test('has the same bytes whoever joined last', () => {
    const one = listWith([entry('amd64')], entry('arm64'), ALL);
    const other = listWith([entry('arm64')], entry('amd64'), ALL);
    expect(listBytes(one)).toEqual(listBytes(other));
  });

  test('what names no platform is no image of it', () => {
    const bytes = Buffer.from(JSON.stringify({ manifests: [entry('amd64'), { digest: 'sha256:0' }] }));
    expect(held(bytes)).toEqual(['amd64']);
    expect(entriesOf(Buffer.from('{"layers":[]}'))).toBeUndefined();
  });
});

/** A tag, on which somebody else may write in the moment before a write of ours. */
function tagOf(
  stands: Buffer | undefined,
  beforeWrite: (write: (bytes: Buffer) => void, time: number) => void = () => {},
) {
  let bytes = stands;
  let times = 0;
  const config = Buffer.from('{"architecture":"arm64"}');
  const repository = {
    name: 'r.example/a',
    manifest: async () => bytes && { bytes, digest: digestOf(bytes), mediaType: OCI_MANIFEST },
    blob: async () => config,
    async putManifest(_tag: string, _type: string, ours: Buffer) {
      times += 1;
      bytes = ours;
      beforeWrite((other) => {
        bytes = other;
      }, times);
      return digestOf(ours);
    },
  } as unknown as Repository;
  return { repository, now: () => bytes, times: () => times };
}

describe('joining the list of a tag', () => {
  const { signal } = new AbortController();
  const join = (repository: Repository, one: ListEntry) =>
    joinList(
      repository,
      'latest',
      one,
      { architecture: one.platform.architecture as Architecture, architectures: ALL },
      signal,
    );

  test('where nothing stands, and again without a write', async () => {
    const tag = tagOf(undefined);
    await join(tag.repository, entry('amd64'));
    await join(tag.repository, entry('amd64'));
    expect([held(tag.now()), tag.times()]).toEqual([['amd64'], 1]);
  });

  test('a single image that stands there becomes part of it', async () => {
    const descriptor = { mediaType: 'x', digest: digestOf(Buffer.from('config')), size: 1 };
    const image = { schemaVersion: 2, config: descriptor, layers: [] };
    const tag = tagOf(Buffer.from(JSON.stringify(image)));
    await join(tag.repository, entry('amd64'));
    expect(held(tag.now())).toEqual(['amd64', 'arm64']);
  });

  test('who is overwritten by another joins what that one put', async () => {
    const other = listBytes(listWith([], entry('arm64'), ALL));
    const tag = tagOf(undefined, (write, time) => {
      if (time <= 2) write(other);
    });
    await join(tag.repository, entry('amd64'));
    expect([held(tag.now()), tag.times()]).toEqual([['amd64', 'arm64'], 3]);
  });

  test('both architectures of one process do not meet', async () => {
    const tag = tagOf(undefined);
    await Promise.all(['amd64', '386', 'arm64'].map((name) => join(tag.repository, entry(name))));
    expect([held(tag.now()), tag.times()]).toEqual([['386', 'amd64', 'arm64'], 3]);
  });
});

describe('destinations of a layer for several architectures', () => {
  const options = { publish_registry: 'r.example/a', publish_s3: 'https://s3.example', s3_prefix: 'p/' };
  const nodes = (...architectures: string[]) => {
    const { graph } = expandArchitectures(link({ base: { ...options, architectures } }).graph, 'amd64');
    return [...graph.layers.values()];
  };

  test('name the list, and another list is a reason to publish', () => {
    const [before, after] = [nodes('arm64', 'amd64'), nodes('arm64', 'amd64', '386')].map(([layer]) => {
      const [registry] = destinationsOf(layer as never);
      return publishRecipeOf(content('x'), registry as never, {});
    });
    expect(after?.destination).toMatchObject({
      list: { architecture: 'arm64', architectures: ['386', 'amd64', 'arm64'] },
    });
    expect(publishDifference(before, after as never).map(({ text }) => text)).toEqual(['architectures: + 386']);
  });

  test('a single one is named nowhere', () => {
    const [layer] = nodes('amd64');
    const [plain] = [...link({ base: options }).graph.layers.values()];
    expect(destinationsOf(layer as never)).toEqual(destinationsOf(plain as never));
  });

  test('keys of objects never meet those of another architecture', () => {
    const keys = nodes('amd64', 'arm64').map((layer) => {
      const s3 = destinationsOf(layer).find(({ kind }) => kind === 's3');
      const names = { os: 'suse15', kernel: 'vmlinuz-6.4-default', initramfs: 'initramfs-6.4-default.img' };
      return objectsOf(s3 as never, names).map(({ key }) => key);
    });
    expect(keys[0]).toEqual([
      'efi-images/p/vmlinuz-6.4-default-amd64',
      'efi-images/p/initramfs-6.4-default-amd64.img',
      'p/suse15-base-latest-amd64',
    ]);
    expect(new Set(keys.flat()).size).toBe(6);
    expect(rootNameIn({ prefix: 'p/', name: 'base', architecture: 'amd64' }, keys[0]?.[2] as string)?.tag).toBe(
      'latest',
    );
    expect(rootNameIn({ prefix: 'p/', name: 'base', architecture: 'amd64' }, keys[1]?.[2] as string)).toBeUndefined();
  });

  test.each([
    ['5.14.0-503.el9.x86_64', 'amd64', 'vmlinuz-5.14.0-503.el9.x86_64'],
    ['6.1.0-56-cloud-amd64', 'amd64', 'vmlinuz-6.1.0-56-cloud-amd64'],
    ['6.1.0-56-arm64', 'amd64', 'vmlinuz-6.1.0-56-arm64-amd64'],
  ] as const)('a kernel that has its architecture in its version: %s', (version, architecture, name) => {
    const settings = { prefix: '', name: 'a', tags: [], architecture };
    const [kernel] = objectsOf(settings, { os: 'x1', kernel: `vmlinuz-${version}`, initramfs: 'i' });
    expect(kernel?.key).toBe(`efi-images/${name}`);
  });
});
