import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadTree } from '../../tool/src/commands/load-tree.ts';
import { InvalidInput } from '../../tool/src/config/diagnostic.ts';
import { BASE } from '../config/reading.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'layers-load-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const named = (name: string) => BASE.replace('name: base', `name: ${name}`);

/** Writes files as they would be after a checkout some time ago: what is a moment old is read again (git's racy rule). */
function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

const cacheFile = () => join(root, '.layers/cache/layers.json');

/** What the cache holds, made to tell: the next load shows whether it was believed. */
function mark(): void {
  const cache = JSON.parse(readFileSync(cacheFile(), 'utf8'));
  // As if it had been written long after the files.
  cache.started += 60_000;
  for (const entry of Object.values<{ layer: { options: { name: string } } }>(cache.layers))
    entry.layer.options.name += '-cached';
  writeFileSync(cacheFile(), JSON.stringify(cache));
  const later = Date.now() / 1000 + 60;
  utimesSync(cacheFile(), later, later);
}

const names = async () => (await loadTree({ env: {}, cwd: root })).tree.layers.map(({ options }) => options.name);

async function refused(options: { root?: string; cwd?: string } = {}): Promise<InvalidInput> {
  try {
    await loadTree({ env: {}, cwd: root, ...options });
  } catch (error) {
    if (error instanceof InvalidInput) return error;
    throw error;
  }
  throw new Error('not refused');
}

describe('the tree', () => {
  test('is found from a folder below, and listed recursively in order', async () => {
    write({
      'layers/b/x.yml': named('x'),
      'layers/a.yaml': named('a'),
      'layers/b/notes.txt': '',
      'layers/.hidden.yaml': '-',
    });
    const { tree, stateDir } = await loadTree({ env: {}, cwd: join(root, 'layers/b') });
    expect(tree.root).toBe(root);
    expect(tree.layers.map(({ id }) => id)).toEqual(['a', 'b/x']);
    expect(stateDir).toBe(join(root, '.layers'));
  });

  test('takes root and state as given', async () => {
    write({ 'tree/layers/a.yaml': BASE });
    const { tree, stateDir } = await loadTree({ env: {}, cwd: root, root: 'tree', state: 'state' });
    expect([tree.root, stateDir]).toEqual([join(root, 'tree'), join(root, 'state')]);
    expect(existsSync(join(root, 'state/cache/layers.json'))).toBe(true);
  });

  test('of layers.yaml: other folders', async () => {
    write({ 'layers.yaml': 'folders: {layers: images, state: var/state}\n', 'images/a.yaml': BASE });
    expect((await loadTree({ env: {}, cwd: root })).stateDir).toBe(join(root, 'var/state'));
    expect(existsSync(join(root, 'var/state/cache/layers.json'))).toBe(true);
  });

  test('that is none', async () => {
    expect((await refused()).message).toMatch(/no tree of layers here/);
    expect((await refused({ root: 'nowhere' })).message).toMatch(/^nowhere is no tree/);
  });

  test('is not above a clone that is called layers: neither for whom stands in it, nor beside it', async () => {
    write({ 'layers/.git/HEAD': '', 'layers/flat.yaml': named('flat'), 'layers/node_modules/x/y.yaml': named('y') });
    const { tree } = await loadTree({ env: {}, cwd: join(root, 'layers') });
    expect([tree.root, tree.layers.map(({ id }) => id)]).toEqual([join(root, 'layers'), ['flat']]);
    expect(await refused()).toMatchObject({ hint: expect.stringContaining(`${join(root, 'layers')} is a tree or`) });
    write({ 'beside.yaml': named('beside') });
    const beside = await loadTree({ env: {}, cwd: root });
    expect(beside.tree.layers.map(({ id }) => id)).toEqual(['beside']);
    expect(beside.diagnostics).toMatchObject([
      { code: 'skipped-file', file: './layers', message: expect.stringContaining('of its own') },
    ]);
    // Who says so means it.
    write({ 'layers.yaml': '' });
    expect((await loadTree({ env: {}, cwd: root })).tree.layers.map(({ id }) => id)).toEqual(['flat']);
  });

  test('that is none is looked for here: not in a clone beside a folder above, nor in one that holds no layer files', async () => {
    write({ 'layers/.git/HEAD': '', 'layers/flat.yaml': named('flat'), 'work/notes/x.txt': '' });
    const hint = async (cwd: string) => (await refused({ cwd: join(root, cwd) })).hint;
    expect(await hint('work/notes')).toBe('change into one, or name it with --root DIR');
    write({ 'work/layers/.git/HEAD': '', 'work/layers/package.yaml': 'a: 1\n' });
    expect(await hint('work')).toBe('change into one, or name it with --root DIR');
    write({ 'work/layers.lock': '' });
    expect(await hint('work/notes')).toBe(
      `${join(root, 'work')} was a tree: it holds layers.lock, and layers/ is missing`,
    );
  });

  test('with a submodule as its folder of layers', async () => {
    write({ 'layers/.git': 'gitdir: ../.git/modules/layers\n', 'layers/a.yaml': BASE });
    expect((await loadTree({ env: {}, cwd: root })).tree.root).toBe(root);
  });

  test('that was found above is named beside what is wrong with it', async () => {
    write({ 'layers/b/x.yaml': 'a: 1\n' });
    const why = async (cwd: string, named?: string) => {
      const options = { cwd: join(root, cwd), ...(named !== undefined && { root: named }) };
      return (await refused(options)).hint;
    };
    expect(await why('layers/b')).toBe(
      `the tree is ${root}: the nearest folder upwards that holds layers/; --root DIR names another`,
    );
    expect(await why('.')).toBe(`the tree is ${root}: this folder holds layers/; --root DIR names another`);
    expect(await why('layers/b', '../..')).toBeUndefined();
    write({ 'layers.yaml': '' });
    expect(await why('.')).toBeUndefined();
  });

  test('without its folder of layers', async () => {
    write({ 'layers.yaml': '' });
    expect((await refused()).diagnostics).toMatchObject([{ code: 'unreadable-folder', file: 'layers' }]);
    write({ 'beside.yaml': named('beside') });
    expect((await refused()).diagnostics).toMatchObject([{ hint: expect.stringContaining('`folders: {layers: .}`') }]);
  });

  test('links out of the tree, to folders and to nothing are left out, and said', async () => {
    write({ 'layers/a.yaml': named('a'), 'other/b.yaml': named('b') });
    symlinkSync('../other/b.yaml', join(root, 'layers/b.yaml'));
    symlinkSync('/etc/hostname', join(root, 'layers/c.yaml'));
    symlinkSync('.', join(root, 'layers/loop'));
    symlinkSync('nothing', join(root, 'layers/d.yaml'));
    const { tree, diagnostics } = await loadTree({ env: {}, cwd: root });
    expect(tree.layers.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(diagnostics.map(({ code, file }) => `${code} ${file}`)).toEqual(
      ['c.yaml', 'd.yaml', 'loop'].map((name) => `skipped-file layers/${name}`),
    );
  });

  test('all problems of all files, also between them, at once', async () => {
    write({
      'layers.yaml': 'job: 1\n',
      'layers/a.yaml': 'x',
      'layers/b.yaml': named('b'),
      'layers/c.yaml': named('b'),
    });
    writeFileSync(join(root, 'layers/d.yaml'), Buffer.from([0x6f, 0xff, 0xfe]));
    const { diagnostics, message, root: where } = await refused();
    expect(diagnostics.map(({ code }) => code)).toEqual([
      'unknown-key',
      'not-a-map',
      'unreadable-file',
      'duplicate-reference',
    ]);
    expect(message).toBe('4 problems in 4 files, nothing was done');
    expect(where).toBe(root);
  });

  test('a file without right to read is a problem of that file', async () => {
    write({ 'layers/a.yaml': BASE });
    chmodSync(join(root, 'layers/a.yaml'), 0o000);
    if (process.getuid?.() === 0) return;
    expect((await refused()).diagnostics).toMatchObject([{ code: 'unreadable-file' }]);
  });
});

describe('the cache of parsed layers', () => {
  test('is believed for files that did not change', async () => {
    write({ 'layers/a.yaml': named('a'), 'layers/b.yaml': named('b') });
    await names();
    mark();
    expect(await names()).toEqual(['a-cached', 'b-cached']);
    write({ 'layers/a.yaml': named('other') });
    mark();
    expect(await names()).toEqual(['other', 'b-cached-cached']);
  });

  test('gives frozen layers', async () => {
    write({ 'layers/a.yaml': BASE });
    await names();
    mark();
    const { tree } = await loadTree({ env: {}, cwd: root });
    expect(Object.isFrozen(tree.layers[0]?.options.publish_tags)).toBe(true);
  });

  test('is not believed for what changed while it was written', async () => {
    write({ 'layers/a.yaml': named('a') });
    await names();
    const cache = JSON.parse(readFileSync(cacheFile(), 'utf8'));
    cache.layers['layers/a.yaml'].layer.options.name = 'stale';
    // As if the file had been read in the moment in which it was written.
    cache.started -= 60_000;
    writeFileSync(cacheFile(), JSON.stringify(cache));
    expect(await names()).toEqual(['a']);
  });

  test('ends with other settings, and defaults hold for what is parsed later', async () => {
    write({ 'layers.yaml': 'defaults: {publish_tags: one}\n', 'layers/a.yaml': named('a') });
    await names();
    mark();
    write({ 'layers/b.yaml': named('b') });
    const { tree } = await loadTree({ env: {}, cwd: root });
    expect(tree.layers.map(({ options }) => `${options.name} ${options.publish_tags}`)).toEqual([
      'a-cached one',
      'b one',
    ]);
    mark();
    write({ 'layers.yaml': 'defaults: {publish_tags: two}\n' });
    expect(
      (await loadTree({ env: {}, cwd: root })).tree.layers.map(
        ({ options }) => `${options.name} ${options.publish_tags}`,
      ),
    ).toEqual(['a two', 'b two']);
  });

  test('keeps warnings', async () => {
    write({ 'layers.yaml': 'cache:\n', 'layers/a.yaml': `${BASE}packages:\n` });
    await names();
    mark();
    expect((await loadTree({ env: {}, cwd: root })).diagnostics.map(({ code, file }) => `${code} ${file}`)).toEqual([
      'empty-key layers.yaml',
      'empty-key layers/a.yaml',
    ]);
  });

  test.each(['', '{', '{"key":1}', 'null'])('damaged as %j is as if there were none', async (text) => {
    write({ 'layers/a.yaml': named('a') });
    await names();
    writeFileSync(cacheFile(), text);
    expect(await names()).toEqual(['a']);
  });

  test('forgets files that are gone', async () => {
    write({ 'layers/a.yaml': named('a'), 'layers/b.yaml': named('b') });
    await names();
    rmSync(join(root, 'layers/b.yaml'));
    expect(await names()).toEqual(['a']);
    expect(Object.keys(JSON.parse(readFileSync(cacheFile(), 'utf8')).layers)).toEqual(['layers/a.yaml']);
  });

  test('a state folder that cannot be written is no failure', async () => {
    write({ 'layers/a.yaml': named('a'), '.layers': 'a file' });
    expect(await names()).toEqual(['a']);
  });

  test('spares an unchanged tree YAML and zod', async () => {
    write({ 'layers.yaml': 'jobs: 2\n', 'layers/a.yaml': named('a') });
    await names();
    const loaded = () => {
      const script = `
        import { registerHooks } from 'node:module';
        registerHooks({ resolve: (name, context, next) => {
          if (['yaml', 'zod'].includes(name)) console.log(name);
          return next(name, context);
        } });
        const { loadTree } = await import(${JSON.stringify(join(import.meta.dirname, '../../tool/src/commands/load-tree.ts'))});
        await loadTree({ env: {}, cwd: ${JSON.stringify(root)} });`;
      return spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).stdout;
    };
    expect(loaded()).toMatch(/yaml|zod/);
    mark();
    expect(loaded()).toBe('');
  });
});
