import { mkdir, mkdtemp, readdir, rename, rm, utimes } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LayerId } from '../../tool/src/config/layer.ts';
import type { BuildStamp, CheckpointKey } from '../../tool/src/recipe/checkpoint.ts';
import { openCheckpoints } from '../../tool/src/records/checkpoints.ts';
import { openOwnImages } from '../../tool/src/records/own-images.ts';
import { openStorageTrees } from '../../tool/src/records/storage-trees.ts';
import { pruneableImages } from '../../tool/src/run/prune-images.ts';
import { settleTrees } from '../../tool/src/run/prune-trees.ts';

const DAY = 24 * 3_600_000;
const NOW = Date.parse('2026-11-28T12:00:00Z');
const IMAGE = 'a'.repeat(64);

let folder: string;
let graphRoot: string;
let other: { root: string; stateDir: string };
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-trees-'));
  graphRoot = path.join(folder, 'graph');
  other = { root: path.join(folder, 'disk/tree'), stateDir: path.join(folder, 'disk/tree/.layers') };
  await mkdir(other.stateDir, { recursive: true });
  openOwnImages(graphRoot).note(IMAGE, other.stateDir);
  openStorageTrees(graphRoot).note(other);
});
afterEach(() => rm(folder, { recursive: true }));

const place = () => ({
  root: '/here',
  stateDir: '/here/.layers',
  temporaryRoot: folder,
  store: { graphRoot, driver: 'overlay' },
  needed: { layers: new Set<never>(), keys: new Map(), probes: new Set<string>() },
  keepLast: 0,
  now: NOW,
});
const notes = () => readdir(path.join(graphRoot, 'layers-trees'));
/** Why the other tree's image stays. */
function stays(): string | undefined {
  const images = [{ id: IMAGE, names: [], createdAt: 0, layers: [] }];
  return pruneableImages(place(), { images, containers: [] }).items[0]?.needed;
}
async function seenBefore(days: number): Promise<void> {
  const at = new Date(NOW - days * DAY);
  for (const name of await notes()) await utimes(path.join(graphRoot, 'layers-trees', name), at, at);
}
const unmount = () => rename(path.join(folder, 'disk'), path.join(folder, 'unmounted'));
const mount = () => rename(path.join(folder, 'unmounted'), path.join(folder, 'disk'));

test('a tree on a disk that is not mounted keeps its images', async () => {
  await seenBefore(29);
  await unmount();
  expect(stays()).toBe(
    `of the tree ${other.root}, which cannot be seen now and was on 2026-10-30, which is pruned there`,
  );
  expect(settleTrees(place(), false)).toEqual([]);
  await mount();
  expect(stays()).toBe(`of the tree ${other.root}, which is pruned there`);
});

test('one that was not seen for 30 days is forgotten, which is said; a dry run only says it', async () => {
  await seenBefore(31);
  await unmount();
  expect(stays()).toBeUndefined();
  const line = (what: string) =>
    `the tree ${other.root}, last seen on 2026-10-28, ${what}: its images are not needed by it`;
  expect(settleTrees(place(), true)).toEqual([line('would no longer count')]);
  expect(await notes()).toHaveLength(1);
  expect(settleTrees(place(), false)).toEqual([line('is forgotten')]);
  expect(await notes()).toEqual([]);
});

test('whoever builds or prunes while it is there sees it', async () => {
  for (const see of [() => openStorageTrees(graphRoot).note(other), () => settleTrees(place(), false)]) {
    await seenBefore(31);
    see();
    expect(openStorageTrees(graphRoot).all()).toMatchObject([
      { isThere: true, seenAt: expect.closeTo(Date.now(), -5) },
    ]);
    expect(await notes()).toHaveLength(1);
  }
});

test("where another tree's next build begins stays, though this one has built the same layer since", async () => {
  const checkpoints = openCheckpoints(graphRoot);
  const made = async (letter: string, tree: string) => {
    const image = { id: letter.repeat(64), graphRoot, driver: 'overlay', size: 1 };
    await mkdir(path.join(graphRoot, 'overlay-images', image.id), { recursive: true });
    openOwnImages(graphRoot).note(image.id, place().stateDir);
    const key = image.id as CheckpointKey;
    const user = { tree, layer: 'base', build: letter as BuildStamp };
    const facts = { builtAt: '2026-11-28T12:00:00.000Z', repositories: {} };
    await checkpoints.keep({ version: 1, key, layer: 'base', part: 'packages', image, ...facts }, user);
  };
  await made('b', other.stateDir);
  await made('c', place().stateDir);
  await made('d', place().stateDir);
  const why = (keepLast: number) => {
    const images = ['b', 'c', 'd'].map((one) => ({ id: one.repeat(64), names: [], createdAt: 0, layers: [] }));
    const needed = { ...place().needed, layers: new Set(['base' as LayerId]) };
    const { items } = pruneableImages({ ...place(), needed, keepLast }, { images, containers: [] });
    return items.map((item) => item.needed);
  };
  const there = `where the next build of base in the tree ${other.root} begins`;
  expect(why(3)).toEqual(['where the next build of base begins', undefined, 'where the next build of base begins']);
  expect(why(0)).toEqual([there, undefined, undefined]);
  await seenBefore(31);
  await unmount();
  settleTrees(place(), false);
  expect(why(3)).toEqual([undefined, undefined, 'where the next build of base begins']);
  expect(checkpoints.list().flatMap(({ users }) => users)).toEqual([{ tree: place().stateDir, layer: 'base' }]);
});

test('where the next build of a layer begins stays, though another layer made it that is gone', async () => {
  const checkpoints = openCheckpoints(graphRoot);
  const image = { id: 'b'.repeat(64), graphRoot, driver: 'overlay', size: 1 };
  await mkdir(path.join(graphRoot, 'overlay-images', image.id), { recursive: true });
  openOwnImages(graphRoot).note(image.id, place().stateDir);
  const facts = { key: image.id as CheckpointKey, builtAt: '2026-11-28T12:00:00.000Z', repositories: {} };
  const checkpoint = { version: 1, layer: 'a', part: 'files', image, ...facts } as const;
  const user = (layer: string, tree = place().stateDir) => ({ tree, layer, build: '1' as BuildStamp });
  const why = (...layers: string[]) => {
    const needed = { ...place().needed, layers: new Set(layers as LayerId[]) };
    const images = [{ id: image.id, names: [], createdAt: 0, layers: [] }];
    return pruneableImages({ ...place(), needed, keepLast: 3 }, { images, containers: [] }).items[0]?.needed;
  };
  await checkpoints.keep(checkpoint, user('a'));
  expect(why('b')).toBeUndefined();
  checkpoints.use(checkpoint, user('b'));
  expect(why('b')).toBe('where the next build of b begins');
  expect(why('a')).toBe('where the next build of a begins');
  expect(why('c')).toBeUndefined();
  checkpoints.use(checkpoint, user('d', other.stateDir));
  expect(why('c')).toBe(`where the next build of d in the tree ${other.root} begins`);
});
