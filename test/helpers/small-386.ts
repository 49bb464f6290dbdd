import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { TestTree } from './tree.ts';

const BASE = 0x0804_8000;
const HEADERS = 52 + 32;

/**
 * A program for i386 without libraries, 32-bit calls of the kernel and all: whatever its arguments, it makes an empty file `/ran-386` in the
 * root that it runs in.
 */
function program386(): Buffer {
  const code = (path: number) => [
    // open(path, O_WRONLY | O_CREAT, 0644)
    ...[0xb8, 5, 0, 0, 0, 0xbb, ...bytes(path, 4), 0xb9, 0x41, 0, 0, 0, 0xba, 0xa4, 1, 0, 0, 0xcd, 0x80],
    // exit(0)
    ...[0xb8, 1, 0, 0, 0, 0x31, 0xdb, 0xcd, 0x80],
  ];
  const start = BASE + HEADERS;
  const text = [...code(start + code(0).length), ...Buffer.from('/ran-386\0')];
  const size = HEADERS + text.length;
  const header = [
    ...[0x7f, 0x45, 0x4c, 0x46, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ...[
      ...bytes(2, 2),
      ...bytes(3, 2),
      ...bytes(1, 4),
      ...bytes(start, 4),
      ...bytes(52, 4),
      ...bytes(0, 4),
      ...bytes(0, 4),
    ],
    ...[...bytes(52, 2), ...bytes(32, 2), ...bytes(1, 2), ...bytes(0, 2), ...bytes(0, 2), ...bytes(0, 2)],
  ];
  const segment = [1, 0, BASE, BASE, size, size, 5, 0x1000].flatMap((word) => bytes(word, 4));
  return Buffer.from([...header, ...segment, ...text]);
}

function bytes(value: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => (value >>> (8 * index)) & 0xff);
}

/** Makes `small:1` of `addSmallImage` a list of that image and of one for i386, whose shell is the program above. */
export async function addSmall386(tree: TestTree): Promise<void> {
  const { exec } = tree.storage;
  const buildah = async (...args: string[]) => (await exec('buildah', args, { quiet: true })).stdout.trim();
  const root = path.join(tree.storage.folder, 'small-386');
  for (const name of ['bin', 'etc', 'tmp']) await mkdir(path.join(root, name), { recursive: true });
  await writeFile(path.join(root, 'etc/os-release'), 'ID=small\nVERSION_ID="1"\n');
  await writeFile(path.join(root, 'bin/sh'), program386(), { mode: 0o755 });
  const container = await buildah('from', 'scratch');
  await buildah('config', '--arch', '386', container);
  await buildah('copy', container, root, '/');
  const image = await buildah('commit', container);
  await buildah('rm', container);
  const layout = path.join(tree.root, 'small');
  await buildah('push', image, `oci:${layout}:386`);
  const file = path.join(layout, 'index.json');
  const { manifests } = JSON.parse(await readFile(file, 'utf8'));
  const part = (tag: string, architecture: string) => {
    const found = manifests.find((one: { annotations: Record<string, string> }) =>
      Object.values(one.annotations).includes(tag),
    );
    const { annotations: _tag, ...descriptor } = found;
    return { ...descriptor, platform: { architecture, os: 'linux' } };
  };
  const list = { schemaVersion: 2, manifests: [part('1', 'amd64'), part('386', '386')] };
  const data = Buffer.from(JSON.stringify(list));
  const { createHash } = await import('node:crypto');
  const hash = createHash('sha256').update(data).digest('hex');
  await writeFile(path.join(layout, 'blobs/sha256', hash), data);
  const named = {
    mediaType: 'application/vnd.oci.image.index.v1+json',
    digest: `sha256:${hash}`,
    size: data.length,
    annotations: { 'org.opencontainers.image.ref.name': '1' },
  };
  await writeFile(file, JSON.stringify({ schemaVersion: 2, manifests: [named] }));
}
