import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { registryService } from '../helpers/services.ts';
import { addSmallImage, createTree, outcomes, type TestTree } from '../helpers/tree.ts';

/** Of what each build of `top` alone holds; random, so that compression does not change it much. */
const DATA = 1_000_000;

let host: string;
let cache: string;
let tree: TestTree;
beforeAll(async () => {
  host = (await registryService()).host;
  // The run's registry outlives a test that is repeated.
  cache = `prune-${randomUUID().slice(0, 8)}/cache`;
  tree = await createTree({
    '.gitignore': '.layers\nsmall\n',
    'layers.yaml': `
cache: ${host}/${cache}
defaults: {registry_opts_push: '--tls-verify=false', registry_opts_pull: '--tls-verify=false'}
`,
    'layers/base.yaml': `
options: {layer_type: base, name: base, parent: 'oci:small:1', pkg_manager: apt, publish_local: true}
cmds: [echo base > /etc/base]
`,
    'inventory/hosts': '[compute]\n',
    'playbooks/top.yaml': `
- hosts: compute
  gather_facts: false
  tasks: [{ansible.builtin.raw: "echo {{ word }} > /etc/word; head -c ${DATA} /dev/urandom > /data"}]
`,
  });
  await addSmallImage(tree);
});
afterAll(() => tree?.[Symbol.asyncDispose]());

const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: tree.root, encoding: 'utf8' });

/** A variable is part of what input sets are looked for by, too. */
const edit = (word: string, of = tree) =>
  of.write(
    'layers/top.yaml',
    `
options: {layer_type: ansible, name: top, parent: base, publish_local: true, groups: [compute], playbooks: [playbooks/top.yaml],
          inventory: [inventory], vars: {word: ${word}}}
`,
  );

async function build(of: TestTree = tree, ...args: string[]) {
  const ended = await of.layers(['build', '--all', '--output', 'json', ...args]);
  expect([ended.code, ended.stderr]).toEqual([0, '']);
  return outcomes(ended);
}

/** As the registry itself says. */
async function tags(): Promise<string[]> {
  const answer = await fetch(`http://${host}/v2/${cache}/tags/list`);
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { tags: string[] }).tags.sort();
}

async function prune(...args: string[]) {
  const ended = await tree.layers(['prune', '--registry', '--json', ...args]);
  expect([ended.code, ended.stderr]).toEqual([0, '']);
  const { places } = JSON.parse(ended.stdout) as {
    places: {
      place: string;
      bytesBefore: number;
      bytesAfter: number;
      items: { kind: string; id: string; removed: boolean; needed?: string }[];
      left: unknown[];
    }[];
  };
  expect(places.map(({ place, left }) => [place, left])).toEqual([[`${host}/${cache}`, []]]);
  return places[0]!;
}

const going = ({ items }: Awaited<ReturnType<typeof prune>>) => items.filter(({ removed }) => removed);

/** The tree as another machine has it, that has built nothing. */
async function onAnotherMachine(check: (other: TestTree) => Promise<void>): Promise<void> {
  const other = await createTree();
  try {
    await rm(other.root, { recursive: true });
    await cp(tree.root, other.root, { recursive: true, filter: (file) => path.basename(file) !== '.layers' });
    await check(other);
  } finally {
    await other[Symbol.asyncDispose]();
  }
}

test('of a real registry goes what no branch asks for; the rest is found and taken from there', async () => {
  await edit('one');
  git('init', '--quiet', '--initial-branch=main');
  git('add', '.');
  git('commit', '--quiet', '--message=first');
  expect(await build()).toEqual({ base: 'built', top: 'built' });
  const first = await tags();
  await edit('two');
  expect(await build()).toEqual({ base: 'unchanged', top: 'built' });
  const ofSecond = (await tags()).filter((tag) => !first.includes(tag));
  await edit('three');
  expect(await build()).toEqual({ base: 'unchanged', top: 'built' });
  const all = await tags();
  expect(ofSecond.map((tag) => tag.replace(/[0-9a-f]{32}$/, ''))).toEqual(['layers-', 'layers-in-', 'layers-recipe-']);

  // Nothing is a month old.
  expect(going(await prune())).toEqual([]);
  expect(await tags()).toEqual(all);

  const said = await prune('--older-than', '0m', '--dry-run');
  expect(going(said).map(({ id }) => id)).toEqual(expect.arrayContaining(ofSecond));
  expect(going(said)).toHaveLength(ofSecond.length);
  expect(going(said).filter(({ kind }) => kind === 'shared-build')).toHaveLength(1);
  expect(said.bytesBefore - said.bytesAfter).toBeGreaterThan(DATA);
  expect(said.bytesBefore - said.bytesAfter).toBeLessThan(1.05 * DATA);
  expect(await tags()).toEqual(all);

  expect(await prune('--older-than', '0m')).toEqual({ ...said, dryRun: false });
  expect(await tags()).toEqual(all.filter((tag) => !ofSecond.includes(tag)));
  expect(going(await prune('--older-than', '0m'))).toEqual([]);

  const reused = { base: 'reused', top: 'reused' };
  expect(await build(tree, '--state', '../other')).toEqual(reused);
  await onAnotherMachine(async (other) => {
    expect(await build(other)).toEqual(reused);
    // That of the commit, which the work tree does not ask for.
    execFileSync('git', ['checkout', '--quiet', '--', 'layers/top.yaml'], { cwd: other.root });
    expect(await build(other)).toMatchObject({ top: 'reused' });
    await edit('two', other);
    expect(await build(other)).toMatchObject({ top: 'built' });
  });
});
