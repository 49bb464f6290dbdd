import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CommandContext } from '../../tool/src/commands/command.ts';
import { loadTree } from '../../tool/src/commands/load-tree.ts';
import { neededBuilds } from '../../tool/src/commands/needed-builds.ts';
import { remembering } from '../../tool/src/commands/prepare.ts';
import { pruneShared } from '../../tool/src/commands/prune-shared.ts';
import type { ContentDigest, RecipeKey } from '../../tool/src/recipe/recipe.ts';
import { annotationsOf } from '../../tool/src/records/build-document.ts';
import { keyTagOf } from '../../tool/src/records/key-tag.ts';
import { knownBuild } from '../helpers/facts.ts';
import { error, FakeRegistry } from '../services/fake-registry.ts';

const PLACE = 'site/cache';
const OLD = `layers-${'b'.repeat(32)}`;

let root: string;
let registry: FakeRegistry;
let said: string[];
beforeEach(async () => {
  root = mkdtempSync(path.join(tmpdir(), 'layers-prune-shared-'));
  registry = new FakeRegistry();
  said = [];
  write(
    'layers.yaml',
    `cache: ${await registry.listen()}/${PLACE}\ndefaults: {registry_opts_push: '--tls-verify=false'}\n`,
  );
  layer('base', 'scratch');
  layer('mid', 'base');
  layer('top', 'mid');
});
afterEach(() => {
  registry.close();
  rmSync(root, { recursive: true, force: true });
});

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), text);
}

const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: root, stdio: 'pipe' });

const layer = (name: string, parent: string, rest = '') =>
  write(
    `layers/${name}.yaml`,
    `options: {layer_type: base, name: ${name}, parent: '${parent}', pkg_manager: dnf}\ncmds: [echo ${name}]\n${rest}`,
  );

function context(): CommandContext {
  const never = new AbortController().signal;
  const { stdout, stderr } = process;
  return {
    argv: [],
    cwd: root,
    env: { PATH: process.env.PATH },
    options: {},
    values: { 'dry-run': true },
    positionals: [],
    print: () => {},
    warn: (line) => void said.push(line),
    stdout,
    stderr,
    signal: never,
    forced: never,
  };
}

const load = async () => remembering(await loadTree({ cwd: root, env: context().env }));

/** A build that is old, under its key. */
function put(tag: string, annotations: Record<string, string>): void {
  const config = { mediaType: 'application/json', ...registry.putBlob(PLACE, Buffer.from('{}')) };
  const blob = { mediaType: 'application/x', ...registry.putBlob(PLACE, Buffer.from(tag)) };
  registry.put(PLACE, tag, { schemaVersion: 2, config, layers: [blob], annotations });
}

const buildOf = (key: string) =>
  annotationsOf({ ...knownBuild(key as RecipeKey, ''), content: `sha256:${key}` as ContentDigest });

/** As a machine leaves it that built all three, and something else before. */
async function fill(): Promise<void> {
  put(OLD, buildOf('b'.repeat(64)));
  const known = new Set<string>();
  for (let generation = 0; generation < 3; generation += 1) {
    const { keys } = await neededBuilds(context(), await load(), 'read');
    for (const key of keys.keys()) {
      if (!known.has(key)) put(keyTagOf(key as RecipeKey), buildOf(key));
      known.add(key);
    }
  }
  expect(known.size).toBe(3);
}

/** Tags that would go, of a machine that has built nothing. */
async function going(): Promise<string[]> {
  const [report] = await pruneShared(context(), await load(), { now: Date.now(), olderThan: 0 });
  return report!.choice.remove.map(({ id }) => id);
}

test('a registry that fails for a moment is asked again: what stands on what it did not tell is needed', async () => {
  await fill();
  expect(await going()).toEqual([OLD]);
  let failures = 2;
  registry.fault = (_, url) => (url.includes('/manifests/') && failures-- > 0 ? error(503, 'UNAVAILABLE') : undefined);
  expect(await going()).toEqual([OLD]);
  expect(said).toEqual([1, 2].map((attempt) => expect.stringContaining(`attempt ${attempt} of 7 failed`)));
});

test.each([401, 403])('one that does not tell (%i) is no empty one', async (status) => {
  await fill();
  registry.fault = (_, url) => (url.includes('/manifests/') ? error(status, 'DENIED') : undefined);
  await expect(going()).rejects.toMatchObject({ name: 'InvalidInput', message: expect.stringContaining(`${status}`) });
  expect(registry.count('GET', /tags.list/)).toBe(0);
});

test('a build that is damaged there is no absent one: what stands on it is not known', async () => {
  await fill();
  const base = [...registry.tags.keys()].map((name) => name.slice(PLACE.length + 1)).find((tag) => tag !== OLD)!;
  put(base, {});
  await expect(going()).rejects.toMatchObject({ name: 'InvalidInput', message: expect.stringContaining(base) });
});

test('where a layer cannot be planned nothing goes, and what is missing is said with who lacks it', async () => {
  await fill();
  layer('base', 'oci:nowhere:1');
  layer('side', 'scratch', 'copyfiles: [{src: dist/side.deb, dest: /root}]\n');
  git('init', '--quiet', '--initial-branch=main');
  git('add', '.');
  git('commit', '--quiet', '--message=x');
  git('checkout', '--quiet', '-b', 'broken');
  write('layers/top.yaml', 'options: {layer_type: unknown}\n');
  git('commit', '--quiet', '--all', '--message=x');
  git('checkout', '--quiet', 'main');
  const refusal = await going().catch((error: unknown) => error);
  expect(refusal).toMatchObject({ name: 'InvalidInput', hint: expect.stringContaining('then prune again') });
  expect((refusal as Error).message.split('\n')).toEqual([
    'nothing was taken away: what these need of the shared builds is not known',
    '  layers/side.yaml: dist/side.deb is not there (the tree, branch main): side cannot be planned',
    '  the image oci:nowhere:1 was not found (the tree, branch main): base, mid, top cannot be planned',
    expect.stringMatching(/^ {2}.*layers.top.yaml: .* \(branch broken\)$/),
  ]);
  expect(said).toEqual([expect.stringContaining('there is no image layout in nowhere')]);
});

test('a layout that is damaged is no empty one', async () => {
  write('layers.yaml', 'cache: oci:shared\n');
  write('shared/oci-layout', '{"imageLayoutVersion": "1.0.0"}');
  write('shared/index.json', '{"manifests":');
  await expect(going()).rejects.toMatchObject({
    name: 'InvalidInput',
    message: expect.stringContaining('shared'),
    hint: expect.stringContaining('nothing was taken away'),
  });
});
