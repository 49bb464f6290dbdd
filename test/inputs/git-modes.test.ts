import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createDigester } from '../../tool/src/inputs/digest-file.ts';
import { readGitIndex } from '../../tool/src/inputs/git-index.ts';
import { createInputTree, git, settle } from './input-tree.ts';

const files = { 'files/plain': 'a', 'files/tool': 'b', 'files/sub/deep': 'c' };

function createRepository(...init: string[]) {
  const tree = createInputTree(files);
  for (const [file] of Object.entries(files))
    chmodSync(path.join(tree.root, file), file.endsWith('tool') ? 0o755 : 0o644);
  tree.git('init', '-q', ...init);
  tree.git('add', 'files');
  tree.git('commit', '-qm', 'x');
  return tree;
}

/** Digests by name, in a folder that nothing is remembered of. */
function digestsOf(root: string, names: readonly string[] = Object.keys(files)): Record<string, string> {
  const digester = createDigester({ root, stateDir: path.join(root, '.state') });
  return Object.fromEntries(names.map((name) => [name, digester.look(path.join(root, name)).digest]));
}

test.each(['0000', '0002', '0077'])('a checkout under umask %s has the same digests', async (umask) => {
  using tree = createRepository();
  const before = await tree.copying('files');
  const clone = path.join(tree.root, 'clone');
  execFileSync('sh', ['-c', `umask ${umask} && git clone -q . clone`], { cwd: tree.root, stdio: 'ignore' });
  const names = ['files/plain', 'files/tool', 'files/sub', 'files/sub/deep'];
  expect(digestsOf(clone, names)).toEqual(digestsOf(tree.root, names));
  expect(before.files['files/tool']).toBe(digestsOf(clone)['files/tool']);
});

test('a copy with everything that is writable by the world and owned by another user is the same', async () => {
  using tree = createRepository();
  await settle();
  const before = await tree.copying('files');
  const copy = mkdtempSync(path.join(tmpdir(), 'layers-copy-'));
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
  cpSync(tree.root, copy, { recursive: true });
  execFileSync('chmod', ['-R', '0777', copy]);
  if (process.getuid?.() === 0) execFileSync('chown', ['-R', '1234:1234', copy]);
  expect(digestsOf(copy)).toEqual(Object.fromEntries(Object.keys(files).map((name) => [name, before.files[name]])));
});

test("an untracked file keeps its own mode, and git's index is read again when it changes", async () => {
  using tree = createRepository();
  chmodSync(tree.write('files/new', 'n'), 0o640);
  await settle();
  const before = await tree.copying('files');
  chmodSync(path.join(tree.root, 'files/new'), 0o644);
  const other = await tree.copying('files');
  expect(other.files['files/new']).not.toBe(before.files['files/new']);
  chmodSync(path.join(tree.root, 'files/new'), 0o640);
  tree.git('add', 'files/new');
  expect((await tree.copying('files')).files['files/new']).toBe(other.files['files/new']);
  tree.git('update-index', '--chmod=+x', 'files/new');
  const executable = await tree.copying('files');
  expect(executable.files['files/new']).not.toBe(other.files['files/new']);
  expect(executable.files['files/plain']).toBe(before.files['files/plain']);
});

test('a tracked file that is more private on disk is a warning, unless the layer file sets a mode', async () => {
  using tree = createRepository();
  expect((await tree.copying('files')).warnings).toEqual([]);
  chmodSync(path.join(tree.root, 'files/plain'), 0o600);
  expect((await tree.copying('files')).warnings).toEqual([expect.stringContaining('files/plain: private on disk')]);
  expect((await tree.copying('files', ['--chmod', '0600'])).warnings).toEqual([]);
});

test.each([['-v4'], ['-v2'], ['sha256'], ['skip']])('the index is read as git prints it (%s)', (kind) => {
  using tree = createRepository(...(kind === 'sha256' ? ['--object-format=sha256'] : []));
  for (let at = 0; at < 300; at += 1) tree.write(`many/folder-${at % 7}/file-${at}-ä`, `${at}`);
  tree.write(`many/${'long-'.repeat(40)}/${'name-'.repeat(40)}`, 'x');
  tree.git('add', 'many');
  if (kind === '-v4') tree.git('update-index', '--index-version', '4');
  if (kind === 'skip') tree.git('update-index', '--skip-worktree', 'files/plain');
  const printed = tree.git('ls-files', '-s', '-z').split('\0').filter(Boolean);
  const expected = printed.map((line) => [line.slice(line.indexOf('\t') + 1), Number.parseInt(line.slice(0, 6), 8)]);
  const bytes = execFileSync('cat', [path.join(tree.root, '.git/index')]);
  expect([...(readGitIndex(bytes, kind === 'sha256' ? 32 : 20) ?? [])]).toEqual(expected);
  expect(digestsOf(tree.root)['files/tool']).toBeDefined();
});

test('an index that is damaged or split is not believed', () => {
  using tree = createRepository();
  const bytes = execFileSync('cat', [path.join(tree.root, '.git/index')]);
  for (let length = 0; length < bytes.length - 200; length += 1) readGitIndex(bytes.subarray(0, length), 20);
  expect(readGitIndex(Buffer.from('DIRC\0\0\0\x09\0\0\0\0', 'latin1'), 20)).toBeUndefined();
  tree.git('update-index', '--split-index');
  expect(readGitIndex(execFileSync('cat', [path.join(tree.root, '.git/index')]), 20)).toBeUndefined();
});

test('linked work trees, submodules and roots below the top of a repository are known', () => {
  using tree = createRepository();
  tree.git('worktree', 'add', '-q', 'linked');
  git(tree.root, 'clone', '-q', '.', 'module');
  tree.git('submodule', '--quiet', 'add', './module', 'vendor/module');
  execFileSync('chmod', ['-R', 'a+rwx', path.join(tree.root, 'linked'), path.join(tree.root, 'vendor')]);
  const expected = digestsOf(tree.root);
  expect(digestsOf(path.join(tree.root, 'linked'))).toEqual(expected);
  const digester = createDigester({ root: tree.root, stateDir: path.join(tree.root, '.state') });
  expect(digester.look(path.join(tree.root, 'vendor/module/files/plain')).digest).toBe(expected['files/plain']);
  chmodSync(path.join(tree.root, 'files/plain'), 0o666);
  const below = createDigester({ root: path.join(tree.root, 'files'), stateDir: path.join(tree.root, '.state') });
  expect(below.look(path.join(tree.root, 'files/plain')).digest).toBe(expected['files/plain']);
});

test('no repository, or one without an index, leaves the modes of the disk', () => {
  using tree = createInputTree(files);
  const plain = path.join(tree.root, 'files/plain');
  const digester = () => createDigester({ root: tree.root, stateDir: path.join(tree.root, '.state') });
  chmodSync(plain, 0o640);
  expect(digester().look(plain).mode).toBe(0o640);
  mkdirSync(path.join(tree.root, '.git'));
  expect(digester().look(plain).mode).toBe(statSync(plain).mode & 0o7777);
});
