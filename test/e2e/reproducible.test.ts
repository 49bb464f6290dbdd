import { chmod, mkdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Layer } from '../../tool/src/config/layer.ts';
import type { BuiltImage } from '../../tool/src/run/build-image.ts';
import { createBuildah } from '../../tool/src/system/buildah-cli.ts';
import { buildCommitted } from '../helpers/build-image.ts';
import type { BuildPlace } from '../helpers/build-layer.ts';
import { differences, listImage } from '../helpers/compare-trees.ts';
import { createContainerStorage } from '../helpers/container-storage.ts';
import { layer } from '../helpers/layers.ts';
import { createRpmRepository } from '../helpers/rpm-repository.ts';

/** Two builders with a storage, a folder, a umask and a checkout date each. */
let places: readonly [BuildPlace, BuildPlace];
let repository: string;

const FILES: Readonly<Record<string, string>> = {
  'files/motd': 'welcome\n',
  'files/tree/module.py': 'print("module")\n',
  'inventory/hosts.yaml': 'all: {hosts: {}}\n',
  'play.yaml': `
- hosts: all
  tasks:
    - ansible.builtin.copy: { src: files/motd, dest: /etc/issue, mode: '0644' }
    - ansible.builtin.copy: { content: 'print(1)', dest: /usr/lib/python3/dist-packages/ours.py, mode: '0644' }
    - ansible.builtin.command: python3 -m compileall -q /usr/lib/python3/dist-packages/ours.py
`,
};

async function createPlace(umask: number, days: number): Promise<BuildPlace> {
  const storage = await createContainerStorage();
  const root = path.join(storage.folder, 'tree');
  const before = process.umask(umask);
  const time = new Date(Date.now() - days * 86_400_000);
  for (const [name, text] of Object.entries(FILES)) {
    const file = path.join(root, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
    // As the tool's staging does for what git knows.
    await chmod(file, 0o644);
    for (let one = file; one !== root; one = path.dirname(one)) {
      if (one !== file) await chmod(one, 0o755);
      await utimes(one, time, time);
    }
  }
  process.umask(before);
  return { storage, root, caches: path.join(storage.folder, 'caches') };
}

beforeAll(async () => {
  places = [await createPlace(0o022, 3), await createPlace(0o077, 4000)];
  repository = path.join(places[0].storage.folder, 'rpms');
  await mkdir(repository);
  repository = (await createRpmRepository(repository, places[0].storage.exec)).folder;
});
afterAll(async () => {
  for (const { storage } of places ?? []) await storage[Symbol.asyncDispose]();
});

const DIGESTS = { 'files/motd': '', 'files/tree/module.py': '' };

/**
 * Builds on both, the second one later, and gives both images. `before`: what the layer was on the first one, which goes on from the
 * packages of that.
 */
async function buildTwice(
  made: Layer,
  parents: readonly ['scratch' | BuiltImage, 'scratch' | BuiltImage] = ['scratch', 'scratch'],
  before?: Layer,
): Promise<readonly [BuiltImage, BuiltImage]> {
  const files = DIGESTS;
  if (before !== undefined) await buildCommitted(before, parents[0], places[0], files, 'kept');
  const first = await buildCommitted(made, parents[0], places[0], files, 'kept');
  expect(first.startedFrom?.part).toBe(before === undefined ? undefined : 'packages');
  await sleep(1500);
  const umask = process.umask(0o077);
  try {
    return [first, await buildCommitted(made, parents[1], places[1], files)];
  } finally {
    process.umask(umask);
  }
}

async function expectEqual(built: readonly [BuiltImage, BuiltImage]): Promise<void> {
  const [one, other] = await Promise.all(
    built.map((image, index) => listImage(image.image.id, places[index as 0 | 1].storage)),
  );
  expect.soft(differences(one!, other!, { times: true })).toEqual([]);
  expect.soft(built[1].content).toBe(built[0].content);
  expect.soft(built[1].date).toBe(built[0].date);
  const manifests = await Promise.all(
    built.map(({ image }, index) => {
      const { exec } = places[index as 0 | 1].storage;
      return createBuildah(exec, { isolation: 'chroot', runId: 'look' }).inspect(image.id);
    }),
  );
  expect.soft(manifests[1]!.digest).toBe(manifests[0]!.digest);
  expect(JSON.stringify(manifests[0]!.config)).not.toMatch(/buildah/);
}

let roots: readonly [BuiltImage, BuiltImage];

test('a root from apt, with files and commands', async () => {
  const top = {
    packages: ['python3', 'less'],
    copyfiles: [
      { src: 'files/motd', dest: '/etc/motd' },
      { src: 'files/tree', dest: '/srv/tree' },
    ],
    cmds: ['useradd someone; python3 -m compileall -q /srv/tree; ln -s /nowhere /srv/link'],
  };
  const base = (more: object) => layer('base', { suite: 'bookworm' }, { ...top, ...more });
  const edited = base({ copyfiles: [{ src: 'files/motd', dest: '/etc/other' }], cmds: ['touch /etc/before'] });
  roots = await buildTwice(base({}), ['scratch', 'scratch'], edited);
  await expectEqual(roots);
});

test('a child that installs by apt', async () => {
  await expectEqual(await buildTwice(layer('child', {}, { packages: ['file', 'python3-six'] }), roots));
});

test('a child whose files and commands were edited, and the same in one commit', async () => {
  const top = {
    packages: ['file'],
    copyfiles: [{ src: 'files/tree', dest: '/srv/files' }],
    cmds: [
      'rm /etc/motd; rm -r /usr/share/doc; mv /srv/tree /srv/moved; ln /srv/files/module.py /srv/link; chmod 0700 /usr/bin/file',
    ],
  };
  const made = layer('child', {}, top);
  const built = await buildTwice(
    made,
    roots,
    layer('child', {}, { ...top, copyfiles: [], cmds: ['touch /srv/before'] }),
  );
  await expectEqual(built);
  const single = await buildCommitted(made, roots[0], places[0], DIGESTS, 'undivided');
  expect(single.content).toBe(built[0].content);
  const [parts, one] = await Promise.all([built[0], single].map(({ image }) => listImage(image.id, places[0].storage)));
  expect(differences(parts!, one!, { times: false })).toEqual([]);
});

test('a playbook', async () => {
  const options = {
    layer_type: 'ansible',
    pkg_manager: undefined,
    playbooks: 'play.yaml',
    inventory: 'inventory',
  };
  await expectEqual(await buildTwice(layer('played', options), roots));
});

test('a root from dnf', async () => {
  const repos = [{ alias: 'own', url: `file://${repository}` }];
  const dnf = { pkg_manager: 'dnf', gpgcheck: false };
  await expectEqual(await buildTwice(layer('rpm', dnf, { repos, packages: ['lay-a'] })));
});

test('packages: [a] and [a, b] are two contents though b comes with a: a later removal of a differs', async () => {
  const [place] = places;
  const contents = async (build: (packages: string[]) => Promise<BuiltImage>, a: string, b: string) => {
    const [one, both] = [await build([a]), await build([a, b])];
    const [first, second] = await Promise.all([one, both].map(({ image }) => listImage(image.id, place.storage)));
    // Nothing else is installed: what differs is what package managers remember.
    const differing = differences(first!, second!, { times: false }).map((line) => line.split(':')[0]);
    expect(differing.filter((name) => !/^var\/lib\/(apt|dpkg|dnf|rpm)\//.test(name!))).toEqual([]);
    return [one.content, both.content];
  };
  const repos = [{ alias: 'own', url: `file://${repository}` }];
  const dnf = { pkg_manager: 'dnf', gpgcheck: false };
  const byDnf = await contents(
    (packages) => buildCommitted(layer('rpm', dnf, { repos, packages }), 'scratch', place),
    'lay-a',
    'lay-b',
  );
  expect(byDnf[1]).not.toBe(byDnf[0]);
  const byApt = await contents(
    (packages) => buildCommitted(layer('child', {}, { packages }), roots[0], place),
    'file',
    'libmagic1',
  );
  expect(byApt[1]).not.toBe(byApt[0]);
});
