import { cp, mkdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BuildPlace, buildLayer } from '../helpers/build-layer.ts';
import { type FileServer, serveFiles, serveToMembers } from '../helpers/file-server.ts';
import { layer } from '../helpers/layers.ts';
import { ownAuthority } from '../helpers/own-authority.ts';
import { createRpmRepository } from '../helpers/rpm-repository.ts';
import { createTree, type Ended, outcomes, type TestTree } from '../helpers/tree.ts';

/** Neither where this machine's tool would put the database, nor where Debian's rpm has it by itself. */
const DATABASE = 'usr/lib/sysimage/rpm';
const OUTSIDE = 'localhost/outside:1';

let tree: TestTree;
let members: FileServer;
let closed: FileServer;
let open: FileServer;
/** Where what lies in `current` comes from. */
let served: string;

beforeAll(async () => {
  tree = await createTree();
  const { storage, root } = tree;
  served = path.join(storage.folder, 'served');
  const entitlement = path.join(storage.folder, 'entitlement');
  for (const folder of [served, entitlement, `${served}/first`, `${served}/second`]) await mkdir(folder);
  const first = await createRpmRepository(`${served}/first`, storage.exec);
  const second = await createRpmRepository(`${served}/second`, storage.exec, [{ name: 'lay-d', version: '2.0' }]);
  await cp(first.key, path.join(root, 'first.asc'));
  await cp(second.key, path.join(root, 'second.asc'));
  await symlink('first/repository', path.join(served, 'current'));
  const certificates = await ownAuthority(entitlement);
  members = await serveToMembers(served, certificates);
  closed = await serveFiles(served, 'member:secret-4711');
  open = await serveFiles(served);
  await tree.write('member', 'username=member\npassword=secret-4711\n');
  await debianWithManagers({ storage, root, caches: path.join(storage.folder, 'caches') });
});
afterAll(async () => {
  for (const server of [members, closed, open]) await server[Symbol.asyncDispose]();
  await tree[Symbol.asyncDispose]();
});

async function debianWithManagers(place: BuildPlace): Promise<void> {
  const top = {
    packages: ['dnf', 'zypper', 'rpm', 'gpg', 'gpgv'],
    cmds: [`mkdir -p /etc/rpm && echo '%_dbpath /${DATABASE}' > /etc/rpm/macros`],
  };
  const { image } = await buildLayer(layer('outside', { suite: 'bookworm' }, top), 'scratch', place);
  await tree.storage.exec('buildah', ['tag', image, OUTSIDE]);
}

const build = (...args: string[]) => tree.layers(['build', '--output', 'json', ...args]);
/** What is planned for a layer alone, and why. */
const planned = async (id: string, ...args: string[]) => {
  const { stdout } = await tree.layers(['plan', id, '--json', ...args]);
  const { layers } = JSON.parse(stdout) as { layers: { id: string; action: string; reasons: { text: string }[] }[] };
  const found = layers.find((layer) => layer.id === id);
  return [found?.action, ...(found?.reasons ?? []).map(({ text }) => text)];
};
const textOf = (ended: Ended) => ended.stdout + ended.stderr;

/** What a look into the root of a published image says. */
async function lookInto<T>(image: string, look: (root: string) => Promise<T>): Promise<T> {
  const { exec } = tree.storage;
  const container = (await exec('buildah', ['from', '--pull=never', image])).stdout.trim();
  try {
    return await look((await exec('buildah', ['mount', container])).stdout.trim());
  } finally {
    await exec('buildah', ['rm', container]);
  }
}

/** Names and versions, as the rpm of the tools image tells them of a root. */
async function askRpm(root: string): Promise<string[]> {
  const { exec } = tree.storage;
  const container = (await exec('buildah', ['from', '--pull=never', OUTSIDE])).stdout.trim();
  try {
    const query = ['rpm', '--root', '/mnt', '-qa', '--queryformat', '%{NAME}-%{VERSION}\n'];
    const run = ['run', '--isolation', 'chroot', '--volume', `${root}:/mnt`, container, '--', ...query];
    const names = (await exec('buildah', run)).stdout.split('\n').filter((name) => name !== '');
    return names.map((name) => name.replace(/^(gpg-pubkey)-.*/, '$1')).toSorted();
  } finally {
    await exec('buildah', ['rm', container]);
  }
}

/** Files below the root that tell of where it was made, or of what was lent for that. */
async function traces(root: string): Promise<string> {
  const words = ['/run/layers', tree.storage.folder, 'secret-4711', 'BEGIN CERTIFICATE', 'PRIVATE KEY'];
  const args = ['-rlaF', ...words.flatMap((word) => ['-e', word]), root];
  const found = (await tree.storage.exec('grep', args, { accept: [0, 1] })).stdout;
  const places = ['run', 'root', 'etc/pki/entitlement', 'etc/zypp/credentials.d', 'tmp', 'var/cache'];
  const { stdout } = await tree.storage.exec(
    'find',
    places.map((name) => path.join(root, name)),
    { accept: [0, 1] },
  );
  return found + stdout;
}

const entitled = (certificates = '/etc/pki/entitlement') => `[own]
baseurl=https://localhost:${new URL(members.url).port}/first/repository
sslcacert=${certificates}/ca.pem
sslclientcert=${certificates}/cert.pem
sslclientkey=${certificates}/key.pem
`;
const mounts = () => [`${tree.storage.folder}/entitlement:/etc/pki/entitlement`];

async function writeLayer(name: string, options: Record<string, unknown>, top: Record<string, unknown> = {}) {
  const all = { layer_type: 'base', name, publish_local: true, ...options };
  await tree.write(`layers/${name}.yaml`, JSON.stringify({ options: all, ...top }));
}

test('the dnf of an image from elsewhere makes a root, by an entitlement that is lent to it', async () => {
  const options = { pkg_manager: 'dnf', tools_image: OUTSIDE, mounts: mounts() };
  await writeLayer('by-dnf', options, {
    repos: [{ alias: 'own', config: entitled(), gpg: 'first.asc' }],
    package_groups: ['Lay Tools'],
    packages: ['lay-a', 'lay-d'],
    remove_packages: ['lay-d', 'lay-x'],
  });
  const ended = await build();
  expect(outcomes(ended), textOf(ended)).toEqual({ 'by-dnf': 'built' });
  expect(textOf(ended)).toContain('remove_packages: lay-x is not installed');
  await lookInto('localhost/by-dnf:latest', async (root) => {
    expect(await askRpm(root)).toEqual(['gpg-pubkey', 'lay-a-1.0', 'lay-b-1.0', 'lay-c-1.0']);
    expect((await tree.storage.exec('ls', [path.join(root, DATABASE)])).stdout).toContain('rpmdb.sqlite');
    expect(await traces(root)).toBe('');
  });
  expect(outcomes(await build())).toEqual({});
  expect(await planned('by-dnf')).toEqual(['nothing']);
  // What lies at the source is nobody's business, and need not even be there while nothing is to be done.
  await rm(path.join(tree.storage.folder, 'entitlement/csr.pem'));
  expect(await planned('by-dnf')).toEqual(['nothing']);
});

test('a mount that is not there is said with its place, before any work', async () => {
  const options = { pkg_manager: 'dnf', tools_image: OUTSIDE, mounts: [...mounts(), 'no/such:/mnt'] };
  await writeLayer('missing', options, { cmds: ['true'] });
  const ended = await build('missing');
  expect(ended.code).toBe(2);
  expect(ended.stderr).toMatch(/layers\/missing\.yaml:1:\d+.*no\/such/s);
  expect(ended.events).toEqual([]);
  await rm(path.join(tree.root, 'layers/missing.yaml'));
});

test('the zypper of a layer makes a root, by credentials that are lent to it; commands see mounts, and they are gone', async () => {
  const seen = 'test -s /etc/pki/entitlement/cert.pem && ! touch /etc/pki/entitlement/new && echo seen > /seen';
  await writeLayer('tools', { pkg_manager: 'apt', parent: OUTSIDE, mounts: mounts() }, { cmds: [seen] });
  const options = { pkg_manager: 'zypper', tools_image: 'tools', mounts: ['member:/etc/zypp/credentials.d/member'] };
  const url = `${closed.url}/first/repository?credentials=member`;
  const top = {
    repos: [{ alias: 'own', url, gpg: 'first.asc' }],
    packages: ['lay-a', 'lay-d'],
    remove_packages: ['lay-d'],
  };
  await writeLayer('by-zypper', options, top);
  const ended = await build();
  expect(outcomes(ended), textOf(ended)).toEqual({ tools: 'built', 'by-zypper': 'built', 'by-dnf': 'unchanged' });
  await lookInto('localhost/by-zypper:latest', async (root) => {
    expect(await askRpm(root)).toEqual(['gpg-pubkey', 'lay-a-1.0', 'lay-b-1.0']);
    expect(await traces(root)).toBe('');
  });
  await lookInto('localhost/tools:latest', async (root) => {
    const { stdout } = await tree.storage.exec('ls', ['-A', path.join(root, 'etc/pki'), path.join(root, 'seen')], {
      accept: [0, 2],
    });
    expect(stdout.trim()).toBe(path.join(root, 'seen'));
  });
  // A tools image of the tree counts by its content.
  const other = `${seen} && echo more > /etc/more`;
  await writeLayer('tools', { pkg_manager: 'apt', parent: OUTSIDE, mounts: mounts() }, { cmds: [other] });
  expect(await planned('by-zypper')).toEqual(['pending', 'tools image tools is to be rebuilt']);
});

test('a child goes on by the tools image, which also tells what is newer', async () => {
  const options = { pkg_manager: 'dnf', parent: 'by-dnf', tools_image: OUTSIDE, mounts: mounts() };
  const top = { repos: [{ alias: 'open', url: `${open.url}/current`, gpg: 'first.asc' }], packages: ['lay-d'] };
  await writeLayer('child', options, top);
  const ended = await build('child');
  expect(outcomes(ended), textOf(ended)).toMatchObject({ child: 'built' });
  await lookInto('localhost/child:latest', async (root) => {
    expect(await askRpm(root)).toContain('lay-d-1.0');
    expect(await traces(root)).toBe('');
  });
  await rm(path.join(served, 'current'));
  await symlink('second/repository', path.join(served, 'current'));
  const { stdout } = await tree.layers(['outdated', 'child', '--json']);
  const [found] = (JSON.parse(stdout) as { layers: { packages?: unknown; note?: string }[] }).layers;
  expect(found?.packages, found?.note).toEqual([
    { name: 'lay-d.noarch', from: '1.0-1', to: '2.0-1', inherited: false },
  ]);
});

test('a tools image that moved is a reason, for those who look outside', async () => {
  const { exec } = tree.storage;
  const container = (await exec('buildah', ['from', '--pull=never', OUTSIDE])).stdout.trim();
  await exec('buildah', ['copy', container, path.join(tree.root, 'first.asc'), '/srv/']);
  await exec('buildah', ['commit', container, OUTSIDE]);
  await exec('buildah', ['rm', container]);
  expect(await planned('by-dnf')).toEqual(['nothing']);
  const moved = [expect.stringMatching(/^tools image localhost\/outside:1 moved to sha256:/)];
  expect(await planned('by-dnf', '--refresh')).toEqual(['build', ...moved]);
  expect((await tree.layers(['outdated', 'by-dnf'])).stdout).toContain(`tools image ${OUTSIDE} moved`);
});
