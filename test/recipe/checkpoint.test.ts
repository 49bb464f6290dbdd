import { describe, expect, test } from 'vitest';
import { countsIn, type KeyFacts } from '../../tool/src/config/key-facts.ts';
import { COMMAND_KEYS, COPYFILE_KEYS, REPO_KEYS, TOP_KEYS } from '../../tool/src/config/keys.ts';
import { OPTION_KEYS } from '../../tool/src/config/option-keys.ts';
import { readTree } from '../../tool/src/config/read-tree.ts';
import { settingsOfPart } from '../../tool/src/config/recipe-settings.ts';
import { type CheckpointGround, checkpointKeyOf } from '../../tool/src/recipe/checkpoint.ts';
import type { ContentDigest } from '../../tool/src/recipe/recipe.ts';
import {
  BASE_FILE,
  type FileText,
  OTHER_COMMAND,
  OTHER_COPYFILE,
  OTHER_OPTIONS,
  OTHER_REPO,
  OTHER_TOP,
} from '../helpers/edits-of-keys.ts';

const below: CheckpointGround = { parent: { kind: 'layer', content: 'sha256:1' as ContentDigest }, image: 'one' };
const machine = { architecture: 'amd64', tools: { apt: '2' }, environment: {} };

/** Keys of the parts, each on what it begins on by itself. */
function keysOf(file: FileText, more: Partial<Parameters<typeof checkpointKeyOf>[0]> = {}) {
  const { tree, diagnostics } = readTree({
    root: '/tree',
    files: [
      { path: 'layers/it.yaml', text: JSON.stringify(file) },
      { path: 'layers/below.yaml', text: JSON.stringify({ options: { ...BASE_FILE.options, name: 'below' } }) },
    ],
  });
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  const { recipe } = tree.layers.find(({ id }) => id === 'it')!;
  const of = (part: 'packages' | 'files') =>
    checkpointKeyOf({
      part,
      on: below,
      stepVersion: 1,
      settings: settingsOfPart(recipe, part),
      files: {},
      machine,
      ...more,
    });
  return { packages: of('packages'), files: of('files') };
}

const before = keysOf(BASE_FILE);

/** The parts whose own key an edit changes. */
function changed(file: FileText): string[] {
  const after = keysOf(file);
  return (['packages', 'files'] as const).filter((part) => after[part] !== before[part]);
}

/** Keys that count for the layer and not for its packages; whatever else decides what is built makes them anew. */
const LATER: Readonly<Record<string, readonly string[]>> = {
  copyfiles: ['files'],
  cmds: [],
  openscap: [],
  image_config: [],
  install_scap: [],
  scap_benchmark: [],
  oval_eval: [],
  scap_fail_on: [],
};

function expected(key: string, facts: KeyFacts): readonly string[] {
  return countsIn(facts, 'base') === 'build' ? (LATER[key] ?? ['packages']) : [];
}

type Row = [key: string, parts: readonly string[], file: FileText];

function rows(
  keys: Readonly<Record<string, KeyFacts>>,
  values: Readonly<Record<string, unknown>>,
  edit: (key: string, value: unknown) => FileText,
  leftOut: readonly string[] = [],
): Row[] {
  return Object.entries(keys).flatMap(([key, facts]): Row[] =>
    values[key] === undefined || leftOut.includes(key) ? [] : [[key, expected(key, facts), edit(key, values[key])]],
  );
}

const member = (list: string) => (key: string, value: unknown) => {
  const [first] = BASE_FILE[list] as Record<string, unknown>[];
  return { ...BASE_FILE, [list]: [{ ...first, [key]: value }] };
};

describe('the part that an edit makes anew', () => {
  const option = (key: string, value: unknown) => ({ ...BASE_FILE, options: { ...BASE_FILE.options, [key]: value } });
  // What a part begins on, and the architecture, have a test of their own.
  test.each(rows(OPTION_KEYS, OTHER_OPTIONS, option, ['parent', 'architectures']))(
    'options.%s: %j',
    (_, parts, file) => {
      expect(changed(file)).toEqual(parts);
    },
  );
  test.each(rows(TOP_KEYS, OTHER_TOP, (key, value) => ({ ...BASE_FILE, [key]: value })))('%s: %j', (_, parts, file) => {
    expect(changed(file)).toEqual(parts);
  });
  test.each(rows(REPO_KEYS, OTHER_REPO, member('repos')))('repos.%s: %j', (_, parts, file) => {
    expect(changed(file)).toEqual(parts);
  });
  test.each(rows(COPYFILE_KEYS, OTHER_COPYFILE, member('copyfiles')))('copyfiles.%s', (_, _parts, file) => {
    expect(changed(file)).toEqual(['files']);
  });
  test.each(rows(COMMAND_KEYS, OTHER_COMMAND, member('cmds')))('cmds.%s', (_, _parts, file) => {
    expect(changed(file)).toEqual([]);
  });
});

test.each([
  ['another parent', { on: { parent: { kind: 'scratch' } } }],
  ['another image of a parent with equal content', { on: { ...below, image: 'two' } }],
  ['another image of the part before', { on: { part: 'packages', image: 'one' } }],
  ['another step version', { stepVersion: 2 }],
  ['another architecture', { machine: { ...machine, architecture: 'arm64' } }],
  ['another version of a tool', { machine: { ...machine, tools: { apt: '3' } } }],
  ['another value of a variable that is let through', { machine: { ...machine, environment: { SITE: 'sha256:2' } } }],
  ['another signing key', { files: { 'key.asc': 'sha256:3' } }],
] as const)('%s is another key', (_, more) => {
  expect(keysOf(BASE_FILE, more as object).packages).not.toBe(before.packages);
});

test('a recipe with more in it gives the same key: of the machine only what decides is taken', () => {
  const recipe = { ...machine, settings: { cmds: ['x'] }, lock: { 'http://m.example': 'sha256:4' } };
  expect(keysOf(BASE_FILE, { machine: recipe })).toEqual(before);
});
