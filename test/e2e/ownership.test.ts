import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBuildah } from '../../tool/src/system/buildah-cli.ts';
import { differences, listImage, listTree, type TreeListing } from '../helpers/compare-trees.ts';
import { type ContainerStorage, createContainerStorage } from '../helpers/container-storage.ts';
import { registryService } from '../helpers/services.ts';
import { addSmallImage, createTree, outcomes, type TestTree } from '../helpers/tree.ts';

let tree: TestTree;
let other: ContainerStorage;
let registry: string;
let built: TreeListing;

/** All that a file can be, made by commands inside the image as a layer's own commands would. */
const COMMANDS = [
  'mkdir -p /boot /opt/sticky /opt/group && echo k > /boot/vmlinuz-6.1 && echo i > /boot/initramfs-6.1.img',
  'cd /opt && echo own > owned && chown 1234:4321 owned && chmod 0640 owned',
  'cd /opt && echo high > high && chown 60001:65534 high && mkdir -m 0700 private && chown 1234:1234 private',
  // chown takes set-uid away, so that the mode comes last.
  'cd /opt && echo s > setuid && chown 1:2 setuid && chmod 4755 setuid && echo g > setgid && chmod 2755 setgid',
  'chmod 1777 /opt/sticky && chmod 2775 /opt/group && chown 0:100 /opt/group',
  'cd /opt && echo c > capable && setcap cap_net_raw,cap_net_bind_service=ep capable',
  'cd /opt && echo x > noted && setfattr -n user.note -v "a note" noted && mkdir x && setfattr -n user.note -v dir x',
  'cd /opt && echo one > first && ln first second && mkdir deep && ln first deep/third',
  'cd /opt && mknod null c 1 3 && mknod disk b 8 0 && mkfifo pipe && chown 0:6 disk && chmod 0660 disk',
  'cd /opt && dd if=/dev/zero of=sparse bs=1 count=0 seek=64M 2>/dev/null && printf end >> sparse',
  'cd /opt && ln -s /nowhere/absolute dangling && ln -s first link && chown -h 7:8 link',
  `cd /opt && echo n > "$(printf 'latin1-\\351')" && echo n > "$(printf 'two\\nlines')" && echo n > ' spaces "quoted" '`,
  'cd /opt && : > empty && echo immutable > readonly && chmod 0000 readonly',
].map((cmd) => `  - {cmd: ${JSON.stringify(cmd)}, buildah_extra_args: [--cap-add=CAP_MKNOD]}`);

const layer = (name: string, options: string) => `
options: {layer_type: base, name: ${name}, pkg_manager: apt, parent: 'oci:tools:1', ${options}}
cmds:
${COMMANDS.join('\n')}
`;

beforeAll(async () => {
  registry = (await registryService()).host;
  tree = await createTree();
  other = await createContainerStorage();
  await addSmallImage(tree);
  await addTools(['setcap', 'setfattr']);
  const pushed = `publish_registry: '${registry}/ownership', registry_opts_push: '--tls-verify=false'`;
  const squashed = `publish_local: true, publish_s3: 'file:objects', squashfs_options: '-comp gzip -Xcompression-level 1'`;
  await tree.write('layers/pushed.yaml', layer('pushed', `${pushed}, ${squashed}`));
  await tree.write('layers/kept.yaml', layer('kept', 'publish_registry: "oci:images"'));
  const ended = await tree.layers(['build', '--output', 'json']);
  expect([ended.stderr, outcomes(ended)]).toEqual(['', { kept: 'built', pushed: 'built' }]);
  built = await listImage('localhost/pushed:latest', tree.storage);
});
afterAll(async () => {
  await other?.[Symbol.asyncDispose]();
  await tree?.[Symbol.asyncDispose]();
});

/** `oci:tools:1`: the small image and programs of this machine with the libraries that they need. */
async function addTools(names: readonly string[]): Promise<void> {
  const { exec } = tree.storage;
  const buildah = createBuildah(exec, { isolation: 'chroot', runId: 'tools' });
  const container = await buildah.from(`oci:${path.join(tree.root, 'small')}:1`);
  const which = (name: string) => execFileSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
  for (const file of names.map(which)) {
    await buildah.copy(container, [file], `/bin/${path.basename(file)}`);
    const needed = execFileSync('ldd', [file], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
    for (const library of needed) await buildah.copy(container, [library], library);
  }
  await buildah.run(container, ['/bin/busybox', '--install', '-s', '/bin']);
  await buildah.push(await buildah.commit(container), `oci:${path.join(tree.root, 'tools')}:1`);
  await buildah.remove(container);
}

const opt = (name: string) => built.get(`opt/${name}`) ?? 'absent';

test('the committed image has everything that the commands made', () => {
  expect(opt('owned')).toMatch(/^100640 1234 4321 /);
  expect(opt('high')).toMatch(/^100644 60001 65534 /);
  expect(opt('private')).toMatch(/^40700 1234 1234 /);
  expect(opt('setuid')).toMatch(/^104755 1 2 /);
  expect(opt('setgid')).toMatch(/^102755 0 0 /);
  expect(opt('sticky')).toMatch(/^41777 /);
  expect(opt('group')).toMatch(/^42775 0 100 /);
  expect(opt('capable')).toMatch(/security\.capability=0x0100000200240000/);
  expect(opt('noted')).toMatch(/user\.note=0x61206e6f7465/);
  expect(opt('x')).toMatch(/user\.note=0x646972/);
  // Each says the name that was met first, which says none.
  for (const name of ['second', 'deep/third']) expect(opt(name)).toMatch(/ opt\/first$/);
  expect(opt('null')).toMatch(/^20\d+ 0 0 259 /);
  expect(opt('disk')).toMatch(/^60660 0 6 2048 /);
  expect(opt('pipe')).toMatch(/^10\d+ /);
  expect(opt('sparse')).toContain(` ${64 * 1024 ** 2 + 3} `);
  expect(opt('link')).toMatch(/^120777 7 8 .* first$/);
  expect(opt('dangling')).toMatch(/ \/nowhere\/absolute$/);
  for (const name of ['latin1-\xe9', 'two\nlines', ' spaces "quoted" ']) expect(opt(name)).toMatch(/^100644 /);
  expect(opt('readonly')).toMatch(/^100000 /);
});

test('ACLs, which image layers cannot hold, are a warning and no silent loss', async () => {
  // u::rw-,u:1234:r--,g::r--,m::r--,o::r--
  const entries = ['01000600ffffffff', '02000400d2040000', '04000400ffffffff', '10000400ffffffff', '20000400ffffffff'];
  const acl = `echo x > /opt-acl && setfattr -n system.posix_acl_access -v 0x02000000${entries.join('')} /opt-acl`;
  await tree.write(
    'layers/acl.yaml',
    `options: {layer_type: base, name: acl, pkg_manager: apt, parent: 'oci:tools:1', publish_local: true}\ncmds: [{cmd: ${JSON.stringify(acl)}}]\n`,
  );
  const ended = await tree.layers(['build', 'acl', '--output', 'json']);
  expect(outcomes(ended)).toEqual({ acl: 'built' });
  expect(ended.stdout).toContain('opt-acl (system.posix_acl_access) lost them');
  expect((await listImage('localhost/acl:latest', tree.storage)).get('opt-acl')).not.toContain('posix_acl');
});

test('pushed to a registry and pulled on another machine, it is equal, times too', async () => {
  const buildah = createBuildah(other.exec, { isolation: 'chroot', runId: 'pull' });
  const container = await buildah.from(`docker://${registry}/ownership/pushed:latest`, {
    args: ['--tls-verify=false'],
  });
  expect(differences(built, await listTree(await buildah.mount(container), other), { times: true })).toEqual([]);
  await buildah.remove(container);
});

test('an OCI layout holds it too', async () => {
  const buildah = createBuildah(other.exec, { isolation: 'chroot', runId: 'pull' });
  const container = await buildah.from(`oci:${path.join(tree.root, 'images/kept')}:latest`);
  const kept = await listTree(await buildah.mount(container), other);
  expect(differences(built, kept, { times: false })).toEqual([]);
  await buildah.remove(container);
});

test('the squashfs holds it too', async () => {
  const bucket = path.join(tree.root, 'objects/boot-images');
  const root = (await readdir(bucket)).find((name) => name.endsWith('-pushed-latest'))!;
  const target = path.join(tree.storage.folder, 'unpacked');
  await tree.storage.exec('unsquashfs', ['-quiet', '-no-progress', '-dest', target, path.join(bucket, root)]);
  const unpacked = await listTree(target, tree.storage);
  expect(differences(built, unpacked, { times: true })).toEqual([]);
});
