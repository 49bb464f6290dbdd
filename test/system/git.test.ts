import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createExec } from '../../tool/src/system/exec.ts';
import { openGit } from '../../tool/src/system/git.ts';
import { findBase } from '../../tool/src/system/git-base.ts';
import { changesSince } from '../../tool/src/system/git-changes.ts';
import { extractCommit } from '../../tool/src/system/git-extract.ts';

let folder: string;
let root: string;

const exec = createExec({ env: { ...process.env, GIT_DIR: '/nowhere', GIT_INDEX_FILE: '/nowhere' } });

function git(cwd: string, ...args: string[]): string {
  const who = ['-c', 'user.name=t', '-c', 'user.email=t@example.org', '-c', 'protocol.file.allow=always'];
  const env = { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1', LANG: 'C' };
  return execFileSync('git', [...who, ...args], { cwd, env, encoding: 'utf8', stdio: 'pipe' }).trim();
}

function write(file: string, text: string, place = root): void {
  mkdirSync(path.dirname(path.join(place, file)), { recursive: true });
  writeFileSync(path.join(place, file), text);
}

function commit(message: string, place = root): string {
  git(place, 'add', '-A');
  git(place, 'commit', '-qm', message);
  return git(place, 'rev-parse', 'HEAD');
}

beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'layers-git-')));
  root = path.join(folder, 'tree');
  mkdirSync(root);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function start(): string {
  git(root, 'init', '-q', '-b', 'main');
  for (const name of ['a', 'b', 'c', 'd/e', 'same']) write(name, `${name}\n`);
  write('.gitignore', '*.o\n/out/\n');
  return commit('first');
}

async function changes(ref?: string, from = root) {
  const opened = await openGit(exec, from);
  const base = await findBase(opened, ref);
  const found = await changesSince(opened, base.commit);
  const sorted = (names: ReadonlySet<string>) => [...names].sort();
  return { ...base, changed: sorted(found.changed), gone: sorted(found.gone), ignored: sorted(found.ignored) };
}

test('all that differs from where the branch began: committed, staged, in the work tree, untracked, renamed, gone', async () => {
  const first = start();
  git(root, 'checkout', '-qb', 'branch');
  write('a', 'committed\n');
  git(root, 'mv', 'c', 'moved');
  commit('on the branch');
  write('b', 'staged\n');
  git(root, 'add', 'b');
  rmSync(path.join(root, 'd/e'));
  write('new/ä\nname', '');
  write('x.o', '');
  write('out/deep/x', '');
  // What main got meanwhile is not ours.
  git(root, 'worktree', 'add', '-q', path.join(folder, 'main'), 'main');
  write('same', 'on main\n', path.join(folder, 'main'));
  commit('on main', path.join(folder, 'main'));
  expect(await changes()).toEqual({
    ref: 'main',
    commit: first,
    changed: ['a', 'b', 'c', 'd/e', 'moved', 'new/ä\nname'],
    gone: ['c', 'd/e'],
    ignored: ['out/', 'x.o'],
  });
  expect((await changes('HEAD')).changed).toEqual(['b', 'd/e', 'new/ä\nname']);
});

test('a tree in a subfolder, a linked work tree, a submodule', async () => {
  start();
  const inner = path.join(folder, 'inner');
  mkdirSync(inner);
  git(inner, 'init', '-q', '-b', 'main');
  write('role', '1', inner);
  commit('inner', inner);
  git(root, 'submodule', '--quiet', 'add', inner, 'vendor');
  commit('with a submodule');
  write('d/e', 'edited');
  write('a', 'edited');
  write('vendor/role', '2');
  expect((await changes('HEAD')).changed).toEqual(['a', 'd/e', 'vendor']);
  expect((await changes('HEAD', path.join(root, 'd'))).changed).toEqual([
    path.join(root, 'a'),
    path.join(root, 'vendor'),
    'e',
  ]);
  expect((await changes('HEAD', path.join(root, 'vendor'))).changed).toEqual(['role']);
});

test.runIf(process.getuid?.() === 0)('a checkout of another user', async () => {
  start();
  execFileSync('chown', ['-R', '12345:12345', root]);
  expect(() => git(root, 'status')).toThrow(/dubious ownership/);
  expect((await changes()).changed).toEqual([]);
});

test('a shallow clone prints the fetch to run, and that fetch mends it', async () => {
  start();
  git(root, 'checkout', '-qb', 'branch');
  write('a', '1');
  commit('one');
  write('a', '2');
  commit('two');
  git(root, 'checkout', '-q', 'main');
  const clone = path.join(folder, 'clone');
  git(folder, 'clone', '-q', '--depth', '1', '--branch', 'branch', `file://${root}`, clone);
  const failure = await changes(undefined, clone).catch((error: Error) => error);
  expect(failure).toMatchObject({ name: 'GitProblem', message: expect.stringContaining('shallow clone') });
  const { hint } = failure as unknown as { hint: string };
  expect(hint).toContain('GIT_DEPTH: 0');
  expect(hint).toContain('fetch-depth: 0');
  const [, command = ''] = /run '([^']+)'/.exec(hint) ?? [];
  expect(command).toBe('git fetch --unshallow origin +refs/heads/main:refs/remotes/origin/main');
  git(clone, ...command.split(' ').slice(1));
  expect(await changes(undefined, clone)).toMatchObject({ ref: 'origin/main', changed: ['a'] });
});

test('what git cannot tell is said', async () => {
  await expect(changes()).rejects.toThrow('lies in no git repository');
  git(root, 'init', '-q', '-b', 'main');
  await expect(changes()).rejects.toThrow('no commit yet');
  write('a', '');
  commit('first');
  await expect(changes('nowhere')).rejects.toMatchObject({
    message: "git knows no 'nowhere' here",
    hint: expect.stringContaining('git fetch origin +refs/heads/nowhere:refs/remotes/origin/nowhere'),
  });
  await expect(changes('--output=x')).rejects.toThrow("git knows no '--output=x' here");
  git(root, 'checkout', '-q', '--orphan', 'other');
  commit('unrelated');
  await expect(changes('main')).rejects.toThrow('main and HEAD have no commit in common');
});

test('a commit is written elsewhere with the modes of git, and the repository stays as it is', async () => {
  write('d/run', '#!/bin/sh\n');
  execFileSync('chmod', ['755', path.join(root, 'd/run')]);
  const first = start();
  write('a', 'later');
  git(root, 'add', 'a');
  const before = git(root, 'status', '--porcelain');
  const target = path.join(folder, 'copy');
  mkdirSync(target);
  const opened = await openGit(exec, path.join(root, 'd'));
  expect(await extractCommit(opened, first, target)).toBe(path.join(target, 'd'));
  expect(readFileSync(path.join(target, 'a'), 'utf8')).toBe('a\n');
  expect(git(root, 'status', '--porcelain')).toBe(before);
  const part = path.join(folder, 'part');
  mkdirSync(part);
  await extractCommit(opened, first, part, ['run']);
  expect([existsSync(path.join(part, 'd/run')), existsSync(path.join(part, 'a'))]).toEqual([true, false]);
});
