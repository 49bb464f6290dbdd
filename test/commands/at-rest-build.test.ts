import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isStillAtRest, readAtRest } from '../../tool/src/commands/at-rest.ts';
import { startResting } from '../../tool/src/commands/at-rest-keep.ts';
import type { CommandContext } from '../../tool/src/commands/command.ts';
import { prepare } from '../../tool/src/commands/prepare.ts';
import { watchLooks } from '../../tool/src/system/looks.ts';
import { pretendBuilt } from '../bench/built-tree.ts';
import { makeSyntheticTree } from '../bench/synthetic-tree.ts';

// Layers 5 and 10 are Ansible layers; everything hangs on layer 0.
const LAYERS = 11;
const ROLE = 'playbooks/roles/role-5';
let root: string;

beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), 'layers-at-rest-build-'));
  makeSyntheticTree(root, LAYERS);
  // An image that is shared too may go.
  await pretendBuilt(root, { isShared: false });
  await settle();
}, 60_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const settle = () => setTimeout(70);
const at = (file: string) => path.join(root, file);
const restFile = () => at('.layers/cache/at-rest.json');

function contextOf(argv: readonly string[], env: Record<string, string> = {}): CommandContext {
  const never = new AbortController().signal;
  const { stdout, stderr } = process;
  const said = { print: () => {}, warn: () => {}, stdout, stderr, signal: never, forced: never };
  // No cache: where a layer is not known, nobody is to be asked.
  const values = { all: true, cache: 'off' };
  return { argv, cwd: root, env: { PATH: process.env.PATH, ...env }, options: {}, values, positionals: [], ...said };
}

/** As `layers build` does it, up to the point where it would work. Gives the actions that are not `nothing`. */
async function build(
  context = contextOf(['build', '--all']),
): Promise<{ actions: string[]; kept?: string | undefined }> {
  const resting = startResting(context, () => watchLooks({ hasAskedBeyond: () => false }));
  try {
    const prepared = await prepare(resting?.context ?? context, []);
    const actions = [...prepared.plan.decisions.values()].map(({ action }) => action);
    const toDo = actions.filter((action) => action !== 'nothing');
    return toDo.length > 0 ? { actions: toDo } : { actions: toDo, kept: resting?.keep(prepared, []) };
  } finally {
    resting?.stop();
  }
}

function isAtRest(): boolean {
  const was = readAtRest(restFile());
  return was !== undefined && isStillAtRest(was);
}

/** Undoes an edit of one file; without one, of a path that was not there. */
function restoring(file: string): () => void {
  const before = existsSync(at(file)) ? readFileSync(at(file)) : undefined;
  return () =>
    before === undefined ? rmSync(at(file), { recursive: true, force: true }) : writeFileSync(at(file), before);
}

const recordFile = (id: string) => `.layers/records/${encodeURIComponent(id)}.json`;
const append = (file: string) => [file, () => appendFileSync(at(file), '# more\n')] as const;
const create = (file: string, text = 'site: other\n') =>
  [
    file,
    () => {
      mkdirSync(path.dirname(at(file)), { recursive: true });
      writeFileSync(at(file), text);
    },
  ] as const;

test.each<readonly [string, readonly [string, () => void]]>([
  ['a copied file', append('files/layer-3/a')],
  [
    'a copied file of the same size and time',
    [
      'files/layer-3/b',
      () => {
        const text = readFileSync(at('files/layer-3/b'), 'utf8');
        writeFileSync(at('files/layer-3/b'), text.replaceAll('x', 'y'));
        utimesSync(at('files/layer-3/b'), 1, 1);
      },
    ],
  ],
  ['a copied file that is missing', ['files/layer-3/a', () => rmSync(at('files/layer-3/a'))]],
  [
    'a layer file',
    ['layers/group-0/layer-3.yaml', () => appendFileSync(at('layers/group-0/layer-3.yaml'), 'cmds: [{cmd: "true"}]\n')],
  ],
  [
    'a new layer',
    create('layers/new.yaml', 'options: {layer_type: base, name: new, parent: layer-1, pkg_manager: apt}\n'),
  ],
  ['the settings', create('layers.yaml', 'defaults:\n  options:\n    publish_registry: registry.invalid/other\n')],
  ['a playbook', append('playbooks/layer-5.yaml')],
  ['a task', append(`${ROLE}/tasks/main.yaml`)],
  ['a template', append(`${ROLE}/templates/a.j2`)],
  ['variables of the group', append('inventory/group_vars/nodes.yaml')],
  ['variables that were looked for', create('inventory/group_vars/all.yml')],
  ['a handler in a folder that was not there', create(`${ROLE}/handlers/main.yml`)],
  ['a damaged record', append(recordFile('group-0/layer-3'))],
  ['a record that went', [recordFile('group-0/layer-3'), () => rmSync(at(recordFile('group-0/layer-3')))]],
])('a build after a change of %s has something to do, and is not kept from it', async (_what, [file, change]) => {
  const restore = restoring(file);
  expect(await build()).toEqual({ actions: [], kept: undefined });
  expect(isAtRest()).toBe(true);
  try {
    change();
    expect(isAtRest()).toBe(false);
    const after = await build().catch((error: Error) => error);
    // A file that is missing is said instead.
    expect(after instanceof Error ? [after.message] : after.actions).not.toEqual([]);
    expect(isAtRest()).toBe(false);
  } finally {
    restore();
    for (const aside of [`${recordFile('group-0/layer-3')}.damaged`, path.dirname(`${ROLE}/handlers/main.yml`)])
      rmSync(at(aside), { recursive: true, force: true });
    await settle();
  }
});

test('an image that went', async () => {
  expect(await build()).toEqual({ actions: [], kept: undefined });
  const { image } = JSON.parse(readFileSync(at(recordFile('group-0/layer-3')), 'utf8').split('\n')[1] ?? '');
  const folder = at(`.storage/overlay-images/${image.local.id}`);
  rmSync(folder, { recursive: true });
  expect(isAtRest()).toBe(false);
  expect((await build()).actions).not.toEqual([]);
  mkdirSync(folder);
  await settle();
});

test.each<readonly [string, () => void]>([
  ['a README', () => writeFileSync(at('README'), 'text')],
  ['a role that nobody uses', () => create('playbooks/roles/unused/tasks/main.yml')[1]()],
  ['what a cache holds', () => chmodSync(at('.layers/cache/digests.json'), 0o600)],
])('%s costs nothing', async (_what, change) => {
  expect(await build()).toEqual({ actions: [], kept: undefined });
  change();
  const { actions } = await build();
  expect(actions).toEqual([]);
  // For the next test: the folders that it was made in have changed.
  await settle();
});

test('what was written just now is looked at again', async () => {
  writeFileSync(at('files/layer-3/a'), readFileSync(at('files/layer-3/a')));
  expect((await build()).kept).toMatch(/changed just now/);
  await settle();
  expect((await build()).kept).toBeUndefined();
});

test.each([['--force'], ['--verify'], ['--refresh'], ['--output=json']])('build %s is not observed', (option) => {
  expect(startResting(contextOf(['build', option]))).toBeUndefined();
});

test('neither is a build in CI, nor one from sources', () => {
  expect(startResting(contextOf(['build'], { CI: '1' }))).toBeUndefined();
  expect(startResting(contextOf(['build'], { LAYERS_SOURCES: '1' }))).toBeUndefined();
});

test('a build in a process that may have asked others is not kept', async () => {
  const resting = startResting(contextOf(['build', '--all']), () => watchLooks({ hasAskedBeyond: () => true }));
  const prepared = await prepare(contextOf(['build', '--all']), []);
  expect(resting?.keep(prepared, [])).toMatch(/programs or servers/);
});
