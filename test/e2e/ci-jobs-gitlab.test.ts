import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobsOfDocument } from '../helpers/ci-document.ts';
import { type CiTree, createCiTree } from '../helpers/ci-tree.ts';
import { type CiRegistry, startCiRegistry } from '../services/ci-registry.ts';

const { gitlab } = jobsOfDocument();

let folder: string;
let registry: CiRegistry;
let tree: CiTree;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-ci-'));
  registry = await startCiRegistry(path.join(folder, 'registry'));
  tree = await createCiTree(registry);
});
afterAll(async () => {
  await tree?.[Symbol.asyncDispose]();
  await registry?.end();
  await rm(folder, { recursive: true, force: true });
});

/**
 * What GitLab sets for a job: the project's variables, the protected one on the protected branch alone, and the document's, which may name
 * those. `writer`: whose credentials the project has for writing.
 */
function variables(
  name: 'plan' | 'images',
  branch: string,
  writer: 'reader' | 'writer' = 'writer',
): Record<string, string> {
  const project: Record<string, string> = {
    REGISTRY_AUTH_READ: registry.auth.reader,
    ...(branch === 'main' && { REGISTRY_AUTH_WRITE: registry.auth[writer] }),
  };
  const own = Object.entries({ ...gitlab.variables, ...gitlab[name].variables }).map(([key, value]) => {
    return [key, String(value).replace(/\$(\w+)/g, (_, of) => project[of] ?? '')];
  });
  const given = {
    CI: 'true',
    GITLAB_CI: 'true',
    CI_DEFAULT_BRANCH: 'main',
    ...(name === 'plan' && { CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'main' }),
  };
  return { ...given, ...project, ...Object.fromEntries(own) };
}
const job = (name: 'plan' | 'images') => [...gitlab['.layers'].before_script, ...gitlab[name].script];

/** Commits what was written, on a branch of the origin. */
function push(branch: string, message: string): void {
  tree.git('checkout', '-q', '-B', branch);
  tree.git('add', '.');
  tree.git('commit', '-qm', message);
  tree.git('push', '-q', 'origin', branch);
}

test('without a lock the job says what to run; that writes one, to be committed', async () => {
  const runner = await tree.runner('main');
  const refused = await runner.script(job('images'), variables('images', 'main'));
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("'layers lock'")]);
  const env = { REGISTRY_AUTH_FILE: registry.auth.writer };
  const bin = path.join(runner.root, 'node_modules/.bin/layers');
  const locked = await runner.script([`${bin} lock`], env);
  expect([locked.code, locked.stderr]).toEqual([0, '']);
  await tree.write('layers.lock', await readFile(path.join(runner.root, 'layers.lock'), 'utf8'));
  push('main', 'lock');
});

test("the branch's first job builds and publishes everything, its second on a new runner nothing, and says so", async () => {
  const first = await (await tree.runner('main')).script(job('images'), variables('images', 'main'));
  expect([first.code, first.stderr]).toEqual([0, '']);
  expect(first.stdout).toContain('npm run setup');
  const published = await registry.tags();
  expect(Object.keys(published).sort()).toEqual(['external/small', 'images/base', 'images/site', 'images/tools']);
  for (const name of ['base', 'site', 'tools']) expect(published[`images/${name}`]).toHaveProperty('latest');
  registry.writes.writer = 0;
  const runner = await tree.runner('main');
  const second = await runner.script(job('images'), variables('images', 'main'));
  expect([second.code, second.stderr]).toEqual([0, '']);
  expect(second.stdout).toMatch(/^3 reused in /m);
  // Neither built nor pulled: its storage was only looked for.
  expect(existsSync(path.join(runner.storage.folder, 'graph/vfs-images/images.json'))).toBe(false);
  expect([await registry.tags(), registry.writes.writer]).toEqual([published, 0]);
});

test("a merge request's job builds what the change touches, prints why and what would be published, and writes nothing", async () => {
  const before = await registry.tags();
  await tree.write('playbooks/roles/marker/templates/mark.j2', 'edited');
  await tree.write('README.md', 'edited');
  push('edited', 'edit the marker');
  const runner = await tree.runner('edited');
  const { code, stdout, stderr } = await runner.script(job('plan'), variables('plan', 'edited'));
  expect(code).toBe(0);
  expect(stderr).toMatch(
    /^affected since origin\/main \([0-9a-f]{12}\): 1 of 3 layers\n {2}site: playbooks\/roles\/marker\/templates\/mark.j2 changed\n/,
  );
  expect(stdout).toContain('3 layers, no problems\nreuse    base  never built here\nbuild    site  never built here\n');
  expect(stdout).toContain(`publishes, where it is not there yet:\n  ${registry.host}/images/site: latest\nrun `);
  expect(stdout).toMatch(/^1 built, 1 reused in /m);
  expect(stdout).toMatch(/^site against commit [0-9a-f]{12} \(origin\/main\): recipe [0-9a-f]{12} → [0-9a-f]{12}$/m);
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('  playbooks/roles/marker/templates/mark.j2 changed');
  expect([await registry.tags(), registry.writes.reader]).toEqual([before, 0]);
  expect(existsSync(path.join(runner.storage.folder, 'graph/vfs-images/images.json'))).toBe(true);
  expect(existsSync(path.join(runner.storage.folder, 'graph/overlay-images/images.json'))).toBe(false);
});

test('one that touches no image builds nothing', async () => {
  tree.git('checkout', '-q', 'main');
  await tree.write('README.md', 'edited again');
  push('words', 'edit words');
  const ended = await (await tree.runner('words')).script(job('plan'), variables('plan', 'words'));
  expect([ended.code, ended.stdout]).toEqual([
    0,
    expect.stringMatching(/\n0 layers\nnothing to do: no layer was selected/),
  ]);
  expect(ended.stderr).toContain('0 of 3 layers');
});

test('one whose image cannot be built fails, and writes nothing', async () => {
  tree.git('checkout', '-q', 'main');
  const text = await readFile(path.join(tree.root, 'layers/tools.yaml'), 'utf8');
  await tree.write('layers/tools.yaml', `${text}cmds: ['false']\n`);
  push('broken', 'break tools');
  const before = await registry.tags();
  const ended = await (await tree.runner('broken')).script(job('plan'), variables('plan', 'broken'));
  expect([ended.code, ended.stdout]).toEqual([1, expect.stringMatching(/^1 reused, 1 failed in /m)]);
  expect([await registry.tags(), registry.writes.reader]).toEqual([before, 0]);
});

test("the branch's job fails with credentials that only read, and says to log in", async () => {
  tree.git('checkout', '-q', 'main');
  await tree.write('files/tools', 'two\n');
  push('main', 'edit tools');
  const before = await registry.tags();
  const ended = await (await tree.runner('main')).script(job('images'), variables('images', 'main', 'reader'));
  expect([ended.code, ended.stdout]).toEqual([1, expect.stringMatching(/StatusCode: 403[\s\S]*hint Log in/)]);
  expect(await registry.tags()).toEqual(before);
});

test("a request that runs the branch's job, having edited its rules, has nothing to write with", async () => {
  tree.git('checkout', '-q', 'main');
  await tree.write('files/tools', 'three\n');
  push('grab', 'edit tools');
  const before = await registry.tags();
  registry.writes.writer = 0;
  const given = variables('images', 'grab');
  expect(Object.values(given)).not.toContain(registry.auth.writer);
  const ended = await (await tree.runner('grab')).script(job('images'), given);
  expect(ended.code).toBe(1);
  expect([await registry.tags(), registry.writes.writer]).toEqual([before, 0]);
});
