import { execFileSync } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openS3, QUESTION, type S3Door } from '../../tool/src/publish/s3-client.ts';
import { type FileServer, serveFiles } from '../helpers/file-server.ts';
import { createRpmRepository } from '../helpers/rpm-repository.ts';
import { registryService, s3Service } from '../helpers/services.ts';
import { tracedLayers } from '../helpers/traced-programs.ts';
import { addSmallImage, createTree, type TestTree } from '../helpers/tree.ts';

const BUCKET = 'secret-images';

/** What must show nowhere, a place of `faults.md` each. The S3 secret is the server's own. */
const SECRETS = {
  vars: 'SENTINEL-vars-5ba1',
  nested: 'SENTINEL-nested-91c2',
  cmds: 'SENTINEL-cmds-77d3',
  failing: 'SENTINEL-failing-08e4',
  push: 'SENTINEL-push-creds-1fa5',
  pull: 'SENTINEL-pull-creds-62b6',
  proxy: 'SENTINEL-proxy-c3c7',
  repository: 'SENTINEL-repository-94d8',
  vault: 'SENTINEL-vault-password-d5e9',
  vaulted: 'SENTINEL-vaulted-06fa',
  s3: 'testsecret',
  otherS3: 'SENTINEL-other-s3-370b',
  authfile: 'SENTINEL-authfile-a81c',
} as const;

let tree: TestTree;
let registry: string;
let door: S3Door;
let repository: FileServer;
let proxy: FileServer;
let env: Record<string, string>;
/** Everything that a command printed, by command. */
const printed = new Map<string, string>();
/** Programs that were started, as strace writes them. */
const started: string[] = [];

beforeAll(async () => {
  registry = (await registryService()).host;
  const s3 = await s3Service();
  expect(s3.secretAccessKey).toBe(SECRETS.s3);
  tree = await createTree();
  await addSmallImage(tree);
  const { folder, exec } = tree.storage;
  await mkdir(path.join(folder, 'rpms'));
  const rpms = await createRpmRepository(path.join(folder, 'rpms'), exec);
  await cp(rpms.key, path.join(tree.root, 'key.asc'));
  repository = await serveFiles(rpms.folder, `reader:${SECRETS.repository}`);
  proxy = await serveFiles(rpms.folder, `reader:${SECRETS.repository}`);
  const keys = { S3_ACCESS: s3.accessKeyId, S3_SECRET: s3.secretAccessKey };
  door = await openS3({ endpoint: s3.endpoint, bucket: BUCKET, verifyTls: true, env: keys, policy: QUESTION });
  await door.send((client, sdk) => client.send(new sdk.CreateBucketCommand({ Bucket: BUCKET })));
  const authfile = path.join(folder, 'auth.json');
  const auth = Buffer.from(`me:${SECRETS.authfile}`).toString('base64');
  await writeFile(authfile, JSON.stringify({ auths: { 'elsewhere.example': { auth } } }), { mode: 0o600 });
  env = {
    ...keys,
    S3_ACCESS__OTHER_EXAMPLE: 'other',
    S3_SECRET__OTHER_EXAMPLE: SECRETS.otherS3,
    REGISTRY_AUTH_FILE: authfile,
  };
  await writeFiles(s3.endpoint);
});
afterAll(async () => {
  door?.close();
  await repository?.[Symbol.asyncDispose]();
  await proxy?.[Symbol.asyncDispose]();
  await tree?.[Symbol.asyncDispose]();
});

async function writeFiles(s3: string): Promise<void> {
  const { write, root } = tree;
  const withLogin = (url: string, login: string) => url.replace('//', `//${login}@`);
  const push = `registry_opts_push: ['--tls-verify=false', '--creds=me:${SECRETS.push}']`;
  await write('.gitignore', '/.layers/\n/small/\n');
  for (const [file, text] of Object.entries({ 'vmlinuz-6.1': 'kernel', 'initramfs-6.1.img': 'initramfs' }))
    await write(`boot/boot/${file}`, text);
  await write('boot/etc/os-release', 'ID=tiny\nVERSION_ID=1\n');
  await write(
    'layers/root.yaml',
    `
options:
  {layer_type: base, name: secrets/root, pkg_manager: dnf, releasever: '9', publish_registry: '${registry}', ${push},
   proxy: '${withLogin(proxy.url, `me:${SECRETS.proxy}`)}', publish_s3: '${s3}', s3_bucket: ${BUCKET}}
repos: [{alias: own, url: '${withLogin(repository.url, `reader:${SECRETS.repository}`)}', gpg: key.asc}]
packages: [lay-a]
copyfiles: [{src: boot, dest: /}, {src: small-bin, dest: /bin}]
cmds:
  - cmd: "echo password=${SECRETS.cmds} > /etc/secret"
`,
  );
  await mkdir(path.join(root, 'small-bin'));
  await cp('/bin/busybox', path.join(root, 'small-bin/sh'), { dereference: true });
  await write(
    'layers/site.yaml',
    `
options:
  {layer_type: ansible, name: secrets/site, parent: 'oci:small:1', publish_registry: '${registry}', ${push},
   registry_opts_pull: '--tls-verify=false --creds me:${SECRETS.pull}', groups: [compute], playbooks: [site.yaml],
   inventory: [inventory], ansible_vault_password_file: vault-password,
   vars: {password: ${SECRETS.vars}, deep: {list: [${SECRETS.nested}]}}}
`,
  );
  await write('inventory/hosts', '[compute]\n');
  await write(
    'site.yaml',
    `
- hosts: compute
  gather_facts: false
  vars_files: [vaulted.yaml]
  tasks:
    - ansible.builtin.raw: "echo built > /etc/built"
      args: {executable: /bin/sh}
      when: password | length > 3 and deep.list | length == 1 and inside | length > 3
`,
  );
  await write('vault-password', SECRETS.vault);
  await write('vaulted.yaml', `inside: ${SECRETS.vaulted}\n`);
  const vault = ['encrypt', '--vault-password-file', 'vault-password', 'vaulted.yaml'];
  execFileSync('ansible-vault', vault, { cwd: root, stdio: 'ignore' });
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, stdio: 'ignore' });
  git('init', '-q');
}

/** Runs `layers` and keeps what it prints and all programs that it and its children start. */
async function layers(...args: string[]): Promise<number> {
  const traced = await tracedLayers(tree, args, env);
  printed.set(args.join(' '), traced.printed);
  started.push(...traced.started);
  return traced.code;
}

/** Which secrets show in a text. */
const hits = (text: string | Buffer) =>
  Object.entries(SECRETS).flatMap(([name, secret]) =>
    text.includes(secret) || text.includes(base64(secret)) ? [name] : [],
  );
/** As credentials of HTTP show them, as far as the beginning of the text does not decide. */
const base64 = (secret: string) => Buffer.from(`me:${secret}`).toString('base64').replace(/=+$/, '');

/** `FILE: secrets` of all files below a folder that hold one. */
function hitsBelow(folder: string, ...leftOut: string[]): string[] {
  const found: string[] = [];
  for (const [name, secret] of Object.entries(SECRETS)) {
    const args = [
      '-rlaFs',
      ...leftOut.map((one) => `--exclude-dir=${one}`),
      '-e',
      secret,
      '-e',
      base64(secret),
      folder,
    ];
    const files = spawnText('grep', args);
    found.push(
      ...files
        .split('\n')
        .filter(Boolean)
        .map((file) => `${path.relative(folder, file)}: ${name}`),
    );
  }
  return found.sort();
}

function spawnText(file: string, args: readonly string[]): string {
  try {
    return execFileSync(file, args, {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      env: tree.storage.env as NodeJS.ProcessEnv,
    });
  } catch (error) {
    // grep says 1 for nothing found.
    if ((error as { status?: number }).status === 1) return (error as { stdout: string }).stdout;
    throw error;
  }
}

test('a build, a plan, why, the lock, a failing build: nothing that is printed or started shows a secret', async () => {
  const code = await layers('build', '--output', 'json', '--log-level', 'debug');
  if (code !== 0) console.log([...printed.values()].join('\n').slice(-4000));
  expect(code).toBe(0);
  expect(repository.requests.length + proxy.requests.length).toBeGreaterThan(2);
  for (const args of [
    ['plan', '--json'],
    ['why', 'root'],
    ['why', 'site', '--json'],
    ['lock'],
    ['show', 'site'],
    ['show', 'root'],
    ['validate'],
  ])
    await layers(...args);
  const site = await readFile(path.join(tree.root, 'layers/site.yaml'), 'utf8');
  await tree.write('layers/site.yaml', site.replace(SECRETS.vars, `${SECRETS.vars}-edited`));
  expect(await layers('why', 'site')).toBe(0);
  expect(printed.get('why site')).toContain('vars.password changed');
  await tree.write(
    'layers/failing.yaml',
    `
options: {layer_type: base, name: failing, pkg_manager: apt, parent: 'oci:small:1', publish_local: true}
cmds:
  - cmd: ": login --password ${SECRETS.failing}; exit 3"
`,
  );
  expect(await layers('build', 'failing', '--output', 'plain')).toBe(1);
  for (const [command, text] of printed) expect([command, hits(text)]).toEqual([command, []]);
  // A command of `cmds` is in the argv of that very command: of `buildah run` and of the shell inside.
  const isOwn = (line: string) => /"-c", "/.test(line);
  const shown = started.filter((line) => hits(line).length > 0);
  expect(shown.filter((line) => !isOwn(line))).toEqual([]);
  expect([...new Set(shown.flatMap(hits))].sort()).toEqual(['cmds', 'failing']);
  expect(started.length).toBeGreaterThan(50);
});

test('nothing that is kept in the tree shows one, beside the files that hold them', async () => {
  const own = ['layers/root.yaml', 'layers/site.yaml', 'layers/failing.yaml', 'vault-password'];
  const all = hitsBelow(tree.root, 'small');
  expect(all).toContain('layers/root.yaml: cmds');
  const found = all.filter((hit) => !own.some((file) => hit.startsWith(`${file}:`)));
  // The cache of parsed layers is what the layer files are; for its owner alone.
  expect(found.filter((hit) => !hit.startsWith('.layers/cache/layers.json:'))).toEqual([]);
  const mode = execFileSync('stat', ['--format=%a', path.join(tree.root, '.layers/cache/layers.json')], {
    encoding: 'utf8',
  });
  expect(mode.trim()).toBe('600');
});

test('no image in local storage shows one in its configuration, history or names', async () => {
  const images = JSON.parse(spawnText('buildah', ['images', '--all', '--json'])) as { id: string }[];
  expect(images.length).toBeGreaterThan(2);
  for (const { id } of images)
    expect([id, hits(spawnText('buildah', ['inspect', '--type', 'image', id]))]).toEqual([id, []]);
});

test('nothing in the registry shows one: manifests, configurations, recipes, input sets', async () => {
  const types = ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json'];
  const get = async (place: string) =>
    (await fetch(`http://${registry}/v2/${place}`, { headers: { Accept: types.join(', ') } })).text();
  let seen = 0;
  for (const name of ['secrets/root', 'secrets/site']) {
    const { tags } = JSON.parse(await get(`${name}/tags/list`)) as { tags: string[] };
    expect(tags.some((tag) => tag.startsWith('layers-recipe-'))).toBe(true);
    for (const tag of tags) {
      const text = await get(`${name}/manifests/${tag}`);
      const { config, layers: parts } = JSON.parse(text) as Record<string, { digest: string; size: number }[]>;
      const small = [config, parts].flat().filter((part) => part !== undefined && part.size < 100_000);
      const texts = [text, ...(await Promise.all(small.map((part) => get(`${name}/blobs/${part?.digest}`))))];
      expect([tag, texts.flatMap(hits)]).toEqual([tag, []]);
      seen += texts.length;
    }
  }
  expect(seen).toBeGreaterThan(10);
});

test('no object says one of itself', async () => {
  const list = await door.send((client, sdk) => client.send(new sdk.ListObjectsV2Command({ Bucket: BUCKET })));
  expect(list.Contents).toHaveLength(3);
  for (const { Key } of list.Contents ?? []) {
    const head = await door.send((client, sdk) => client.send(new sdk.HeadObjectCommand({ Bucket: BUCKET, Key })));
    expect(hits(JSON.stringify([Key, head.Metadata]))).toEqual([]);
  }
});
