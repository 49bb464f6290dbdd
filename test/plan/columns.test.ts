import { describe, expect, test } from 'vitest';
import { COMMAND_DEFAULTS, COPYFILE_DEFAULTS, OPTION_DEFAULTS, TOP_DEFAULTS } from '../../tool/src/config/defaults.ts';
import { type Counts, countsIn, type KeyFacts, type LayerType } from '../../tool/src/config/key-facts.ts';
import {
  COMMAND_KEYS,
  COPYFILE_KEYS,
  IMAGE_CONFIG_KEYS,
  MODULE_KEYS,
  OPENSCAP_KEYS,
  REPO_KEYS,
  TOP_KEYS,
} from '../../tool/src/config/keys.ts';
import type { LayerId } from '../../tool/src/config/layer.ts';
import { OPTION_KEYS } from '../../tool/src/config/option-keys.ts';
import { readTree } from '../../tool/src/config/read-tree.ts';
import { expandArchitectures } from '../../tool/src/graph/architectures.ts';
import type { LayerGraph } from '../../tool/src/graph/layer-graph.ts';
import { linkLayers } from '../../tool/src/graph/link.ts';
import { makePlan } from '../../tool/src/plan/plan.ts';
import {
  ANSIBLE_FILE,
  BASE_FILE,
  type FileText,
  OTHER_COMMAND,
  OTHER_COPYFILE,
  OTHER_IMAGE_CONFIG,
  OTHER_MODULES,
  OTHER_OPENSCAP,
  OTHER_OPTIONS,
  OTHER_REPO,
  OTHER_TOP,
} from '../helpers/edits-of-keys.ts';
import { inLine } from '../helpers/facts.ts';

// below ← it ← leaf, and below2 beside them: one edit of `it`, and what the plan makes of all four.

const other = (name: string, parent: string) =>
  JSON.stringify({ options: { layer_type: 'base', name, parent, pkg_manager: 'apt', publish_registry: 'r.example' } });

function graphOf(it: string, settingsText?: string): LayerGraph {
  const texts = { below: other('below', 'scratch'), below2: other('below2', 'scratch'), it, leaf: other('leaf', 'it') };
  const files = Object.entries(texts).map(([id, text]) => ({ path: `layers/${id}.yaml`, text }));
  const { tree, places, diagnostics } = readTree({ root: '/tree', files, ...(settingsText && { settingsText }) });
  const linked = linkLayers(tree.layers, places);
  const errors = [...diagnostics, ...linked.diagnostics].filter(({ severity }) => severity === 'error');
  expect(errors).toEqual([]);
  const { graph, diagnostics: problems } = expandArchitectures(linked.graph, 'amd64', places);
  expect(problems).toEqual([]);
  return graph;
}

/** Built and published as `before` says; what is planned when the tree is `after`. */
function planned(before: LayerGraph, after: LayerGraph): Record<string, string> {
  const all = new Set(after.layers.keys());
  const wish = { named: all, needed: all, force: false, publish: true, reuse: false, refresh: false, locked: false };
  const facts = inLine(before);
  // What a real record would hold of Ansible's files: this run depended on none.
  const ansible = [...after.layers.values()].filter(({ options }) => options.layer_type === 'ansible');
  facts.recorded = new Map(ansible.map(({ id }) => [id, { files: {} }]));
  facts.records = new Map(
    [...facts.records].map(([id, record]) => [
      id,
      facts.recorded.has(id) ? { ...record, inputSet: { version: 2, read: [], probed: [], listed: [] } } : record,
    ]),
  );
  const plan = makePlan(after, facts, wish);
  return Object.fromEntries([...plan.decisions].map(([id, { action }]) => [id, action]));
}

const AT_REST = { it: 'nothing', leaf: 'nothing', below: 'nothing', below2: 'nothing' };

function expected(counts: Counts): Record<string, string> {
  if (counts === 'neither') return AT_REST;
  return counts === 'publish' ? { ...AT_REST, it: 'publish' } : { ...AT_REST, it: 'build', leaf: 'pending' };
}

const change = (before: FileText, after: FileText) =>
  planned(graphOf(JSON.stringify(before)), graphOf(JSON.stringify(after)));
const withOption = (file: FileText, key: string, value: unknown): FileText => ({
  ...file,
  options: { ...file.options, [key]: value },
});
/** `key` of the first entry of a list. */
const withMember = (file: FileText, list: string, key: string, value: unknown): FileText => {
  const [first, ...rest] = file[list] as Record<string, unknown>[];
  return { ...file, [list]: [{ ...first, [key]: value }, ...rest] };
};
const without = (file: Readonly<Record<string, unknown>>, key: string) =>
  Object.fromEntries(Object.entries(file).filter(([name]) => name !== key));

const FILES: Readonly<Record<LayerType, FileText>> = { base: BASE_FILE, ansible: ANSIBLE_FILE };
const TYPES = Object.keys(FILES) as LayerType[];

/** Of each key in each type of layer: name, type, facts, the file after the edit. */
function edits(
  keys: Readonly<Record<string, KeyFacts>>,
  values: Readonly<Record<string, unknown>>,
  edit: (file: FileText, key: string, value: unknown) => FileText,
  types = TYPES,
): [string, LayerType, KeyFacts, FileText][] {
  return types.flatMap((type) =>
    Object.entries(keys)
      .filter(([key]) => values[key] !== undefined)
      .map(([key, facts]): [string, LayerType, KeyFacts, FileText] => [
        key,
        type,
        facts,
        edit(FILES[type], key, values[key]),
      ]),
  );
}

test('every key of the schema has another value here', () => {
  const tables: [Record<string, KeyFacts>, Record<string, unknown>, string[]][] = [
    [OPTION_KEYS, OTHER_OPTIONS, ['layer_type', 'pkg_manager', 'tools_image']],
    [TOP_KEYS, OTHER_TOP, ['options']],
    [REPO_KEYS, OTHER_REPO, []],
    [COPYFILE_KEYS, OTHER_COPYFILE, []],
    [COMMAND_KEYS, OTHER_COMMAND, []],
    [MODULE_KEYS, OTHER_MODULES, []],
    [OPENSCAP_KEYS, OTHER_OPENSCAP, []],
    [IMAGE_CONFIG_KEYS, OTHER_IMAGE_CONFIG, []],
  ];
  for (const [keys, values, exceptions] of tables) {
    const missing = Object.keys(keys).filter((key) => values[key] === undefined && !exceptions.includes(key));
    expect(missing).toEqual([]);
  }
});

describe('another value does what the column of the schema says', () => {
  test('the tree itself is at rest', () => {
    for (const type of TYPES) expect(change(FILES[type], FILES[type])).toEqual(AT_REST);
  });

  test.each(edits(OPTION_KEYS, OTHER_OPTIONS, withOption))('options.%s in a layer of type %s', (...row) => {
    const [, type, facts, after] = row;
    expect(change(FILES[type], after)).toEqual(expected(countsIn(facts, type)));
  });

  test.each(edits(TOP_KEYS, OTHER_TOP, (file, key, value) => ({ ...file, [key]: value })))(
    '%s in a layer of type %s',
    (...row) => {
      const [, type, facts, after] = row;
      expect(change(FILES[type], after)).toEqual(expected(countsIn(facts, type)));
    },
  );

  test.each(
    [
      edits(REPO_KEYS, OTHER_REPO, (file, key, value) => withMember(file, 'repos', key, value), ['base']),
      edits(REPO_KEYS, OTHER_REPO, (file, key, value) => withMember(file, 'exclusive_repos', key, value), ['base']),
      edits(COPYFILE_KEYS, OTHER_COPYFILE, (file, key, value) => withMember(file, 'copyfiles', key, value), ['base']),
      edits(COMMAND_KEYS, OTHER_COMMAND, (file, key, value) => withMember(file, 'cmds', key, value), ['base']),
      edits(
        MODULE_KEYS,
        OTHER_MODULES,
        (file, key, value) => ({ ...file, modules: { ...(file.modules as object), [key]: value } }),
        ['base'],
      ),
      edits(OPENSCAP_KEYS, OTHER_OPENSCAP, (file, key, value) => withMember(file, 'openscap', key, value), ['base']),
      edits(IMAGE_CONFIG_KEYS, OTHER_IMAGE_CONFIG, (file, key, value) => ({
        ...file,
        image_config: { ...(file.image_config as object), [key]: value },
      })),
    ].flat(),
  )('the member %s in a layer of type %s', (...row) => {
    const [, type, facts, after] = row;
    expect(change(FILES[type], after)).toEqual(expected(countsIn(facts, type)));
  });

  test('another package manager, which has no modules', () => {
    const plain = without(BASE_FILE, 'modules') as FileText;
    expect(change(plain, withOption(plain, 'pkg_manager', 'apt'))).toEqual(expected('build'));
  });

  test('one type to the other', () => {
    const playbooks = { playbooks: ['site.yaml'], layer_type: 'ansible' };
    const after = { ...BASE_FILE, options: { ...BASE_FILE.options, ...playbooks } };
    expect(change(BASE_FILE, after)).toEqual(expected('build'));
  });

  test('the architecture of the machine, by whatever name', () => {
    for (const name of ['amd64', 'x86_64']) {
      expect(change(BASE_FILE, withOption(BASE_FILE, 'architectures', [name]))).toEqual(AT_REST);
    }
  });
});

describe('what says the same does nothing', () => {
  const defaults = (table: Readonly<Record<string, unknown>>) => Object.entries(table);

  test.each(TYPES.flatMap((type) => defaults(OPTION_DEFAULTS).map(([key, value]) => [key, type, value] as const)))(
    'options.%s at its default in a layer of type %s',
    (key, type, value) => {
      // Not what the layer needs in order to be one.
      if (type === 'ansible' && ['parent', 'playbooks'].includes(key)) return;
      const file = FILES[type];
      const plain = { ...file, options: without(file.options, key) };
      expect(change(plain, withOption(plain, key, value))).toEqual(AT_REST);
    },
  );

  test.each(defaults(TOP_DEFAULTS))('%s at its default', (key, value) => {
    const plain = without(BASE_FILE, key) as FileText;
    expect(change(plain, { ...plain, [key]: value })).toEqual(AT_REST);
  });

  test('members at their defaults, and a bare command', () => {
    let after = BASE_FILE;
    for (const [key, value] of defaults(COPYFILE_DEFAULTS)) after = withMember(after, 'copyfiles', key, value);
    for (const [key, value] of defaults(COMMAND_DEFAULTS)) after = withMember(after, 'cmds', key, value);
    expect(change(BASE_FILE, after)).toEqual(AT_REST);
    expect(change(BASE_FILE, { ...BASE_FILE, cmds: ['true'] })).toEqual(AT_REST);
  });

  const LISTED = ['publish_tags', 'groups', 'playbooks', 'inventory', 'ansible_tags', 'ansible_skip_tags'] as const;
  test.each([...LISTED, 'architectures', 'environment'] as const)('options.%s as a string or as a list', (key) => {
    const value = key === 'architectures' ? 'amd64' : 'compute';
    expect(change(withOption(ANSIBLE_FILE, key, value), withOption(ANSIBLE_FILE, key, [value]))).toEqual(AT_REST);
  });

  test.each(TYPES)('hyphens instead of underscores, and keys in another order, in a layer of type %s', (type) => {
    // A base layer has no playbooks; the other connection and `mounts` are refused together.
    const values = without(without(OTHER_OPTIONS, 'pkg_manager'), type === 'base' ? 'playbooks' : 'connection');
    const options = { ...FILES[type].options, ...without(without(values, 'layer_type'), 'architectures') };
    const respelt = Object.entries(options).map(([key, value]) => [key.replaceAll('_', '-'), value]);
    const rest = Object.entries(FILES[type]).filter(([key]) => key !== 'options');
    const after = Object.fromEntries([
      ...rest.reverse().map(([key, value]) => [key.replaceAll('_', '-'), value]),
      ['options', Object.fromEntries(respelt.reverse())],
    ]) as FileText;
    expect(change({ ...FILES[type], options }, after)).toEqual(AT_REST);
  });

  test('keys of maps in another order', () => {
    const maps = (one: object) => withOption(withOption(ANSIBLE_FILE, 'vars', one), 'labels', { a: '1', b: '2' });
    const after = withOption(maps({ b: { d: 1, c: 2 }, a: 1 }), 'labels', { b: '2', a: '1' });
    expect(change(maps({ a: 1, b: { c: 2, d: 1 } }), after)).toEqual(AT_REST);
  });

  const PLAIN = `options:
  layer_type: ansible
  name: image
  parent: below
  playbooks: [site.yaml, more.yaml]
  publish_registry: r.example/a
  publish_tags: ['1.0', latest]
  vars: {word: text, deep: {word: text}}
  labels: {word: text}
`;
  test.each([
    ['comments and empty lines', `# ours\n\n${PLAIN.replace('name: image', 'name: image # the name')}\n# end\n`],
    ['another quoting', PLAIN.replace("'1.0'", '"1.0"').replace('name: image', "name: 'image'")],
    ['blocks instead of flow', PLAIN.replace('[site.yaml, more.yaml]', '\n    - site.yaml\n    - more.yaml')],
    [
      'an anchor and an alias',
      PLAIN.replace('vars: {word: text, deep: {word: text}}', 'vars: {deep: &d {word: text}, word: text}').replace(
        'labels: {word: text}',
        'labels: *d',
      ),
    ],
    ['a document mark and Windows line ends', `---\n${PLAIN}`.replaceAll('\n', '\r\n')],
    ['a byte order mark', `\ufeff${PLAIN}`],
  ])('%s', (_, text) => {
    expect(text).not.toBe(PLAIN);
    expect(planned(graphOf(PLAIN), graphOf(text))).toEqual(AT_REST);
    expect(planned(graphOf(PLAIN), graphOf(text.replace('playbooks', 'ansible_tags: [x]\n  playbooks')))).toEqual(
      text.includes('\r') ? expect.anything() : expected('build'),
    );
  });
});

describe('defaults of layers.yaml', () => {
  const own = without(BASE_FILE.options, 'squashfs_options');
  const file = JSON.stringify({ ...BASE_FILE, options: own });
  const settings = (defaults: object, more: object = {}) => JSON.stringify({ defaults, ...more });

  test('a key that moves from the file to the defaults does nothing', () => {
    const moved = JSON.stringify({ ...BASE_FILE, options: without(own, 'pkg_manager') });
    expect(planned(graphOf(file), graphOf(moved, settings({ pkg_manager: 'dnf' })))).toEqual(AT_REST);
  });

  test('a default counts in every layer, as its own key would, and not where the file says otherwise', () => {
    const all = (action: string) => ({ it: action, leaf: action, below: action, below2: action });
    expect(planned(graphOf(file), graphOf(file, settings({ labels: { team: 'hpc' } })))).toEqual(all('publish'));
    expect(planned(graphOf(file), graphOf(file, settings({ variant: 'apt' })))).toEqual(all('build'));
    expect(planned(graphOf(file), graphOf(file, settings({ publish_registry: 'r.example/z' })))).toEqual(AT_REST);
    expect(planned(graphOf(file), graphOf(file, settings({ registry_opts_pull: '--quiet' })))).toEqual(AT_REST);
  });

  test('its other keys and its comments do nothing', () => {
    const after = `# ours\n${settings({}, { jobs: 3, cache: 'r.example/cache', folders: { playbooks: 'plays' } })}`;
    expect(planned(graphOf(file), graphOf(file, after))).toEqual(AT_REST);
  });

  test('vars and labels are merged key by key', () => {
    const ansible = JSON.stringify(ANSIBLE_FILE);
    const before = graphOf(ansible, settings({ vars: { b: 1 } }));
    expect(planned(before, graphOf(ansible, settings({ vars: { b: 1, a: 3 } })))).toEqual(AT_REST);
    expect(planned(before, graphOf(ansible, settings({ vars: { b: 2 } })))).toEqual(expected('build'));
  });
});

test('a tools image counts for dnf and zypper, and makes its layer of the tree one to be built before', () => {
  const plain = without(BASE_FILE, 'modules') as FileText;
  const by = (manager: string) => withOption(plain, 'pkg_manager', manager);
  for (const manager of ['dnf', 'zypper']) {
    const after = withOption(by(manager), 'tools_image', 'below2');
    expect(change(by(manager), after)).toEqual({ ...AT_REST, it: 'build', leaf: 'pending' });
    expect(change(after, by(manager))).toEqual({ ...AT_REST, it: 'build', leaf: 'pending' });
    expect(change(after, after)).toEqual(AT_REST);
    expect(graphOf(JSON.stringify(after)).children.get('below2' as LayerId)).toEqual(['it']);
  }
  expect(change(by('apt'), withOption(by('apt'), 'tools_image', 'below2'))).toEqual(AT_REST);
});
