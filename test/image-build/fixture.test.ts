import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadTree } from '../../tool/src/commands/load-tree.ts';
import type { Diagnostic } from '../../tool/src/config/diagnostic.ts';
import type { LayerId } from '../../tool/src/config/layer.ts';
import { parseLayer } from '../../tool/src/config/parse-layer.ts';
import { drawTree } from '../../tool/src/graph/draw.ts';

const FIXTURE = path.resolve(import.meta.dirname, '../fixtures/image-build');
const names = readdirSync(FIXTURE).filter((name) => /\.ya?ml$/.test(name));

let flat: string;
let state: string;
/** A copy outside of this repository, which is a tree of its own. */
beforeAll(() => {
  [flat, state] = ['flat', 'state'].map((name) => mkdtempSync(path.join(os.tmpdir(), `layers-${name}-`))) as [
    string,
    string,
  ];
  cpSync(FIXTURE, flat, { recursive: true });
});
afterAll(() => {
  for (const folder of [flat, state]) rmSync(folder, { recursive: true });
});

test('there are as many shapes as the contract asks for', () => {
  expect(names.length).toBeGreaterThanOrEqual(20);
});

test('the untouched folder is a tree, and its graph is the right one', async () => {
  const { graph, diagnostics } = await loadTree({ env: {}, cwd: flat, state });
  expect(graph.layers.size).toBe(names.length);
  expect(diagnostics.map(({ code, file }) => `${file} ${code}`).sort()).toEqual([
    'leap-base.yaml unsigned-repository',
    'rocky8-base.yaml unsigned-repository',
    'rocky9-debug.yaml near-miss',
  ]);
  expect(`\n${drawTree(graph)}`).toMatchInlineSnapshot(`
    "
    scratch
    ├── alma9-base (alma/base)
    │   └── alma9-epel (alma/epel)
    ├── debian12-base (debian)
    │   ├── debian12-compute (debian-compute)
    │   └── debian12-short (debian-short)
    ├── leap-base (leap)
    │   └── leap-compute
    ├── rocky8-base (rocky-base)
    │   └── rocky8-ansible (rocky-ansible)
    └── rocky9-base (rocky)
        ├── rocky9-compute (rocky-compute)
        │   ├── exclusive (frozen)
        │   ├── rocky9-gpu (rocky-gpu)
        │   ├── rocky9-login (rocky-login)
        │   └── rocky9-slurm (slurm-compute)
        ├── rocky9-node (rocky-node)
        ├── rocky9-scap (rocky-hardened)
        └── with-anchors (anchors)
    registry-alias.site.example:5000/hpc/rocky:9.5
    └── rocky9-debug (rocky-debug)
    vendor.example/ubi9/ubi@sha256:3f5b3b1c0c2a6b7d4e8f9a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d
    └── ubi9-container (tools)"
  `);
  expect(readdirSync(flat)).toEqual(readdirSync(FIXTURE));
});

describe('the registry with two names', () => {
  const debug = 'rocky9-debug' as LayerId;
  const own = ['images.site.example:5000', 'registry-alias.site.example:5000'];
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'layers-names-'));
    cpSync(FIXTURE, path.join(folder, 'tree'), { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const load = (env: Record<string, string> = {}) =>
    loadTree({ cwd: path.join(folder, 'tree'), state: path.join(folder, 'state'), env: { HOME: folder, ...env } });
  const aboutIt = (diagnostics: readonly Diagnostic[]) =>
    diagnostics.flatMap(({ file, code, hint }) => (file === 'rocky9-debug.yaml' ? [{ code, hint }] : []));

  test('is one where layers.yaml says so, as the warning tells', async () => {
    const before = await load();
    const [warning] = aboutIt(before.diagnostics);
    const line = `registry_names: [[${own.join(', ')}]]`;
    expect(warning).toEqual({ code: 'near-miss', hint: expect.stringContaining(`\`${line}\``) });
    expect(before.graph.parents.get(debug)).toMatchObject({ kind: 'external' });
    writeFileSync(path.join(folder, 'tree/layers.yaml'), `folders: {layers: .}\n${line}\n`);
    const { graph, diagnostics } = await load();
    expect(aboutIt(diagnostics)).toEqual([]);
    expect(graph.parents.get(debug)).toMatchObject({ kind: 'layer', id: 'rocky9-base' });
    // What is pulled, labelled and locked keeps the name of the layer file.
    expect(graph.layers.get(debug)?.options.parent).toBe(`${own[1]}/hpc/rocky:9.5`);
  });

  test('is one where registries.conf of the machine says so, with a word that others may not know', async () => {
    const conf = path.join(folder, 'registries.conf');
    writeFileSync(conf, `[[registry]]\nprefix = "${own[1]}"\nlocation = "${own[0]}"\n`);
    const { graph, diagnostics } = await load({ CONTAINERS_REGISTRIES_CONF: conf });
    expect(graph.parents.get(debug)).toMatchObject({ kind: 'layer', id: 'rocky9-base' });
    expect(aboutIt(diagnostics)).toEqual([
      { code: 'registry-of-machine', hint: expect.stringContaining(`registry_names: [[${own.join(', ')}]]`) },
    ]);
  });

  test('makes a registries.conf that cannot be read an error, and only then is it read', async () => {
    const conf = path.join(folder, 'registries.conf');
    writeFileSync(conf, '[[registry\n');
    const env = { CONTAINERS_REGISTRIES_CONF: conf };
    await expect(load(env)).rejects.toMatchObject({ name: 'InvalidInput', message: expect.stringContaining(conf) });
    rmSync(path.join(folder, 'tree/rocky9-debug.yaml'));
    expect((await load(env)).graph.layers.size).toBe(names.length - 1);
  });
});

test.each(names)('image-build reads %s with no more to say than layers', (name) => {
  const text = readFileSync(path.join(FIXTURE, name), 'utf8');
  const place = { file: name, id: name };
  const strict = parseLayer(text, place);
  const lenient = parseLayer(text, { ...place, lenient: {} });
  expect(strict.layer).toBeDefined();
  expect(lenient).toEqual(strict);
});

test('plan takes the untouched folder, and writes nothing into it', () => {
  const bin = path.resolve(import.meta.dirname, '../../node_modules/.bin/layers');
  const layers = (...args: string[]) => {
    const env = { ...process.env, LAYERS_SOURCES: '1', NO_COLOR: '1' };
    return spawnSync(bin, [...args, '--state', state], { cwd: flat, env, encoding: 'utf8' });
  };
  const planned = layers('plan', '--cache', 'off', '--json');
  expect(planned.status).toBe(0);
  const { layers: decided } = JSON.parse(planned.stdout) as {
    layers: { id: string; action: string; parents: string[] }[];
  };
  expect(decided.length).toBe(names.length);
  expect(new Set(decided.map(({ action }) => action))).toEqual(new Set(['build']));
  expect(decided.find(({ id }) => id === 'debian12-short')?.parents).toEqual(['debian12-base']);
  expect(readdirSync(flat)).toEqual(readdirSync(FIXTURE));
});
