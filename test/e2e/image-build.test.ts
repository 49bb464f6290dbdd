import { lstatSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openS3, QUESTION } from '../../tool/src/publish/s3-client.ts';
import { type EndedBuild, imageBuild, startImageBuild } from '../helpers/image-build.ts';
import { registryService, s3Service } from '../helpers/services.ts';
import { addSmallImage, createTree, type TestTree } from '../helpers/tree.ts';

const BUCKET = 'lone-images';

let tree: TestTree;
let registry: string;
/** A flat folder of layer files, mounted read-only; it is what a build sees as `flat`. */
let flat: string;
let source: string;
let state: string;

beforeAll(async () => {
  tree = await createTree();
  registry = (await registryService()).host;
  await addSmallImage(tree);
  [source, flat, state] = ['source', 'flat', 'state'].map((name) => path.join(tree.storage.folder, name)) as [
    string,
    string,
    string,
  ];
  for (const folder of [source, flat, state]) await mkdir(folder, { recursive: true });
  await tree.storage.exec('mount', ['--bind', source, flat]);
  await tree.storage.exec('mount', ['-o', 'remount,bind,ro', flat]);
});
afterAll(async () => {
  await tree.storage.exec('umount', ['--', flat]);
  await tree[Symbol.asyncDispose]();
});

/** Storage begins with the user's own image under a short name, and nothing else. */
beforeEach(async () => {
  const buildah = (...args: string[]) => tree.storage.exec('buildah', args, { quiet: true, accept: [0, 1, 125] });
  await buildah('rm', '--all');
  await buildah('rmi', '--all', '--force');
  const small = `oci:${path.join(tree.root, 'small')}:1`;
  await tree.storage.exec('skopeo', ['copy', '--quiet', small, 'containers-storage:localhost/small:1'], {
    quiet: true,
  });
  expect(await images()).toEqual(['localhost/small:1']);
});

/** Names of the images in storage, ids of those without one; not what others stand on. */
async function images(): Promise<string[]> {
  const { stdout } = await tree.storage.exec('buildah', ['images', '--json'], { quiet: true });
  const list = (JSON.parse(stdout || 'null') ?? []) as { id: string; names: string[] | null }[];
  return list.flatMap(({ id, names }) => names ?? [id]).sort();
}

async function build(args: readonly string[], env: Record<string, string> = {}, input?: string): Promise<EndedBuild> {
  const all = { ...tree.storage.env, XDG_STATE_HOME: state, ...env };
  return imageBuild(args, { cwd: flat, env: all, ...(input !== undefined && { input }) });
}

const digestOf = async (reference: string): Promise<string> => {
  const args = ['inspect', '--tls-verify=false', '--format', '{{.Digest}}', `docker://${reference}`];
  return (await tree.storage.exec('skopeo', args, { quiet: true })).stdout.trim();
};

const fileIn = async (image: string, file: string): Promise<string> => {
  const { exec } = tree.storage;
  const container = (await exec('buildah', ['from', '--pull-never', image], { quiet: true })).stdout.trim();
  const args = ['run', '--isolation', 'chroot', container, '/bin/busybox', 'cat', file];
  const { stdout } = await exec('buildah', args, { quiet: true, accept: [0, 1] });
  await exec('buildah', ['rm', container], { quiet: true });
  return stdout;
};

const layer = (options: string, rest = '') => `options:
  layer_type: base
  pkg_manager: dnf
  name: lone
  parent: small:1
${options.replace(/^(?=.)/gm, '  ')}
${rest}`;

test('a file on a read-only tree is built on an own local parent, every time, and only its destinations are written', async () => {
  await writeFile(path.join(source, 'motd'), 'one\n');
  const options = `publish-registry: ${registry}/lone/\nregistry_opts_push: --tls-verify=false\npublish_tags: ['9.5', '9', latest]`;
  await writeFile(
    path.join(source, 'lone.yaml'),
    layer(options, 'copyfiles: [{src: motd, dest: /etc/motd}]\ncmds: ["date +%N > /etc/when"]\n'),
  );
  // The host's own, which the original unlinks.
  const resolver = lstatSync('/etc/resolv.conf', { throwIfNoEntry: false });
  const first = await build(['--config', 'lone.yaml']);
  expect([first.code, first.stdout]).toEqual([0, '']);
  const { ino, ctimeMs } = lstatSync('/etc/resolv.conf', { throwIfNoEntry: false }) ?? {};
  expect([ino, ctimeMs]).toEqual([resolver?.ino, resolver?.ctimeMs]);
  const tags = await Promise.all(['9.5', '9', 'latest'].map((tag) => digestOf(`${registry}/lone/lone:${tag}`)));
  expect(new Set(tags).size).toBe(1);
  // The parent is the user's own: it stays, and nothing else does.
  expect(await images()).toEqual(['localhost/small:1']);
  expect(await readdir(source)).toEqual(['lone.yaml', 'motd']);
  const second = await build(['--config', path.join(flat, 'lone.yaml'), '--publish-tags', 'again']);
  expect(second.code).toBe(0);
  expect(await digestOf(`${registry}/lone/lone:again`)).not.toBe(tags[0]);
  expect(await digestOf(`${registry}/lone/lone:9.5`)).toBe(tags[0]);
  // Neither is shared: the repository holds the tags that were named and no key of ours.
  const { stdout } = await tree.storage.exec('skopeo', [
    'list-tags',
    '--tls-verify=false',
    `docker://${registry}/lone/lone`,
  ]);
  expect(JSON.parse(stdout).Tags.sort()).toEqual(['9', '9.5', 'again', 'latest']);
});

test('a parent in a registry is asked for each time, and what was pulled of it goes again', async () => {
  const parent = `${registry}/lone/parent:1`;
  const push = async (text: string) => {
    await writeFile(
      path.join(source, 'parent.yaml'),
      layer(`publish_registry: ${registry}/lone`, `cmds: ["echo ${text} > /etc/which"]\n`),
    );
    const args = [
      '--config',
      'parent.yaml',
      '--name',
      'parent',
      '--publish-tags',
      '1',
      '--registry-opts-push=--tls-verify=false',
    ];
    expect((await build(args)).code).toBe(0);
  };
  await writeFile(path.join(source, 'child.yaml'), layer('publish_local: yes\npublish_tags: "1"'));
  for (const text of ['first', 'second']) {
    await push(text);
    const args = ['--config', 'child.yaml', '--parent', parent, '--registry-opts-pull', '--tls-verify=false'];
    const built = await build(args);
    expect([built.code, built.stderr]).toEqual([0, expect.stringContaining('localhost/lone:1')]);
    expect(await fileIn('localhost/lone:1', '/etc/which')).toBe(`${text}\n`);
    expect(await images()).toEqual(['localhost/lone:1', 'localhost/small:1']);
    // Or the next one would leave it behind without a name, as every commit under a name does.
    await tree.storage.exec('buildah', ['rmi', 'localhost/lone:1'], { quiet: true });
  }
});

test('flags beat the file, and what image-build takes is taken with one warning each', async () => {
  await writeFile(
    path.join(source, 'odd.yaml'),
    layer(
      `publish_local: true'\npublish-registry: oci:/nowhere/at/all\npublish_tags: old\ncolour: red\nlabels: {a: b}`,
      'packages:\nrepos: null\ncopyfiles: {src: motd, dest: etc/odd, opts: "--chmod 600"}\ncmds: echo one > /etc/one\n',
    ),
  );
  await writeFile(path.join(source, 'motd'), 'odd\n');
  const built = await build([
    '--config=odd.yaml',
    '--name',
    'other',
    '--publish-registry=',
    '--publish-tags',
    'a',
    'b',
  ]);
  expect([built.code, await images()]).toEqual([0, ['localhost/other:a', 'localhost/other:b', 'localhost/small:1']]);
  for (const said of ["true'", 'colour', '`packages`', '`repos`', '/etc/odd', 'list of one'])
    expect(built.stderr.split(said).length, said).toBeGreaterThan(1);
  const warnings = built.stderr.split('\n').filter((line) => line.includes('warning['));
  expect(new Set(warnings).size).toBe(warnings.length);
  expect(await fileIn('localhost/other:a', '/etc/odd')).toBe('odd\n');
  expect(await fileIn('localhost/other:b', '/etc/one')).toBe('one\n');
});

test('without a destination the image is kept, and its name is said', async () => {
  const built = await build(['--config', '/dev/stdin', '--log-level', 'WARN'], {}, layer(''));
  expect(built.code).toBe(0);
  expect(built.stderr).toContain('warning[no-destination]');
  const kept = /kept in local storage as (localhost\/\S+)/.exec(built.stderr)?.[1];
  expect(await images()).toEqual([kept, 'localhost/small:1']);
});

test('the log level holds from the first line', async () => {
  await writeFile(path.join(source, 'level.yaml'), layer('publish_local: true\ncolour: red', 'cmds: ["echo loud"]\n'));
  const [quiet, usual, info, debug] = await Promise.all(
    [['--log-level', 'ERROR'], [], ['--log-level=INFO'], ['--log-level', 'DEBUG']].map((level, index) =>
      build([...level, '--config', 'level.yaml', '--name', `level${index}`]),
    ),
  );
  expect(quiet?.stderr).not.toContain('colour');
  expect(usual?.stderr).toContain('colour');
  expect(usual?.stderr).not.toContain('cmds …');
  expect(info?.stderr).toContain('cmds …');
  expect(info?.stderr).not.toContain('] loud');
  expect(debug?.stderr).toContain('] loud');
});

test('two files of one name are built side by side; a signal ends both and leaves nothing', async () => {
  const slow = layer('publish_local: true\nlog_level: DEBUG', 'cmds: ["echo running; sleep 60"]\n');
  for (const folder of ['one', 'two']) {
    await mkdir(path.join(source, folder), { recursive: true });
    await writeFile(path.join(source, folder, 'same.yaml'), slow);
  }
  const env = { ...tree.storage.env, XDG_STATE_HOME: state };
  const running = ['one', 'two'].map((folder) =>
    startImageBuild(['--config', `${folder}/same.yaml`], { cwd: flat, env }),
  );
  await Promise.all(running.map(({ seen }) => seen(/\] running/)));
  running[0]?.child.kill('SIGINT');
  running[1]?.child.kill('SIGTERM');
  const ended = await Promise.all(running.map((one) => one.ended));
  expect(ended.map(({ code }) => code)).toEqual([130, 143]);
  const { stdout } = await tree.storage.exec('buildah', ['containers', '--quiet'], { quiet: true });
  expect([stdout.trim(), await images()]).toEqual(['', ['localhost/small:1']]);
});

test('a failed command is 1 with its last words, a wrong file 2 with its line, and nothing stays of either', async () => {
  const failing = await build(
    ['--config', '/dev/stdin'],
    {},
    layer('publish_local: true', 'cmds: ["echo why >&2; exit 107"]\n'),
  );
  expect([failing.code, failing.stderr]).toEqual([1, expect.stringContaining('exit code 107: why')]);
  const wrong = await build(['--config', '/dev/stdin'], {}, layer('publish_local: true\npublish_tags: 8.10'));
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining(':7:17: error[unquoted-number]')]);
  expect(await images()).toEqual(['localhost/small:1']);
  const missing = await build(['--config', 'nowhere.yaml']);
  expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('nowhere.yaml cannot be read')]);
});

test('a failed push keeps the build and says where it is', async () => {
  // It speaks no TLS, and nobody said so.
  const options = `publish_registry: ${registry}/x`;
  const built = await build(['--config', '/dev/stdin'], {}, layer(options));
  expect(built.code).toBe(1);
  const kept = /kept in local storage as (localhost\/\S+)/.exec(built.stderr)?.[1];
  expect(await images()).toEqual([kept, 'localhost/small:1']);
});

test('the objects in S3 are those of the contract, under every tag', async () => {
  const s3 = await s3Service();
  const credentials = { S3_ACCESS: s3.accessKeyId, S3_SECRET: s3.secretAccessKey };
  const door = await openS3({
    endpoint: s3.endpoint,
    bucket: BUCKET,
    verifyTls: true,
    env: credentials,
    policy: QUESTION,
  });
  await door.send((client, sdk) => client.send(new sdk.CreateBucketCommand({ Bucket: BUCKET })));
  for (const [file, text] of [
    ['boot/vmlinuz-6.1.0-9-amd64', 'kernel'],
    ['boot/initrd.img-6.1.0-9-amd64', 'initrd'],
    ['lib/modules/6.1.0-9-amd64/modules.dep', ''],
  ] as const) {
    await mkdir(path.join(source, 'root', path.dirname(file)), { recursive: true });
    await writeFile(path.join(source, 'root', file), text);
  }
  await writeFile(path.join(source, 's3.yaml'), layer(`s3_bucket: ${BUCKET}`, 'copyfiles: [{src: root, dest: /}]\n'));
  const args = [
    '--config',
    's3.yaml',
    '--publish-s3',
    s3.endpoint,
    '--s3-prefix',
    'lone/',
    '--publish-tags',
    '1',
    'two',
  ];
  const built = await build(args, credentials);
  expect([built.code, built.stderr]).toEqual([0, expect.stringContaining('lone/small1-lone-two')]);
  const list = await door.send((client, sdk) => client.send(new sdk.ListObjectsV2Command({ Bucket: BUCKET })));
  expect((list.Contents ?? []).map(({ Key }) => Key).sort()).toEqual([
    'efi-images/lone/initrd-6.1.0-9-amd64',
    'efi-images/lone/vmlinuz-6.1.0-9-amd64',
    'lone/small1-lone-1',
    'lone/small1-lone-two',
  ]);
  door.close();
  expect(await images()).toEqual(['localhost/small:1']);
  await rm(path.join(source, 'root'), { recursive: true });
});

test('state goes below TMPDIR where XDG_STATE_HOME is not set, and never beside the files', async () => {
  const env: Record<string, string | undefined> = { ...tree.storage.env, XDG_STATE_HOME: undefined };
  await writeFile(path.join(source, 'x.yaml'), layer('publish_local: true'));
  const before = await readdir(source, { recursive: true });
  expect((await imageBuild(['--config', 'x.yaml'], { cwd: flat, env })).code).toBe(0);
  expect(await readdir(source, { recursive: true })).toEqual(before);
  const folder = path.join(env.TMPDIR as string, `layers-image-build-${process.geteuid?.()}`);
  const runs = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.log'));
  expect(await readFile(path.join(folder, runs[0] as string), 'utf8')).toContain('=== commit');
});

test('an Ansible layer finds its files from the current folder; flags for groups, playbook, inventory and variables', async () => {
  const home = path.join(tree.storage.folder, 'home');
  const files = {
    'playbooks/images/say.yaml':
      '- hosts: img_compute\n  gather_facts: false\n  tasks:\n    - name: say\n      ansible.builtin.raw: echo {{ site }} {{ one }} {{ two }} {{ inventory_hostname }} > /etc/said\n      args: {executable: /bin/sh}\n',
    'inventory/hosts.ini': '[img_compute]\n',
    'inventory/group_vars/all.yaml': 'site: sol\n',
  };
  for (const [file, text] of Object.entries(files)) {
    await mkdir(path.join(home, path.dirname(file)), { recursive: true });
    await writeFile(path.join(home, file), text);
  }
  await writeFile(
    path.join(source, 'played.yaml'),
    'options: {layer_type: ansible, name: wrong, parent: small:1, publish_local: true, playbooks: nowhere.yaml, vars: {one: file, two: file}}\n',
  );
  const args = ['--config', path.join(flat, 'played.yaml'), '--name', 'played', '--groups', 'img_compute', 'img_all'];
  const more = ['--pb', 'playbooks/images/say.yaml', '--inventory', 'inventory/', '--vars', 'one=flag'];
  const built = await imageBuild([...args, ...more], {
    cwd: home,
    env: { ...tree.storage.env, XDG_STATE_HOME: state },
  });
  expect([built.code, built.stderr]).toEqual([0, expect.stringContaining('localhost/played:latest')]);
  expect(await fileIn('localhost/played:latest', '/etc/said')).toBe('sol flag file played\n');
  expect((await readdir(home)).sort()).toEqual(['inventory', 'playbooks']);
});
