import { chmod, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openS3, QUESTION, type S3Door } from '../../tool/src/publish/s3-client.ts';
import { registryService, s3Service } from '../helpers/services.ts';
import { addSmallImage, createTree, outcomes, type TestTree } from '../helpers/tree.ts';
import { startFaultyProxy } from '../services/faulty-proxy.ts';

const BUCKET = 'fresh-images';
const ALL = ['base', 'boot', 'site'];

let builder: TestTree;
let fresh: TestTree;
let registry: Awaited<ReturnType<typeof startFaultyProxy>>;
let s3: Awaited<ReturnType<typeof startFaultyProxy>>;
let door: S3Door;
let credentials: Record<string, string>;
const requests: string[] = [];

/** base ← site (Ansible) and base ← boot (S3): built on one machine, through proxies that count. */
beforeAll(async () => {
  const storage = await s3Service();
  const count = (place: string) => (request: { method?: string; url?: string }) => {
    requests.push(`${place} ${request.method} ${request.url}`);
    return undefined;
  };
  registry = await startFaultyProxy((await registryService()).host, count('registry'));
  s3 = await startFaultyProxy(new URL(storage.endpoint).host, count('s3'));
  credentials = { S3_ACCESS: storage.accessKeyId, S3_SECRET: storage.secretAccessKey };
  const endpoint = `http://${s3.host}`;
  door = await openS3({ endpoint, bucket: BUCKET, verifyTls: true, env: credentials, policy: QUESTION });
  await door.send((client, sdk) => client.send(new sdk.CreateBucketCommand({ Bucket: BUCKET })));
  const base = `${registry.host}/fresh/base:latest`;
  builder = await createTree({
    'layers.yaml': `defaults: {registry_opts_push: '--tls-verify=false', registry_opts_pull: '--tls-verify=false'}\n`,
    'layers/base.yaml': `
options: {layer_type: base, name: base, pkg_manager: apt, parent: 'oci:small:1', publish_registry: ${registry.host}/fresh}
cmds: [echo base > /etc/base]
`,
    'layers/site.yaml': `
options:
  {layer_type: ansible, name: site, parent: '${base}', publish_registry: ${registry.host}/fresh, groups: [compute],
   playbooks: [playbooks/site.yaml], inventory: [inventory]}
`,
    'layers/boot.yaml': `
options:
  {layer_type: base, name: boot, pkg_manager: apt, parent: '${base}', publish_registry: ${registry.host}/fresh,
   publish_s3: '${endpoint}', s3_prefix: 'boot/', s3_bucket: ${BUCKET}, publish_tags: ['1', latest]}
copyfiles: [{src: boot, dest: /}]
`,
    'boot/boot/vmlinuz-6.1.0-1': 'kernel',
    'boot/boot/initrd.img-6.1.0-1': 'initramfs',
    'boot/lib/modules/6.1.0-1/modules.dep': '',
    'inventory/hosts': '[compute]\n',
    'inventory/group_vars/compute.yaml': 'word: from-group\n',
    'inventory/group_vars/other.yaml': 'word: of-another\n',
    'playbooks/site.yaml': '- {hosts: compute, gather_facts: false, roles: [marker]}\n',
    'playbooks/roles/marker/tasks/main.yaml': `
- ansible.builtin.raw: "echo '{{ word }} {{ lookup('template', 'mark.j2') }}' > /etc/marker"
  args: {executable: /bin/sh}
`,
    'playbooks/roles/marker/templates/mark.j2': 'marked',
    'playbooks/roles/unused/tasks/main.yaml': '[]\n',
  });
  await addSmallImage(builder);
  fresh = await createTree();
}, 120_000);
afterAll(async () => {
  door?.close();
  registry?.close();
  s3?.close();
  for (const tree of [builder, fresh]) await tree?.[Symbol.asyncDispose]();
});

/** The tree as a checkout on another machine finds it: the same files, none of the state, other times and modes. */
async function checkOut(): Promise<void> {
  await rm(fresh.root, { recursive: true, force: true });
  const filter = (file: string) => path.basename(file) !== '.layers';
  await cp(builder.root, fresh.root, { recursive: true, filter });
}

/** Stands before buildah and skopeo on PATH: says what was called, and does nothing. */
async function withoutTools(): Promise<{ PATH: string; called(): Promise<string> }> {
  const folder = path.join(fresh.storage.folder, 'bin');
  const log = path.join(folder, 'called');
  await mkdir(folder, { recursive: true });
  await writeFile(log, '');
  for (const name of ['buildah', 'skopeo', 'ansible-playbook', 'mksquashfs']) {
    await writeFile(path.join(folder, name), `#!/bin/sh\necho "${name} $*" >> ${log}\nexit 1\n`);
    await chmod(path.join(folder, name), 0o755);
  }
  return { PATH: `${folder}:${process.env.PATH}`, called: () => readFile(log, 'utf8') };
}

const everything = (outcome: string) => Object.fromEntries(ALL.map((id) => [id, outcome]));

test('the first machine builds everything', async () => {
  const built = await builder.layers(['build', '--all', '--output', 'json'], credentials);
  expect([built.code, outcomes(built)]).toEqual([0, everything('built')]);
  expect((await builder.layers(['build', '--all'], credentials)).stdout).toMatch(/nothing to do/);
});

test('a fresh CI runner takes all of it over: no build, no pull, no tool called, a few requests', async () => {
  await checkOut();
  const tools = await withoutTools();
  requests.length = 0;
  const [before, beforeS3] = [registry.bytes(), s3.bytes()];
  const started = performance.now();
  const env = { ...credentials, PATH: tools.PATH, CI: 'true' };
  const taken = await fresh.layers(['build', '--all', '--output', 'json'], env);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  expect([taken.code, outcomes(taken), taken.stderr]).toEqual([0, everything('reused'), '']);
  const asked = requests.filter((one) => !one.endsWith('/v2/'));
  const bytes = registry.bytes() - before + s3.bytes() - beforeS3;
  process.stdout.write(`fresh runner: ${asked.length} requests, ${bytes} bytes, ${seconds} s\n`);
  expect(asked.filter((one) => !/ (GET|HEAD) /.test(one))).toEqual([]);
  expect(asked.filter((one) => one.includes('/blobs/') && !one.includes(' HEAD ')).length).toBeLessThanOrEqual(2);
  expect(asked.length).toBeLessThan(20);
  expect(bytes).toBeLessThan(100_000);
  // Asking for the storage's place is all.
  expect((await tools.called()).replaceAll(/^buildah (--\S+ \S+ )*info.*\n/gm, '')).toBe('');
});

test('what it took over it remembers: the next run asks no network but to verify', async () => {
  requests.length = 0;
  expect((await fresh.layers(['build', '--all'], credentials)).stdout).toMatch(/nothing to do: 3 layers/);
  expect(requests).toEqual([]);
});

test('an edit builds exactly what it can affect, on the image that is pulled then and only then', async () => {
  await fresh.write('inventory/group_vars/other.yaml', 'word: edited\n');
  await fresh.write('playbooks/roles/unused/tasks/main.yaml', '- debug:\n');
  expect((await fresh.layers(['build', '--all'], credentials)).stdout).toMatch(/nothing to do/);
  await fresh.write('playbooks/roles/marker/templates/mark.j2', 'edited');
  requests.length = 0;
  const built = await fresh.layers(['build', '--all', '--output', 'json'], credentials);
  expect([built.code, outcomes(built)]).toEqual([0, { base: 'unchanged', boot: 'unchanged', site: 'built' }]);
  expect(requests.some((one) => one.includes('GET') && one.includes('/fresh/base/blobs/'))).toBe(true);
});

test('a new file where Ansible looked and found nothing counts', async () => {
  await fresh.write('inventory/group_vars/all.yaml', 'also: this\n');
  const planned = JSON.parse((await fresh.layers(['plan', '--json'], credentials)).stdout);
  const actions = Object.fromEntries(planned.layers.map((one: { id: string; action: string }) => [one.id, one.action]));
  expect(actions).toEqual({ base: 'nothing', boot: 'nothing', site: 'build' });
});

test('a branch job moved the tag: the next run of main notices in CI, and sets it back without a build', async () => {
  // The other checkout published its own `site`; this one has what it built first.
  const mended = await builder.layers(['build', '--all', '--output', 'json'], { ...credentials, CI: 'true' });
  expect([mended.code, outcomes(mended)]).toEqual([0, { base: 'unchanged', boot: 'unchanged', site: 'published' }]);
});

test('--cache off takes nothing over', async () => {
  await checkOut();
  const planned = await fresh.layers(['plan', '--json', '--cache', 'off'], credentials);
  const layers: { action: string }[] = JSON.parse(planned.stdout).layers;
  expect(layers.map(({ action }) => action)).toEqual(['build', 'build', 'build']);
});
