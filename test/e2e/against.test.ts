import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { registryService } from '../helpers/services.ts';
import { addSmallImage, createTree, outcomes, type TestTree } from '../helpers/tree.ts';
import { git } from '../inputs/input-tree.ts';

let tree: TestTree;
let place: string;
const runs: string[] = [];
let firstKey: string;

const WORDS = 'playbooks/roles/marker/templates/mark.j2';

async function build(): Promise<void> {
  const built = await tree.layers(['build', '--all', '--output', 'json']);
  expect([built.code, Object.values(outcomes(built))]).toEqual([0, expect.not.arrayContaining(['failed'])]);
  const now = (await readdir(path.join(tree.root, '.layers/runs'))).filter((name) => !runs.includes(name));
  runs.push(...now.filter((name) => /^\d/.test(name)));
}
const keyOf = async (id: string) => {
  const { layers } = JSON.parse((await tree.layers(['plan', '--json'])).stdout);
  return layers.find((one: { id: string }) => one.id === id).recipeKey as string;
};

/** base ← site (Ansible), built and pushed; then both edited and built again. */
beforeAll(async () => {
  const { host } = await registryService();
  place = `${host}/against`;
  tree = await createTree({
    'layers.yaml': `defaults: {registry_opts_push: '--tls-verify=false', registry_opts_pull: '--tls-verify=false'}\n`,
    '.gitignore': '/.layers/\n/small/\n',
    'layers/base.yaml': `
options: {layer_type: base, name: base, pkg_manager: apt, parent: 'oci:small:1', publish_registry: '${place}', publish_tags: ['1']}
cmds: [echo base sentinel-one > /etc/base]
`,
    'layers/site.yaml': `
options:
  {layer_type: ansible, name: site, parent: '${place}/base:1', publish_registry: '${place}', publish_tags: ['1'],
   groups: [compute], playbooks: [playbooks/site.yaml], inventory: [inventory], vars: {word: sentinel-two}}
`,
    'inventory/hosts': '[compute]\n',
    'playbooks/site.yaml': '- {hosts: compute, gather_facts: false, roles: [marker]}\n',
    'playbooks/roles/marker/tasks/main.yaml': `
- ansible.builtin.raw: "echo '{{ word }} {{ lookup('template', 'mark.j2') }}' > /etc/marker"
  args: {executable: /bin/sh}
`,
    [WORDS]: 'marked',
  });
  await addSmallImage(tree);
  git(tree.root, 'init', '-q', '-b', 'main');
  git(tree.root, 'add', '.');
  git(tree.root, 'commit', '-qm', 'first');
  await build();
  firstKey = await keyOf('site');
  await tree.write(WORDS, 'edited');
  const site = `
options:
  {layer_type: ansible, name: site, parent: '${place}/base:1', publish_registry: '${place}', publish_tags: ['2'],
   groups: [compute], playbooks: [playbooks/site.yaml], inventory: [inventory], vars: {word: sentinel-three}}
`;
  await tree.write('layers/site.yaml', site);
  await tree.write(
    'layers/base.yaml',
    `
options: {layer_type: base, name: base, pkg_manager: apt, parent: 'oci:small:1', publish_registry: '${place}', publish_tags: ['1']}
cmds: [echo base sentinel-four > /etc/base]
`,
  );
  await build();
});
afterAll(() => tree?.[Symbol.asyncDispose]());

/** What it says after its first line; that one is checked here. No secret ever shows. */
async function why(layer: string, against: string, source: string): Promise<string[]> {
  const ended = await tree.layers(['why', layer, '--against', against]);
  expect([ended.code, ended.stderr]).toEqual([0, '']);
  expect(ended.stdout).not.toMatch(/sentinel/);
  const [first, ...lines] = ended.stdout.trimEnd().split('\n');
  expect(first).toMatch(new RegExp(`^${layer} against ${source}: recipe [0-9a-f]{12} → [0-9a-f]{12}$`));
  return lines.sort();
}
const inherited = ['  inherited:', `    parent ${'PLACE'}/base:1 has other content`];
const changes = () =>
  [...inherited.map((line) => line.replace('PLACE', place)), `  ${WORDS} changed`, '  vars.word changed'].sort();

test('a run of this machine, by its id or how it begins', async () => {
  expect(runs).toHaveLength(2);
  const [first = '', second = ''] = runs;
  expect(await why('site', first, `run ${first}`)).toEqual(changes());
  const common = [...first].findIndex((letter, at) => letter !== second[at]) + 1;
  expect(await why('site', first.slice(0, common), `run ${first}`)).toEqual(changes());
  const both = await tree.layers(['why', 'site', '--against', first.slice(0, 8)]);
  expect([both.code, both.stderr]).toEqual([2, expect.stringContaining(`is the beginning of several runs`)]);
  const same = await tree.layers(['why', 'site', '--against', second]);
  expect(same.stdout).toMatch(/^site: same recipe as run /);
});

test('a commit', async () => {
  // What the parent contained then is told only by building it.
  expect(await why('site', 'HEAD', 'commit [0-9a-f]{12} \\(HEAD\\)')).toEqual(
    changes().filter((line) => !line.startsWith('  inherited') && !line.includes('other content')),
  );
});

test('an image in a registry, by its tag, by docker:// and by digest', async () => {
  const image = `${place}/site:1`;
  expect(await why('site', image, `image ${image}`)).toEqual(changes());
  expect(await why('site', `docker://${image}`, `image docker://${image}`)).toEqual(changes());
  const accept = 'application/vnd.oci.image.manifest.v1+json';
  const [host, ...rest] = `${place}/site`.split('/');
  const answer = await fetch(`http://${host}/v2/${rest.join('/')}/manifests/1`, { headers: { accept } });
  const digest = answer.headers.get('docker-content-digest');
  expect(await why('site', `${place}/site@${digest}`, `image ${place}/site@${digest}`)).toEqual(changes());
  const current = await tree.layers(['why', 'site', '--against', `${place}/site:2`]);
  expect(current.stdout).toMatch(/^site: same recipe as image /);
});

test('a key tag, and a recipe key', async () => {
  const tag = `layers-${firstKey.slice(0, 32)}`;
  expect(await why('site', tag, `image ${tag}`)).toEqual(changes());
  expect(await why('site', firstKey, `recipe ${firstKey.slice(0, 12)}`)).toEqual(changes());
  // As an earlier answer printed it.
  expect(await why('site', firstKey.slice(0, 12), `recipe ${firstKey.slice(0, 12)}`)).toEqual(changes());
  const current = await keyOf('site');
  const same = await tree.layers(['why', 'site', '--against', current.slice(0, 10)]);
  expect([same.code, same.stdout]).toEqual([0, expect.stringMatching(/^site: same recipe as recipe /)]);
});

test('on a machine that built nothing', async () => {
  const image = `${place}/site:1`;
  const fresh = ['--state', path.join(tree.storage.folder, 'fresh')];
  for (const against of [image, firstKey, `layers-${firstKey.slice(0, 32)}`]) {
    const ended = await tree.layers(['why', 'site', '--against', against, ...fresh]);
    expect([against, ended.code, ended.stderr]).toEqual([against, 0, '']);
    expect(ended.stdout.trimEnd().split('\n').slice(1).sort()).toEqual(changes());
  }
  const unknown = await tree.layers(['why', 'site', '--against', firstKey.slice(0, 12), ...fresh]);
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining(firstKey.slice(0, 12))]);
});

test('what nobody knows', async () => {
  for (const unknown of [`${place}/site:none`, `layers-${'0'.repeat(32)}`, 'f'.repeat(64), 'no-such-branch']) {
    const ended = await tree.layers(['why', 'site', '--against', unknown]);
    expect([unknown, ended.code, ended.stderr]).toEqual([unknown, 2, expect.stringContaining(unknown)]);
    expect(ended.stderr).not.toMatch(/\n {4}at /);
  }
});
