import { describe, expect, test } from 'vitest';
import { parseSettings } from '../../tool/src/config/settings.ts';
import { BASE, codes, treeOf } from './reading.ts';

const settings = (text: string) => parseSettings(text, { file: 'layers.yaml' });

describe('layers.yaml', () => {
  test('may be empty, and then all is as by default', () => {
    const { settings: found, diagnostics } = settings('# nothing yet\n');
    expect(diagnostics).toEqual([]);
    expect(found).toEqual({
      folders: { layers: 'layers', inventory: 'inventory', playbooks: 'playbooks', state: '.layers' },
      cache: '',
      registryNames: [],
    });
  });

  test('folders, cache and jobs', () => {
    const { settings: found } = settings(
      'folders: {layers: ./images/, state: .state}\ncache: reg.example/cache\njobs: 3\n',
    );
    expect(found).toMatchObject({
      folders: { layers: 'images', state: '.state', playbooks: 'playbooks' },
      cache: 'reg.example/cache',
      jobs: 3,
    });
  });

  test('names of one registry, in one spelling', () => {
    const text =
      'registry-names:\n  - [Registry.example:5000, localhost:5000/]\n  - [docker://a.example/x, b.example/y]\n';
    const { settings: found, diagnostics } = settings(text);
    expect(diagnostics).toEqual([]);
    expect(found?.registryNames).toEqual([
      ['registry.example:5000', 'localhost:5000'],
      ['a.example/x', 'b.example/y'],
    ]);
  });

  test.each([
    ['- a\n', '1:1 not-a-map'],
    ['jobs: many\n', '1:7 wrong-type'],
    ['jobs: 0\n', '1:7 invalid-value'],
    ['folders: {layers: ../other}\n', '1:19 invalid-folder'],
    ['folders: {state: /var/lib/x}\n', '1:18 invalid-folder'],
    ['defualts: {}\n', '1:1 unknown-key'],
    ['packages: [a]\n', '1:1 misplaced-key'],
    ['defaults: {packages: [a]}\n', '1:12 misplaced-key'],
    ['defaults: {publish_tags: 8.10}\n', '1:26 unquoted-number'],
    ['cache:\n', '1:1 empty-key?'],
    ['jobs: 1\njobs: 2\n', '2:1 duplicate-key'],
    ['registry_names: a.example\n', '1:17 wrong-type'],
    ['registry_names: [a.example, [b.example, c.example]]\n', '1:18 wrong-type'],
    ['registry_names: [[a.example]]\n', '1:18 invalid-value'],
    ["registry_names: [[a.example, 'https://b.example']]\n", '1:30 invalid-registry-name'],
    ['registry_names: [[a.example, b.example/x:1]]\n', '1:30 invalid-registry-name'],
    ['registry_names:\n  - [a.example, b.example]\n  - [c.example, A.example/]\n', '3:17 duplicate-registry-name'],
  ])('%j', (text, problem) => {
    expect(codes(settings(text).diagnostics)).toEqual([problem]);
  });

  test.each([
    ['[[a.example]]', '[[a.example, registry.example:5000]]'],
    ['[a.example, b.example, c.example]', '[[a.example, b.example, c.example]]'],
    ['[[a.example, b.example], c.example]', '[[registry.example:5000, registry.mgmt.example:5000]]'],
  ])('registry_names: %s tells how a group is written', (written, wanted) => {
    const [problem] = settings(`registry_names: ${written}\n`).diagnostics;
    expect(problem?.message).toMatch(/^`registry_names\[\d\]`(: must have at least 2 entries| must be a list)/);
    expect(problem?.hint).toContain(`\`registry_names: ${wanted}\``);
  });
});

describe('defaults', () => {
  const defaults = `defaults:
  publish-registry: reg.example/hpc
  publish_tags: [a, b]
  labels: {team: hpc, site: north}
  playbooks: site.yaml
`;

  test('lie under the options of every layer: the file wins, lists are replaced, labels merged', () => {
    const { tree, diagnostics } = treeOf({ x: `${BASE}  publish_tags: c\n  labels: {site: south}\n` }, defaults);
    expect(diagnostics).toEqual([]);
    expect(tree.layers[0]?.options).toMatchObject({
      publish_registry: 'reg.example/hpc',
      publish_tags: ['c'],
      labels: { team: 'hpc', site: 'south' },
    });
  });

  test('may have the shape of a layer file', () => {
    const { tree } = treeOf({ x: BASE }, 'defaults:\n  options:\n    publish_registry: oci:images\n');
    expect(tree.layers[0]?.options.publish_registry).toBe('oci:images');
  });

  test('hold for a key that the file leaves empty', () => {
    const { tree } = treeOf({ x: `${BASE}  publish_tags:\n` }, defaults);
    expect(tree.layers[0]?.options.publish_tags).toEqual(['a', 'b']);
  });

  test('a problem in them is told once, where it is written', () => {
    const { diagnostics } = treeOf({ x: BASE, y: BASE }, 'defaults:\n  publish_tags: [bad tag]\n');
    expect(diagnostics.map(({ file, code }) => `${file} ${code}`)).toEqual(['layers.yaml invalid-tag']);
    expect(codes(diagnostics)).toEqual(['2:18 invalid-tag']);
  });
});

test.each(['', 'off', 'oci:.cache/oci', 'oci:out ü', 'localhost:5000/site/cache', 'quay.io/site/cache/'])(
  'cache may be %j',
  (cache) => {
    expect(parseSettings(`cache: '${cache}'\n`, { file: 'layers.yaml' }).settings?.cache).toBe(cache);
  },
);

test.each(['cache', 'quay.io/site/cache:latest', 'https://quay.io/x', 'a b/c', 'oci: a', 'oci:a '])(
  'cache %j is refused with its line',
  (cache) => {
    const { settings, diagnostics } = parseSettings(`jobs: 2\ncache: '${cache}'\n`, { file: 'layers.yaml' });
    expect(settings).toBeUndefined();
    expect(diagnostics).toMatchObject([{ code: 'invalid-cache', range: { line: 2 } }]);
  },
);
