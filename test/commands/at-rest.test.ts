import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AtRest, isStillAtRest, readAtRest } from '../../tool/src/commands/at-rest.ts';
import { looksToRepeat, writeAtRest } from '../../tool/src/commands/at-rest-write.ts';
import { watchLooks } from '../../tool/src/system/looks.ts';

let root: string;

beforeEach(async () => {
  root = mkdtempSync(path.join(tmpdir(), 'layers-at-rest-'));
  for (const folder of ['files', 'other', 'roles/web/tasks', 'images/a', 'images/b', 'images/c', 'images/d', 'cache'])
    mkdirSync(`${root}/${folder}`, { recursive: true });
  for (const file of ['files/one', 'files/two', 'other/one', 'roles/web/tasks/main.yml', 'index'])
    writeFileSync(`${root}/${file}`, 'text');
  symlinkSync('files', `${root}/current`);
  symlinkSync('files/one', `${root}/link`);
  symlinkSync('target', `${root}/dangling`);
  await settle();
});
afterEach(() => rmSync(root, { recursive: true }));

const settle = () => setTimeout(70);

/** As a build looks around: at files, through links, at names that are there or not, at listings. */
function lookAround(): void {
  readFileSync(`${root}/files/one`);
  statSync(`${root}/files/two`);
  statSync(`${root}/current/one`);
  lstatSync(`${root}/link`);
  readlinkSync(`${root}/link`);
  readdirSync(`${root}/roles/web/tasks`);
  readFileSync(`${root}/index`);
  realpathSync(`${root}/current`);
  for (const image of ['a', 'b', 'c', 'd']) existsSync(`${root}/images/${image}`);
  for (const name of ['handlers/main.yml', 'handlers/main.yaml', 'vars/main.yml', 'defaults/main.yml', 'meta/main.yml'])
    existsSync(`${root}/roles/web/${name}`);
  statSync(`${root}/group_vars/all.yml`, { throwIfNoEntry: false });
  existsSync(`${root}/layers.lock`);
  lstatSync(`${root}/roles/web/library/module.py`, { throwIfNoEntry: false });
  lstatSync(`${root}/ansible.cfg`, { throwIfNoEntry: false });
  statSync(`${root}/dangling`, { throwIfNoEntry: false });
  existsSync(`${root}/dangling/below`);
  existsSync(`${root}/cache/digests.json`);
}

function rest(): AtRest | string {
  const looks = watchLooks({ hasAskedBeyond: () => false });
  lookAround();
  const seen = looks.end();
  if (typeof seen === 'string') return seen;
  const repeated = looksToRepeat(seen, { without: `${root}/cache`, behind: 0 });
  if (typeof repeated === 'string') return repeated;
  const rest = { key: '', counted: [], environment: '', until: null, count: 1, warnings: [], ...repeated };
  writeAtRest(`${root}/cache/at-rest.json`, { version: 1, ...rest });
  return readAtRest(`${root}/cache/at-rest.json`) ?? 'not read';
}

function mustRest(): AtRest {
  const found = rest();
  if (typeof found === 'string') throw new Error(found);
  return found;
}

const edit = (file: string, text = 'edit') => writeFileSync(`${root}/${file}`, text);

test.each<[string, () => void]>([
  ['content of the same size', () => edit('files/one')],
  [
    'content of the same size, and the time set back',
    () => {
      const { atime, mtime } = statSync(`${root}/files/one`);
      edit('files/one');
      utimesSync(`${root}/files/one`, atime, mtime);
    },
  ],
  [
    'another file with the same content in its place',
    () => {
      edit('files/new', 'text');
      renameSync(`${root}/files/new`, `${root}/files/two`);
    },
  ],
  ['a mode', () => chmodSync(`${root}/files/two`, 0o755)],
  ['a file that went', () => unlinkSync(`${root}/files/two`)],
  ['a folder of inputs that went', () => rmSync(`${root}/files`, { recursive: true })],
  [
    'a link that leads elsewhere, to an equal file',
    () => {
      unlinkSync(`${root}/current`);
      symlinkSync('other', `${root}/current`);
    },
  ],
  [
    'a link of the same length in its place',
    () => {
      unlinkSync(`${root}/link`);
      symlinkSync('files/two', `${root}/link`);
    },
  ],
  ['a new name in a listing', () => edit('roles/web/tasks/other.yml')],
  ['a name less in a listing', () => unlinkSync(`${root}/roles/web/tasks/main.yml`)],
  [
    'a file that was looked for in a folder that was not there',
    () => {
      mkdirSync(`${root}/roles/web/handlers`);
      edit('roles/web/handlers/main.yml');
    },
  ],
  [
    'a new group_vars',
    () => {
      mkdirSync(`${root}/group_vars`);
      edit('group_vars/all.yml');
    },
  ],
  ['a link to nothing where a file was looked for', () => symlinkSync('nothing', `${root}/roles/web/vars`)],
  ['a link to nothing where nothing was', () => symlinkSync('nothing', `${root}/ansible.cfg`)],
  ['a target for a link to nothing', () => mkdirSync(`${root}/target`)],
  ['a lock file that was not there', () => edit('layers.lock')],
  ['an image that went', () => rmSync(`${root}/images/c`, { recursive: true })],
  ['the git index', () => edit('index')],
])('%s ends the rest', async (_what, change) => {
  const was = mustRest();
  expect(isStillAtRest(was)).toBe(true);
  await settle();
  expect(isStillAtRest(was)).toBe(true);
  change();
  expect(isStillAtRest(was)).toBe(false);
});

test('a file that nobody looked at, and what a cache holds, change nothing', () => {
  const was = mustRest();
  edit('README.md');
  edit('files/three');
  edit('cache/digests.json');
  mkdirSync(`${root}/images/a/big-data`);
  expect(isStillAtRest(was)).toBe(true);
});

test('what was changed just now is not remembered, as a further change might not show', () => {
  edit('files/two');
  expect(rest()).toMatch(/files\/two was changed just now/);
});

test('many names in a folder are one look at the folder', () => {
  const { there, absent, targets, selves } = mustRest();
  expect(there).toEqual([]);
  expect(selves.paths).toEqual([`${root}/link`]);
  // Not the folders that are missing: the one that they are missing in.
  expect(absent.toSorted()).toEqual([`${root}/group_vars`, `${root}/layers.lock`, `${root}/ansible.cfg`].sort());
  expect(targets.paths).toEqual(expect.arrayContaining([`${root}/images`, `${root}/roles/web`]));
});

test('names that are links are looked at one by one, as what they lead to may go', () => {
  renameSync(`${root}/images/a`, `${root}/moved`);
  symlinkSync('../moved', `${root}/images/a`);
  const looks = watchLooks({ hasAskedBeyond: () => false });
  for (const image of ['a', 'b', 'c', 'd']) existsSync(`${root}/images/${image}`);
  const seen = looks.end();
  if (typeof seen === 'string') throw new Error(seen);
  const found = looksToRepeat({ ...seen, started: seen.started + 1000 }, { without: `${root}/cache`, behind: 0 });
  expect(found).toMatchObject({ there: expect.arrayContaining([`${root}/images/a`]) });
});

test.each([
  ['nothing', undefined],
  ['half of it', (text: string) => text.slice(0, text.length / 2)],
  ['another version', (text: string) => text.replace('"version":1', '"version":2')],
  ['zeros', (text: string) => '\0'.repeat(text.length)],
])('a file with %s is none', (_what, damage) => {
  mustRest();
  const file = `${root}/cache/at-rest.json`;
  writeFileSync(file, damage?.(readFileSync(file, 'utf8')) ?? '');
  expect(readAtRest(file)).toBeUndefined();
});

test('nobody else may read it, and no half of it stays', () => {
  mustRest();
  expect(statSync(`${root}/cache/at-rest.json`).mode & 0o777).toBe(0o600);
  expect(readdirSync(`${root}/cache`)).toEqual(['at-rest.json']);
});
