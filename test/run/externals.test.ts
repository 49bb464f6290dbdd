import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { linkLayers } from '../../tool/src/graph/link.ts';
import { externalDigest } from '../../tool/src/run/externals.ts';
import type { Buildah } from '../../tool/src/system/buildah.ts';
import type { CommandOptions } from '../../tool/src/system/command.ts';
import { createExec } from '../../tool/src/system/exec.ts';
import { layer } from '../helpers/layers.ts';

const PARENT = 'r.example:5000/x:1';
const { graph } = linkLayers([layer('a', { name: 'a', parent: PARENT })]);
const buildah = { inspect: async () => undefined } as unknown as Buildah;

/** Asks a skopeo that does not answer; gives what was told, and how long it was to be waited. */
async function ask(signal: AbortSignal, limit: (options: CommandOptions) => CommandOptions) {
  const told: string[] = [];
  const waited: unknown[] = [];
  const run = createExec({ env: { PATH: process.env.PATH }, signal });
  const exec: typeof run = (_, __, options = {}) => {
    waited.push(options.totalMs);
    return run('sleep', ['60'], limit(options));
  };
  const asking = { root: '/', graph, exec, buildah };
  await externalDigest({ reference: PARENT }, asking, ({ message }) => void told.push(message));
  return { told, waited };
}

test('a registry that takes the connection and does not answer is not waited for', async () => {
  const never = new AbortController().signal;
  const { told, waited } = await ask(never, (options) => ({ ...options, totalMs: 50 }));
  expect(waited).toEqual([30_000]);
  expect(told).toEqual([
    'layers/a.yaml: the parent `r.example:5000/x:1` was not found: r.example:5000 took the connection and gave no answer in time; look at host and port, and at the network',
  ]);
});

test('who gives up is not told that an image is missing', async () => {
  const giveUp = new AbortController();
  setTimeout(() => giveUp.abort(), 50);
  await expect(ask(giveUp.signal, (options) => options)).rejects.toMatchObject({ reason: 'cancelled' });
});

test('a layout that lacks the image is certain, one that is damaged or cannot be read is not', async () => {
  const root = mkdtempSync(path.join(tmpdir(), 'layers-externals-'));
  const never = createExec({ env: {}, signal: new AbortController().signal });
  try {
    mkdirSync(path.join(root, 'broken'));
    writeFileSync(path.join(root, 'broken/index.json'), '{"manifests":');
    mkdirSync(path.join(root, 'folder/index.json'), { recursive: true });
    mkdirSync(path.join(root, 'empty'));
    writeFileSync(path.join(root, 'empty/index.json'), '{"manifests":[]}');
    const told: unknown[] = [];
    for (const reference of ['oci:none:1', 'oci:empty:1', 'oci:broken:1', 'oci:folder:1'])
      await externalDigest({ reference }, { root, graph, exec: never, buildah }, (failure) => void told.push(failure));
    const said = (text: string, isCertain: boolean) => ({ message: expect.stringContaining(text), isCertain });
    expect(told).toEqual([
      said('there is no image layout in none; look at its name', true),
      said(`the layout ${root}/empty has no tag 1; look at its name`, true),
      said(`${root}/broken/index.json is damaged; mend that`, false),
      said('EISDIR', false),
    ]);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('a machine without a temporary folder does not say that an image is missing', async () => {
  const { TMPDIR } = process.env;
  process.env.TMPDIR = '/nowhere/at/all';
  try {
    const { told } = await ask(new AbortController().signal, (options) => options);
    expect(told).toEqual([expect.stringMatching(/ENOENT.*mkdtemp/)]);
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  }
});
