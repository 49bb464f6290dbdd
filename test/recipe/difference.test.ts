import { expect, test } from 'vitest';
import { differences, describe as inWords, isInherited } from '../../tool/src/recipe/difference.ts';
import { type ContentDigest, combineRecipe, type Recipe, recipeKeyOf } from '../../tool/src/recipe/recipe.ts';
import { layer } from '../helpers/layers.ts';

function recipe(one = layer('a'), files: Record<string, string> = {}, content = 'sha256:1') {
  return combineRecipe({
    stepVersion: 1,
    architecture: 'amd64',
    settings: one.recipe as never,
    tools: {},
    environment: {},
    files,
    parent: { kind: 'layer', content: content as ContentDigest },
  });
}

function words(before: ReturnType<typeof recipe>, now: ReturnType<typeof recipe>): string[] {
  return differences(before, now).map((change) => inWords(change, { parent: 'debian-base', toolsImage: 'rocky:8' }));
}

test('equal layers have equal keys, whatever the order of their keys', () => {
  const one = layer('a', { vars: { x: 1, y: 2 }, layer_type: 'ansible', playbooks: 'p.yaml' });
  const other = layer('a', { playbooks: ['p.yaml'], layer_type: 'ansible', vars: { y: 2, x: 1 } });
  expect(recipeKeyOf(recipe(one))).toBe(recipeKeyOf(recipe(other)));
});

test('a package more or less is told by name', () => {
  expect(
    words(recipe(layer('a', {}, { packages: ['vim'] })), recipe(layer('a', {}, { packages: ['vim', 'htop'] }))),
  ).toEqual(['packages: + htop']);
  expect(words(recipe(layer('a', {}, { packages: ['vim'] })), recipe())).toEqual(['packages: - vim']);
});

test('the order of packages and commands counts', () => {
  const before = recipe(layer('a', {}, { packages: ['a', 'b'] }));
  expect(words(before, recipe(layer('a', {}, { packages: ['b', 'a'] })))).toEqual(['packages: other order']);
});

test('files are told by path', () => {
  const before = recipe(layer('a'), { 'etc/motd': 'sha256:1', 'etc/gone': 'sha256:2' });
  const now = recipe(layer('a'), { 'etc/motd': 'sha256:3', 'etc/new': 'sha256:4' });
  expect(words(before, now)).toEqual(['etc/gone removed', 'etc/motd changed', 'etc/new added']);
});

test('a parent with other content is told by its name', () => {
  expect(words(recipe(), recipe(layer('a'), {}, 'sha256:2'))).toEqual(['parent debian-base has other content']);
});

test('secret values are told by their place and never kept', () => {
  const ansible = (password: string) =>
    recipe(layer('a', { layer_type: 'ansible', playbooks: 'p.yaml', vars: { password, plain: 'same' } }));
  const before = ansible('s3cret-sentinel');
  expect(words(before, ansible('other'))).toEqual(['vars.password changed']);
  expect(JSON.stringify(before)).not.toContain('sentinel');
  const commands = (cmd: string) => recipe(layer('a', {}, { cmds: ['true', cmd] }));
  expect(words(commands('one'), commands('curl -u me:sentinel'))).toEqual(['cmds.2.cmd changed']);
  expect(JSON.stringify(commands('curl -u me:sentinel'))).not.toContain('sentinel');
  const repos = (url: string) => recipe(layer('a', {}, { repos: [{ alias: 'epel', url }] }));
  expect(words(repos('http://a'), repos('http://me:sentinel@a'))).toEqual(['repos.epel.url changed']);
  expect(JSON.stringify(repos('http://me:sentinel@a'))).not.toContain('sentinel');
});

test.each([
  ['log_level', { log_level: 'DEBUG' }],
  ['publish_tags', { publish_tags: ['9.5'] }],
  ['labels', { labels: { site: 'here' } }],
  ['publish_s3', { publish_s3: 'http://s3' }],
  ['proxy', { proxy: 'http://proxy' }],
  ['name of a base layer', { name: 'other' }],
])('%s does not decide what is built', (_, options) => {
  expect(recipe(layer('a', options))).toEqual(recipe());
});

test('the name of an Ansible layer decides, as host_vars rely on it', () => {
  const named = (name: string) => recipe(layer('a', { layer_type: 'ansible', playbooks: 'p.yaml', name }));
  expect(words(named('one'), named('two'))).toEqual(['name changed']);
});

test('the order of files and repositories counts, and each of several files for one place', () => {
  const copies = (...list: object[]) => recipe(layer('a', {}, { copyfiles: list }));
  const [one, two] = [
    { src: 'x', dest: '/etc/' },
    { src: 'y', dest: '/etc/' },
  ];
  expect(words(copies(one, two), copies(two, one))).not.toEqual([]);
  expect(words(copies(one, two), copies(one, { ...two, opts: '--chmod 0600' }))).toEqual([
    'copyfiles.2.opts: + --chmod, + 0600',
  ]);
  const repos = (...aliases: string[]) =>
    recipe(layer('a', {}, { repos: aliases.map((alias) => ({ alias, url: alias })) }));
  expect(words(repos('a', 'b'), repos('b', 'a'))).toEqual(['repos: other order']);
});

const whole = (parts: Partial<Recipe>) => ({ ...recipe(), ...parts });

test('tools, variables of the environment and the lock are told by name', () => {
  expect(words(whole({ tools: { dnf: '4' } }), whole({ tools: { 'ansible-core': '2.16' } }))).toEqual([
    'ansible-core 2.16 is new',
    'dnf counts no more',
  ]);
  expect(words(whole({ tools: { 'ansible-core': '2.14' } }), whole({ tools: { 'ansible-core': '2.16' } }))).toEqual([
    'ansible-core 2.14 → 2.16',
  ]);
  const environment = (value: string) => whole({ environment: { SITE: value } });
  expect(words(environment('sha256:aa'), environment('sha256:bb'))).toEqual(['environment variable SITE changed']);
  const [one, other] = [`sha256:${'a'.repeat(64)}`, `sha256:${'b'.repeat(64)}`];
  expect(words(whole({ lock: { 'repo/InRelease': one } }), whole({ lock: { 'repo/InRelease': other } }))).toEqual([
    'layers.lock: repo/InRelease sha256:aaaaaaaaaaaa… → sha256:bbbbbbbbbbbb…',
  ]);
  expect(words(whole({}), whole({ lock: { 'repo/InRelease': one } }))).toEqual([
    'layers.lock: repo/InRelease sha256:aaaaaaaaaaaa… is new',
  ]);
});

test('what Ansible looks for, finds and lists is told as such', () => {
  const before = whole({
    files: { a: 'absent', b: 'sha256:1', c: 'file', 'd/': 'names:1', e: 'file', f: 'absent', 'h/': 'sha256:1' },
  });
  const now = whole({
    files: { a: 'sha256:1', b: 'absent', c: 'folder', 'd/': 'names:2', e: 'sha256:1', g: 'absent', 'h/': 'sha256:2' },
  });
  expect(words(before, now)).toEqual([
    'a appeared',
    'b is gone',
    'c is a folder now',
    'names in d changed',
    'e changed',
    'f is looked for no more',
    'g, which is not there, is looked for',
    'h/ changed',
  ]);
});

test('only what the parent in the tree contains is inherited', () => {
  const changes = differences(whole({ tools: { dnf: '4' } }), recipe(layer('a'), {}, 'sha256:2'));
  expect(changes.map((change) => [change.code, isInherited(change)])).toEqual([
    ['tool-version-changed', false],
    ['parent-changed', true],
  ]);
  const external = whole({ parent: { kind: 'external', manifest: 'sha256:9' } });
  expect(differences(external, recipe()).map(isInherited)).toEqual([false]);
});

test('a tools image: that it moved, holds something else, came or went', () => {
  const by = (manifest: string) => whole({ toolsImage: { kind: 'external', manifest } });
  const own = (content: string) => whole({ toolsImage: { kind: 'layer', content: content as ContentDigest } });
  expect(words(by('sha256:1'), by('sha256:2'))).toEqual(['tools image rocky:8 moved to sha256:2']);
  expect(words(own('sha256:1'), own('sha256:2'))).toEqual(['tools image rocky:8 has other content']);
  expect(differences(own('sha256:1'), own('sha256:2')).map(isInherited)).toEqual([true]);
  expect(words(whole({}), own('sha256:1'))).toEqual(['tools image is rocky:8 now']);
  expect(words(by('sha256:1'), whole({}))).toEqual(['the tools image is used no more']);
  expect(recipeKeyOf(by('sha256:1'))).not.toBe(recipeKeyOf(by('sha256:2')));
});
