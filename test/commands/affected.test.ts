import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findAffected } from '../../tool/src/commands/affected.ts';
import type { SetsOf } from '../../tool/src/commands/affected-sets.ts';
import type { CommandContext } from '../../tool/src/commands/command.ts';
import { loadTree } from '../../tool/src/commands/load-tree.ts';
import type { InputSet } from '../../tool/src/recipe/input-set.ts';
import { openRecords } from '../../tool/src/records/record-store.ts';
import { recordOf } from '../helpers/facts.ts';
import { git } from '../inputs/input-tree.ts';

let folder: string;
let root: string;

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const LOCK = `version: 1
layers:
  "base":
    parent: {reference: "registry.example/small:1", digest: "${digest('a')}"}
    repositories: {}
  "files":
    repositories: {"http://deb.example/InRelease": "${digest('b')}"}
`;

/** base ← site (Ansible) ← app, base ← files, and lone. */
const FILES: Readonly<Record<string, string>> = {
  'layers.yaml': "defaults: {publish_registry: 'registry.example/site', log_level: INFO}\n",
  'layers/base.yaml': "options: {layer_type: base, name: base, pkg_manager: apt, parent: 'registry.example/small:1'}\n",
  'layers/files.yaml':
    'options: {layer_type: base, name: files, pkg_manager: apt, parent: base}\ncopyfiles: [{src: files, dest: /opt}]\n',
  'layers/site.yaml': `
options:
  {layer_type: ansible, name: site, parent: base, groups: [compute], playbooks: [playbooks/site.yaml], inventory: [inventory]}
`,
  'layers/app.yaml': 'options: {layer_type: base, name: app, pkg_manager: apt, parent: site}\ncmds: [echo app]\n',
  'layers/lone.yaml': 'options: {layer_type: base, name: lone, pkg_manager: apt, parent: scratch, proxy: ""}\n',
  'layers.lock': LOCK,
  '.gitignore': '/.layers/\n',
  'README.md': 'text\n',
  'ansible.cfg': '[defaults]\n',
  'files/a': 'a\n',
  'inventory/hosts': '[compute]\n',
  'inventory/group_vars/compute.yaml': 'word: 1\n',
  'playbooks/site.yaml': '- {hosts: compute, vars_files: [vars.yaml], roles: [used, linked]}\n',
  'playbooks/vars.yaml': 'x: 1\n',
  'playbooks/roles/used/tasks/main.yml': '- include_tasks: more.yml\n',
  'playbooks/roles/used/tasks/more.yml': '- debug:\n',
  'playbooks/roles/used/templates/page.j2': 'page\n',
  'playbooks/roles/unused/tasks/main.yml': '- debug:\n',
  'shared/linked/tasks/main.yml': '- debug: {msg: linked}\n',
  'shared/other/tasks/main.yml': '- debug: {msg: other}\n',
};

const write = (file: string, text: string) => {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), text);
};
const remove = (file: string) => rmSync(path.join(root, file));
const relink = (target: string) => {
  remove('playbooks/roles/linked');
  symlinkSync(target, path.join(root, 'playbooks/roles/linked'));
};

beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'layers-affected-')));
  root = path.join(folder, 'tree');
  for (const [file, text] of Object.entries(FILES)) write(file, text);
  symlinkSync('../../shared/linked', path.join(root, 'playbooks/roles/linked'));
  git(root, 'init', '-q', '-b', 'main');
  git(root, 'add', '.');
  git(root, 'commit', '-qm', 'first');
  git(root, 'checkout', '-qb', 'branch');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What is known of Ansible layers on the files of now; by default, a run that read no more than a static reading tells. */
type Known = Partial<InputSet> | 'nothing';

async function affected(ref?: string, place = root, known: Known = {}) {
  const loaded = await loadTree({ env: {}, cwd: place });
  const records = openRecords(loaded.stateDir);
  const env = { PATH: process.env.PATH, HOME: folder };
  const context = { env, signal: new AbortController().signal } as unknown as CommandContext;
  const { graph, stateDir, tree } = loaded;
  const now = { root: place, stateDir, graph, settings: tree.settings, records };
  const asked: string[] = [];
  const setsOf: SetsOf = async (ids) => {
    asked.push(...ids);
    const set: InputSet = { version: 2, read: [], probed: [], listed: [], ...(known === 'nothing' ? {} : known) };
    return new Map(known === 'nothing' ? [] : ids.map((id) => [id, set]));
  };
  const found = await findAffected(context, now, ref, setsOf);
  return { own: Object.fromEntries(found.reasons), all: [...found.layers].sort(), base: found.base, asked };
}

test('nothing, and what no layer reads', async () => {
  expect(await affected()).toMatchObject({ own: {}, all: [], base: { ref: 'main' } });
  write('README.md', 'edited\n');
  write('new/file', 'new\n');
  write('playbooks/roles/used.txt', 'no role\n');
  expect((await affected()).all).toEqual([]);
});

describe('an Ansible layer that was never built here, and what stands on it', () => {
  test.each<[string, () => void]>([
    ['inventory/group_vars/compute.yaml', () => write('inventory/group_vars/compute.yaml', 'word: 2\n')],
    ['playbooks/vars.yaml', () => write('playbooks/vars.yaml', 'x: 2\n')],
    ['playbooks/roles/used/tasks/more.yml', () => write('playbooks/roles/used/tasks/more.yml', '- debug: {msg: 2}\n')],
    ['playbooks/roles/used/templates/page.j2', () => remove('playbooks/roles/used/templates/page.j2')],
    ['playbooks/roles/used/handlers/main.yml', () => write('playbooks/roles/used/handlers/main.yml', '[]\n')],
    ['inventory/group_vars/all.yaml', () => write('inventory/group_vars/all.yaml', 'also: 1\n')],
    ['playbooks/roles/linked', () => relink('../../shared/other')],
    ['ansible.cfg', () => write('ansible.cfg', '[defaults]\nforks = 2\n')],
    ['ansible.cfg', () => remove('ansible.cfg')],
  ])('%s', async (file, edit) => {
    edit();
    const { own, all } = await affected();
    expect([own, all]).toEqual([{ site: expect.stringContaining(`${file} changed`) }, ['app', 'site']]);
  });

  test('a role behind a link', async () => {
    write('shared/linked/tasks/main.yml', '- debug: {msg: edited}\n');
    expect((await affected()).all).toEqual(['app', 'site']);
    write('shared/linked/tasks/main.yml', FILES['shared/linked/tasks/main.yml'] ?? '');
    write('shared/other/tasks/main.yml', '- debug: {msg: edited}\n');
    expect((await affected()).all).toEqual([]);
  });

  test('a role that a play used then, and that is gone with its use', async () => {
    write('playbooks/site.yaml', '- {hosts: compute, vars_files: [vars.yaml], roles: [linked]}\n');
    git(root, 'rm', '-rq', 'playbooks/roles/used');
    expect((await affected()).all).toEqual(['app', 'site']);
  });
});

test('.layersignore: it decides what counts of all that layers copy and read', async () => {
  write('.layersignore', '*.j2\n');
  expect((await affected()).all).toEqual(['app', 'files', 'site']);
});

describe('an Ansible layer whose playbooks read what a static reading does not tell, never built here', () => {
  test('what others recorded of a run on the files of now counts', async () => {
    write('data/other', 'x\n');
    expect(await affected(undefined, root, { read: ['data/computed'] })).toMatchObject({ all: [], asked: ['site'] });
    write('data/computed', 'x\n');
    expect((await affected(undefined, root, { read: ['data/computed'] })).all).toEqual(['app', 'site']);
    expect((await affected(undefined, root, { listed: ['data'] })).all).toEqual(['app', 'site']);
  });

  test('where nobody knows one, anything that changed may be read', async () => {
    expect((await affected(undefined, root, 'nothing')).all).toEqual([]);
    write('data/computed', 'x\n');
    const { own, all } = await affected(undefined, root, 'nothing');
    expect([own, all]).toEqual([{ site: expect.stringContaining('is known') }, ['app', 'site']]);
  });

  test('nobody is asked of what is affected anyway', async () => {
    write('layers.yaml', "defaults: {publish_registry: 'registry.example/site', log_level: INFO, proxy: 'http://p'}\n");
    expect(await affected(undefined, root, 'nothing')).toMatchObject({
      all: ['app', 'base', 'files', 'site'],
      asked: [],
    });
  });
});

describe('what the last run recorded', () => {
  async function record(
    inputSet: { read?: string[]; probed?: string[]; listed?: string[] },
    files: Record<string, string> = {},
  ) {
    const { stateDir, graph } = await loadTree({ env: {}, cwd: root });
    const site = [...graph.layers.values()].find(({ id }) => id === 'site');
    if (site === undefined) throw new Error('fixture');
    const known = { version: 2 as const, read: [], probed: [], listed: [], ...inputSet };
    const made = recordOf(site, { kind: 'scratch' });
    await openRecords(stateDir).write({ ...made, recipe: { ...made.recipe, files }, inputSet: known });
  }

  test('tells all of the files of now only if they are as they were: of another branch, it does not', async () => {
    write('data/other', 'x\n');
    await record({ probed: ['data/choice'] }, { 'data/choice': 'absent' });
    expect(await affected(undefined, root, 'nothing')).toMatchObject({ all: [], asked: [] });
    await record({ probed: ['data/choice'] }, { 'data/choice': 'file' });
    expect(await affected(undefined, root, 'nothing')).toMatchObject({ all: ['app', 'site'], asked: ['site'] });
  });

  test('counts beside the static reading: a file that was looked up, one that was absent, a folder that was listed', async () => {
    await record({ read: ['data/dynamic.txt'], probed: ['data/absent.txt'], listed: ['data/d/'] });
    expect((await affected()).all).toEqual([]);
    for (const file of ['data/dynamic.txt', 'data/absent.txt', 'data/d/new']) {
      write(file, 'x\n');
      expect([file, (await affected()).all]).toEqual([file, ['app', 'site']]);
      remove(file);
    }
    write('data/other', 'x\n');
    expect((await affected()).all).toEqual([]);
  });
});

describe('settings, lock and layer files', () => {
  test('a default counts for the layers that it changes', async () => {
    write('layers.yaml', "defaults: {publish_registry: 'registry.example/site', log_level: INFO, proxy: 'http://p'}\n");
    const { own } = await affected();
    expect(Object.keys(own).sort()).toEqual(['app', 'base', 'files', 'site']);
    expect(own.base).toContain('layers.yaml');
  });

  test('a comment in layers.yaml changes nothing', async () => {
    write('layers.yaml', `# said\n${FILES['layers.yaml']}`);
    expect((await affected()).all).toEqual([]);
  });

  test('an entry of layers.lock counts for its layer and what stands on it; a damaged lock for all', async () => {
    write('layers.lock', LOCK.replace(digest('b'), digest('c')));
    expect(await affected()).toMatchObject({
      own: { files: 'layers.lock: the entry of files changed' },
      all: ['files'],
    });
    write('layers.lock', LOCK.replace(digest('a'), digest('c')));
    expect((await affected()).all).toEqual(['app', 'base', 'files', 'site']);
    remove('layers.lock');
    expect(Object.keys((await affected()).own).sort()).toEqual(['base', 'files']);
    write('layers.lock', 'damaged');
    expect((await affected()).all).toHaveLength(5);
  });

  test('a new layer file, and one that is gone', async () => {
    write('layers/more.yaml', 'options: {layer_type: base, name: more, pkg_manager: apt, parent: scratch}\n');
    expect((await affected()).all).toEqual(['more']);
    remove('layers/more.yaml');
    remove('layers/app.yaml');
    expect((await affected()).all).toEqual([]);
  });

  test('another name of the parent moves what stands on it', async () => {
    write('layers/base.yaml', FILES['layers/base.yaml']?.replace('name: base', 'name: root') ?? '');
    for (const id of ['files', 'site'])
      write(`layers/${id}.yaml`, FILES[`layers/${id}.yaml`]?.replace('parent: base', 'parent: root') ?? '');
    expect((await affected()).all).toEqual(['app', 'base', 'files', 'site']);
  });
});

describe('files that are copied', () => {
  test.each<[string, () => void]>([
    ['edited', () => write('files/a', 'b\n')],
    ['added', () => write('files/b', 'b\n')],
    ['deleted', () => remove('files/a')],
  ])('%s', async (_, edit) => {
    edit();
    expect((await affected()).all).toEqual(['files']);
  });

  test('the mode that git knows', async () => {
    git(root, 'update-index', '--chmod=+x', 'files/a');
    git(root, 'commit', '-qm', 'mode');
    expect((await affected()).all).toEqual(['files']);
  });
});

describe('what it is compared with', () => {
  test('where the branch began, not where main is now; committed or not', async () => {
    git(root, 'checkout', '-q', 'main');
    write('layers/lone.yaml', `${FILES['layers/lone.yaml']}cmds: [echo main]\n`);
    git(root, 'commit', '-qam', 'of main');
    git(root, 'checkout', '-q', 'branch');
    write('files/a', 'committed\n');
    git(root, 'commit', '-qam', 'of branch');
    expect((await affected('main')).all).toEqual(['files']);
    write('playbooks/vars.yaml', 'x: 3\n');
    expect((await affected('main')).all).toEqual(['app', 'files', 'site']);
    expect((await affected('HEAD')).all).toEqual(['app', 'site']);
  });

  test('a shallow clone is an error that says what to fetch', async () => {
    for (const at of [1, 2]) {
      write('files/a', `${at}\n`);
      git(root, 'commit', '-qam', String(at));
    }
    const clone = path.join(folder, 'clone');
    git(folder, 'clone', '-q', '--depth', '1', '--branch', 'branch', `file://${root}`, clone);
    await expect(affected('origin/main', clone)).rejects.toMatchObject({
      message: expect.stringContaining('shallow clone'),
      hint: expect.stringContaining('git fetch --unshallow origin'),
    });
    git(clone, 'fetch', '-q', '--unshallow', 'origin', '+refs/heads/main:refs/remotes/origin/main');
    expect((await affected('origin/main', clone)).all).toEqual(['files']);
  });

  test.runIf(process.getuid?.() === 0)('a checkout that belongs to another user', async () => {
    const other = path.join(folder, 'other');
    cpSync(root, other, { recursive: true, verbatimSymlinks: true });
    execFileSync('chown', ['-R', '65534:65534', other]);
    writeFileSync(path.join(other, 'files/a'), 'b\n');
    expect((await affected('main', other)).all).toEqual(['files']);
  });
});
