import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Terminal } from '../helpers/terminal.ts';
import { addSmallImage, createTree, type TestTree } from '../helpers/tree.ts';

const BIN = path.resolve(import.meta.dirname, '../../node_modules/.bin/layers');

const layerFile = (options: string, cmd: string) => `
options: {layer_type: base, name: one, parent: 'oci:small:1', pkg_manager: apt, publish_registry: 'oci:images'${options}}
cmds: ['${cmd}']
`;

let tree: TestTree;
beforeAll(async () => {
  tree = await createTree({ 'layers/one.yaml': layerFile(", mounts: ['gone:/opt/gone']", 'true') });
  await addSmallImage(tree);
});
afterAll(() => tree[Symbol.asyncDispose]());

async function watching(work: (terminal: Terminal) => Promise<void>): Promise<void> {
  const env = { ...tree.storage.env, LAYERS_SOURCES: '1', CI: undefined, NO_COLOR: '1' };
  const terminal = new Terminal({ cwd: tree.root, env });
  try {
    await terminal.open(100, 30, `${BIN} watch`);
    await work(terminal);
    await terminal.keys('q');
    await terminal.until('ended with 0');
  } finally {
    await terminal.close();
  }
}

test('what a run refuses leaves one line of status, and whatever brings a layer in line is told', () =>
  watching(async (terminal) => {
    await terminal.until('watching 1 layer · a file is wrong');
    expect(await terminal.history()).toContain('mounts whose sources are not there');
    expect((await terminal.history()).match(/watching 1 layer ·/g)).toHaveLength(1);
    expect(await terminal.history()).not.toContain('building');

    await tree.write('layers/one.yaml', layerFile('', 'true'));
    await terminal.until('watching 1 layer · all in line');
    for (let round = 0; round < 2; round += 1) {
      await tree.write('layers/one.yaml', layerFile('', 'exit 3'));
      await terminal.until('watching 1 layer · 1 failed');
      const { length } = await terminal.history();
      await tree.write('layers/one.yaml', layerFile('', 'true'));
      await terminal.said('layers/one.yaml changed', length - 200);
      await terminal.until('watching 1 layer · all in line');
    }
    expect((await terminal.history()).match(/layers\/one.yaml changed(?: → one)?: nothing to do/g)).toHaveLength(2);

    await tree.write('layers/one.yaml', layerFile('', 'echo more'));
    await terminal.said(/1 built in[\s\S]*1 built in/);
    await terminal.until('watching 1 layer · all in line');
    await tree.write('.layersignore', 'files/\n');
    await terminal.said('.layersignore changed: nothing to do');
    await rm(path.join(tree.root, '.layersignore'));
    await terminal.said(/\.layersignore changed: nothing to do[\s\S]*\.layersignore changed: nothing to do/);
  }));

test('layers that are left to other machines are not among those that are watched, and that is said', async () => {
  await tree.write('layers/one.yaml', layerFile(', architectures: [s390x]', 'true'));
  await watching(async (terminal) => {
    await terminal.until('watching 0 layers · nothing to build here');
    expect(await terminal.history()).toContain('left to other machines: s390x (one)');
  });
});
