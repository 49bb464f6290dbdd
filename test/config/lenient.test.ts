import { expect, test } from 'vitest';
import { parseLayer } from '../../tool/src/config/parse-layer.ts';
import { BASE, codes, problems } from './reading.ts';

const lenient = (text: string) => parseLayer(text, { file: 'x.yaml', id: 'x', lenient: {} });
const DNF = BASE.replace('apt', 'dnf');

/** What `layers` refuses and image-build takes: what is said about it, and a part of the layer that comes out. */
const CASES: readonly [name: string, text: string, said: string[], expected: object][] = [
  ['unknown keys', `${DNF}  colour: red\nextra: [1]\n`, ['6:3 unknown-key?', '7:1 unknown-key?'], {}],
  ['misplaced keys', `${DNF}pkg_manager: zypper\n`, ['6:1 misplaced-key?'], { options: { pkg_manager: 'dnf' } }],
  [
    'a stray quote',
    DNF.replace('publish_local: true', "publish_local: true'"),
    ['5:18 odd-value?'],
    { options: { publish_local: true } },
  ],
  ['quoted booleans', `${DNF}  gpgcheck: 'False'\n`, ['6:13 odd-value?'], { options: { gpgcheck: false } }],
  [
    'numbers for booleans',
    `${DNF}  force_installroot: 0\n`,
    ['6:22 odd-value?'],
    { options: { force_installroot: false } },
  ],
  [
    'numbers for text',
    `${DNF.replace('name: base', 'name: 12')}packages: [7.5]\n`,
    ['3:9 odd-value?', '6:12 odd-value?'],
    { options: { name: '12' }, packages: ['7.5'] },
  ],
  [
    'one entry for a list',
    `${DNF}cmds: echo a b\ncopyfiles: {src: a, dest: /a}\n`,
    ['6:7 odd-value?', '7:12 odd-value?'],
    { cmds: [{ cmd: 'echo a b' }], copyfiles: [{ src: 'a', dest: '/a' }] },
  ],
  [
    'a list for a map',
    `${DNF}  labels: [{a: b}, {c: d}]\nmodules: [{enable: x}, {install: y}]\n`,
    ['6:11 odd-value?', '7:10 odd-value?'],
    { options: { labels: { a: 'b', c: 'd' } }, modules: { enable: ['x'], install: ['y'] } },
  ],
  [
    'null lists and items',
    `${DNF}packages:\nrepos: null\nremove_packages: [a, ]\ncmds: [~, echo]\n`,
    ['6:1 empty-key?', '7:1 empty-key?', '9:8 empty-item?'],
    { packages: [], remove_packages: ['a'], cmds: [{ cmd: 'echo' }] },
  ],
  [
    'keys given twice: the last counts',
    `${DNF}packages: [a]\npackages: [b]\n`,
    ['7:1 duplicate-key?'],
    { packages: ['b'] },
  ],
  [
    'repositories without keys, or with names of their own',
    `${DNF}repos: [{url: 'http://x/'}, {alias: A b, url: 'http://y/'}, {alias: A b, url: 'http://z/'}]\n`,
    ['6:1 unsigned-repository?', '6:9 odd-value?', '6:37 odd-value?', '6:69 odd-value?'],
    { repos: [{ alias: 'repo-1' }, { alias: 'A-b' }, { alias: 'A-b-2' }] },
  ],
  [
    'relative destinations',
    `${DNF}copyfiles: [{src: /abs/a, dst: ./etc/a}]\n`,
    ['6:32 odd-value?'],
    { copyfiles: [{ src: '/abs/a', dest: '/etc/a' }] },
  ],
  [
    'more verbosity than there is',
    'options: {layer_type: ansible, playbooks: p, parent: x, publish_local: true, ansible_verbosity: 6}\n',
    ['1:97 odd-value?'],
    { options: { ansible_verbosity: 4 } },
  ],
];

test.each(CASES)('%s', (_, text, said, expected) => {
  const { layer, diagnostics } = lenient(text);
  expect(codes(diagnostics).sort()).toEqual(said.toSorted());
  expect(layer).toMatchObject(expected);
});

test('a strict reader refuses each of them', () => {
  const taken = CASES.filter(([, text]) => problems(text).every((one) => one.endsWith('?'))).map(([name]) => name);
  expect(taken).toEqual([]);
});

test.each([
  ['a tag that YAML changed', `${BASE}  publish_tags: 8.10\n`, '6:17 unquoted-number'],
  [
    'a tag that image-build fails at after the whole build',
    `${BASE}  publish_tags: [ok, 9.5]\n`,
    '6:22 unquoted-number',
  ],
  ['a name that YAML changed', BASE.replace('name: base', 'name: 1.50'), '3:9 unquoted-number'],
  ['no layer type', 'options: {name: x}\n', '1:1 missing-key'],
  ['no package manager', 'options: {layer_type: base}\n', '1:23 missing-pkg-manager'],
  ['an option where a package is wanted', `${BASE}packages: [--allowerasing]\n`, '6:12 leading-dash'],
  ['a destination that leads upwards', `${BASE}copyfiles: [{src: a, dest: ../../etc/a}]\n`, '6:28 invalid-dest'],
  ['no YAML', 'options: {layer_type: base\n', '2:1 yaml-syntax'],
  ['no map', '- options\n', '1:1 not-a-map'],
])('%s stays an error', (_, text, where) => {
  const { layer, diagnostics } = lenient(text);
  expect(layer).toBeUndefined();
  expect(codes(diagnostics.filter(({ severity }) => severity === 'error'))).toContain(where);
});

test('an empty file and one without options say so, before what is missing then', () => {
  expect(codes(lenient('').diagnostics)).toEqual(['1:1 empty-file?', '1:1 missing-key']);
  expect(codes(lenient('packages: [a]\n').diagnostics)).toContain('1:1 missing-options?');
});
