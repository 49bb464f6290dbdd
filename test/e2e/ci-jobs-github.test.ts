import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type GitHubJob, jobsOfDocument } from '../helpers/ci-document.ts';
import { type CiTree, createCiTree, type JobEnded, type User } from '../helpers/ci-tree.ts';
import { type CiRegistry, startCiRegistry } from '../services/ci-registry.ts';

const { env, jobs } = jobsOfDocument().github;
const NAME = `layers-ci-${process.pid}`;

let folder: string;
let registry: CiRegistry;
let tree: CiTree;
let user: User;
/** What buildah and skopeo make for a user, wherever TMPDIR is: only what was not there before is this test's. */
let made: string[];
beforeAll(async () => {
  // A machine's own users get a range of ids for namespaces, as `useradd` gives it.
  execFileSync('useradd', ['--create-home', '--home-dir', `/tmp/${NAME}`, NAME]);
  const id = (what: string) => Number(execFileSync('id', [what, NAME], { encoding: 'utf8' }));
  user = { uid: id('-u'), gid: id('-g') };
  made = ['containers-user', 'podman-run'].map((name) => `/tmp/${name}-${user.uid}`).filter((one) => !existsSync(one));
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-ci-'));
  registry = await startCiRegistry(path.join(folder, 'registry'));
  tree = await createCiTree(registry);
  const runner = await tree.runner('main');
  await runner.script(['node_modules/.bin/layers lock'], { REGISTRY_AUTH_FILE: registry.auth.reader });
  await tree.write('layers.lock', await readFile(path.join(runner.root, 'layers.lock'), 'utf8'));
  push('main', 'lock');
});
afterAll(async () => {
  await tree?.[Symbol.asyncDispose]();
  await registry?.end();
  await rm(folder, { recursive: true, force: true });
  execFileSync('userdel', ['--remove', NAME], { stdio: 'ignore' });
  for (const one of made) await rm(one, { recursive: true, force: true });
});

function push(branch: string, message: string): void {
  tree.git('checkout', '-q', '-B', branch);
  tree.git('add', '.');
  tree.git('commit', '-qm', message);
  tree.git('push', '-q', 'origin', branch);
}

/** The secrets a job gets: the repository's, and those of its environment, which is for main alone. */
async function secretsOf({ environment }: GitHubJob, branch: string): Promise<Record<string, string>> {
  const text = (who: 'reader' | 'writer') => readFile(registry.auth[who], 'utf8');
  const repository = { REGISTRY_AUTH_READ: await text('reader') };
  if (environment === undefined) return repository;
  if (environment !== 'images' || branch !== 'main') throw new Error(`${branch} may not use ${environment}`);
  return { ...repository, REGISTRY_AUTH_WRITE: await text('writer') };
}

const withSecrets = (variables: Readonly<Record<string, string>> = {}, secrets: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(variables).map(([name, value]) => {
      return [name, value.replace(/\$\{\{ secrets\.(\w+) \}\}/g, (_, of: string) => secrets[of] ?? '')];
    }),
  );

/** Runs the job of an event as a hosted runner does: each step in a shell of its own, as a user who is not root but may sudo. */
async function workflow(branch: string, event: 'push' | 'pull_request', isFork = false): Promise<JobEnded> {
  const [job, ...others] = Object.values(jobs).filter((one) => one.if === `github.event_name == '${event}'`);
  if (job === undefined || others.length > 0) throw new Error(`not one job for ${event}`);
  const secrets = isFork ? {} : await secretsOf(job, branch);
  const runner = await tree.runner(branch, user);
  const at = (name: string) => path.join(runner.storage.folder, name);
  await mkdir(at('runner-temp'), { mode: 0o777 });
  await chmod(at('runner-temp'), 0o777);
  for (const name of ['github-path', 'github-env']) {
    await writeFile(at(name), '');
    await chmod(at(name), 0o666);
  }
  await writeFile(at('bin/sudo'), '#!/bin/sh\nwhile [ "$1" = -E ]; do shift; done\nexec "$@"\n');
  await chmod(at('bin/sudo'), 0o755);
  let output = '';
  for (const { run, env: own } of job.steps) {
    if (run === undefined) continue;
    const added = (await readFile(at('github-env'), 'utf8')).split('\n').filter((line) => line.includes('='));
    const folders = (await readFile(at('github-path'), 'utf8')).split('\n').filter(Boolean);
    const ended = await runner.script([`export PATH="${[...folders, '$PATH'].join(':')}"`, run], {
      ...withSecrets({ ...env, ...job.env, ...own }, secrets),
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      ...(event === 'pull_request' && { GITHUB_BASE_REF: 'main' }),
      GITHUB_PATH: at('github-path'),
      GITHUB_ENV: at('github-env'),
      RUNNER_TEMP: at('runner-temp'),
      ...Object.fromEntries(added.map((line) => line.split(/=(.*)/s))),
    });
    output += ended.stdout;
    if (ended.code !== 0) return { ...ended, stdout: output };
  }
  return { code: 0, stdout: output, stderr: '' };
}

test('a push builds and publishes as a plain user; the next one, on a new runner, nothing', async () => {
  const first = await workflow('main', 'push');
  expect([first.code, first.stderr]).toEqual([0, '']);
  expect(first.stdout).toMatch(/^3 built in /m);
  const published = await registry.tags();
  expect(Object.keys(published).sort()).toEqual(['external/small', 'images/base', 'images/site', 'images/tools']);
  registry.writes.writer = 0;
  const second = await workflow('main', 'push');
  expect([second.code, second.stdout]).toEqual([0, expect.stringMatching(/^3 reused in /m)]);
  expect([await registry.tags(), registry.writes.writer]).toEqual([published, 0]);
});

test('a pull request builds what it touches and writes nothing', async () => {
  const before = await registry.tags();
  await tree.write('inventory/group_vars/compute.yaml', 'word: edited\n');
  push('edited', 'edit the word');
  const { code, stdout } = await workflow('edited', 'pull_request');
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^1 built, 1 reused in /m)]);
  expect(stdout).toContain(`publishes, where it is not there yet:\n  ${registry.host}/images/site: latest\n`);
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('  inventory/group_vars/compute.yaml changed');
  expect([await registry.tags(), registry.writes.reader]).toEqual([before, 0]);
});

test('a pull request from a fork gets no secret: it reads what is public, which is nothing here, and writes nothing', async () => {
  const before = await registry.tags();
  registry.writes.writer = 0;
  const { code } = await workflow('edited', 'pull_request', true);
  expect(code).not.toBe(0);
  expect([await registry.tags(), registry.writes.writer, registry.writes.reader]).toEqual([before, 0, 0]);
});
