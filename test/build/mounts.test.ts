import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BoundMount, boundMounts, mounting, withMountPoints } from '../../tool/src/build/mounts.ts';
import type { Buildah } from '../../tool/src/system/buildah.ts';
import { layer } from '../helpers/layers.ts';

let root: string;
let source: string;

beforeEach(() => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'layers-mounts-'));
  root = path.join(folder, 'root');
  source = path.join(folder, 'lent');
  for (const one of [root, path.join(root, 'etc'), path.join(root, 'usr/lib'), source])
    mkdirSync(one, { recursive: true });
});
afterEach(() => rmSync(path.dirname(root), { recursive: true }));

const mount = (dest: string, isWritable = false): BoundMount => ({ source, dest, isWritable });
/** What buildah makes in a root for volumes. */
const make = (volumes: readonly string[], isFile = false) => {
  for (const volume of volumes) {
    const place = path.join(root, volume.split(':')[1] ?? '');
    mkdirSync(isFile ? path.dirname(place) : place, { recursive: true });
    if (isFile) writeFileSync(place, '');
  }
};
const during = (mounts: readonly BoundMount[], then: (volumes: readonly string[]) => void = make) =>
  withMountPoints(root, mounts, async (volumes) => {
    then(volumes);
    return volumes;
  });

test('what is made for a mount goes again, and the folder above looks as before', async () => {
  const before = new Date('2024-01-02T03:04:05Z');
  utimesSync(path.join(root, 'etc'), before, before);
  expect(await during([mount('/etc/pki/entitlement'), mount('/etc/rhsm/', true)])).toEqual([
    `${source}:/etc/pki/entitlement:ro`,
    `${source}:/etc/rhsm:rw`,
  ]);
  await during([mount('/etc/one.pem')], (volumes) => make(volumes, true));
  expect(readdirSync(path.join(root, 'etc'))).toEqual([]);
  expect(statSync(path.join(root, 'etc')).mtime).toEqual(before);
  const failing = withMountPoints(root, [mount('/srv/x')], async (volumes) => {
    make(volumes);
    throw new Error('failed');
  });
  await expect(failing).rejects.toThrow('failed');
  expect(existsSync(path.join(root, 'srv'))).toBe(false);
});

test('what was there, and what something was put into, stays', async () => {
  mkdirSync(path.join(root, 'etc/pki/there'), { recursive: true });
  writeFileSync(path.join(root, 'etc/empty'), '');
  await during([mount('/etc/pki/there'), mount('/etc/pki/own/entitlement'), mount('/etc/empty')], (volumes) => {
    make(volumes.slice(0, 2));
    writeFileSync(path.join(root, 'etc/pki/own/key'), 'of a package');
  });
  expect(readdirSync(path.join(root, 'etc/pki'), { recursive: true }).toSorted()).toEqual(['own', 'own/key', 'there']);
  expect(existsSync(path.join(root, 'etc/empty'))).toBe(true);
});

test('links in the image lead to places in the image; to nowhere is refused', async () => {
  symlinkSync('/usr/lib', path.join(root, 'etc/absolute'));
  symlinkSync('/no/where', path.join(root, 'etc/dangling'));
  expect(await during([mount('/etc/absolute/x/y')])).toEqual([`${source}:/usr/lib/x/y:ro`]);
  expect(readdirSync(path.join(root, 'usr/lib'))).toEqual([]);
  await expect(during([mount('/etc/dangling')])).rejects.toThrow('leads through a link to nothing');
  await expect(during([mount('/etc/dangling/x')])).rejects.toThrow('leads through a link to nothing');
  writeFileSync(path.join(root, 'etc/file'), 'x');
  await expect(during([mount('/etc/file/x')])).rejects.toThrow('through a file');
  await expect(during([{ ...mount('/x'), source: '/no/such' }])).rejects.toThrow('mounts: /no/such is not there');
});

test('a container sees the mounts of the layer beside its own volumes; without mounts the door is as it was', async () => {
  const calls: unknown[] = [];
  const buildah = {
    mount: async () => root,
    run: async (container: string, _: readonly string[], options: unknown) => void calls.push([container, options]),
  } as unknown as Buildah;
  const resolve = (file: string) => path.resolve(path.dirname(source), file);
  const mounts = boundMounts({ layer: layer('a', { mounts: 'lent:/mnt:rw' }), resolve });
  await mounting(buildah, mounts).run('container', ['true'], { volumes: ['a:/a'], quiet: true });
  expect(calls).toEqual([['container', { volumes: ['a:/a', `${source}:/mnt:rw`], quiet: true }]]);
  expect(mounting(buildah, [])).toBe(buildah);
});
