import { cp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { registryService } from '../helpers/services.ts';
import { addSmallImage, createTree, outcomes, type TestTree } from '../helpers/tree.ts';

let one: TestTree;
let other: TestTree;
let registry: string;

beforeAll(async () => {
  registry = (await registryService()).host;
  one = await createTree({
    'layers.yaml': `defaults: {registry_opts_push: '--tls-verify=false', registry_opts_pull: '--tls-verify=false'}\n`,
    'layers/base.yaml': `
options: {layer_type: base, name: base, pkg_manager: apt, parent: 'oci:small:1', publish_registry: ${registry}/race}
cmds:
  - cat /proc/sys/kernel/random/uuid > /etc/never-the-same
  - sleep 2
`,
    'layers/child.yaml': `
options: {layer_type: base, name: child, pkg_manager: apt, parent: ${registry}/race/base:latest, publish_registry: ${registry}/race}
cmds: [cp /etc/never-the-same /etc/taken]
`,
  });
  await addSmallImage(one);
  other = await createTree();
  await cp(one.root, other.root, { recursive: true });
});
afterAll(async () => {
  for (const tree of [one, other]) await tree?.[Symbol.asyncDispose]();
});

async function record(tree: TestTree, id: string) {
  const text = await readFile(path.join(tree.root, `.layers/records/${id}.json`), 'utf8');
  const { content, recipeKey, image, publications } = JSON.parse(text.split('\n')[1] ?? '');
  const [publication] = Object.values(publications) as { references: { digest: string }[] }[];
  return { content, recipeKey, shared: image.shared.digest, published: publication?.references[0]?.digest };
}

test('two machines race on one key with builds that differ: both end with the winner, and children stand on it', async () => {
  const both = await Promise.all([one, other].map((tree) => tree.layers(['build', '--all', '--output', 'json'])));
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  // Neither found the other's: it was a race.
  expect(both.map((ended) => outcomes(ended).base)).toEqual(['built', 'built']);
  for (const id of ['base', 'child']) {
    const [ours, theirs] = await Promise.all([record(one, id), record(other, id)]);
    expect(theirs).toEqual(ours);
  }
  const { shared } = await record(one, 'base');
  const { stdout } = await one.storage.exec('skopeo', [
    'inspect',
    '--tls-verify=false',
    '--raw',
    `docker://${registry}/race/base:latest`,
  ]);
  expect(shared).toMatch(/^sha256:/);
  expect(JSON.parse(stdout).annotations['org.openchami.layers.content']).toBe((await record(one, 'base')).content);
  for (const tree of [one, other]) {
    expect(outcomes(await tree.layers(['build', '--all', '--output', 'json', '--verify']))).toEqual({});
  }
});
