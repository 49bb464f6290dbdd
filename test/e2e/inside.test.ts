import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openFailedBuilds } from '../../tool/src/records/failed-builds.ts';
import { addSmallImage, createTree, outcomes, type TestTree } from '../helpers/tree.ts';

const layerFile = (name: string, ...cmds: string[]) => `
options: {layer_type: base, name: ${name}, parent: 'oci:small:1', pkg_manager: apt, publish_registry: 'oci:images'}
cmds: ${JSON.stringify(cmds)}
`;

let tree: TestTree;
beforeAll(async () => {
  tree = await createTree();
  await addSmallImage(tree);
});
afterAll(() => tree[Symbol.asyncDispose]());

async function containers(): Promise<string[]> {
  const { stdout } = await tree.storage.exec('buildah', ['containers', '--json'], { quiet: true });
  const listed = (JSON.parse(stdout || 'null') ?? []) as { containername: string }[];
  return listed.map((one) => one.containername);
}

const failed = () => openFailedBuilds(path.join(tree.root, '.layers')).all();

test('the container of a layer that failed stays, one of a layer, until the layer is built well', async () => {
  await tree.write('layers/top.yaml', layerFile('top', 'echo one > /etc/one', 'echo broken > /etc/state; exit 3'));
  const plain = await tree.layers(['build']);
  expect(plain.code).toBe(1);
  expect(plain.stdout).not.toContain('layers shell');
  expect(await containers()).toEqual([]);

  const first = await tree.layers(['build', '--keep-failed']);
  expect(first.code).toBe(1);
  expect(first.stdout).toContain("layers shell top --at failed, as the step 'cmds 2/2' left it");
  const [kept] = failed();
  expect(kept).toMatchObject({ id: 'top', step: 'cmds 2/2', message: expect.stringContaining('exit code 3') });
  expect(await containers()).toEqual([kept!.container]);

  // A run that is killed leaves it alone, and takes nothing of it along when it is swept.
  await tree.write('layers/top.yaml', layerFile('top', 'while true; do sleep 1; done'));
  const killed = tree.start(['build', '--output', 'json', '--keep-failed']);
  await killed.seen(/"step":"cmds"/);
  killed.child.kill('SIGKILL');
  await killed.ended;
  await tree.write('layers/top.yaml', layerFile('top', 'exit 4'));
  const second = await tree.layers(['build', '--output', 'json', '--keep-failed']);
  expect(second.stdout).toContain('was killed; what it left was swept');
  expect(failed()).toMatchObject([{ id: 'top', step: 'cmds', message: expect.stringContaining('exit code 4') }]);
  expect(failed()[0]!.container).not.toBe(kept!.container);
  expect(await containers()).toEqual([failed()[0]!.container]);

  await tree.write('layers/top.yaml', layerFile('top', 'echo fine > /etc/state'));
  expect(outcomes(await tree.layers(['build', '--output', 'json']))).toEqual({ top: 'built' });
  expect(failed()).toEqual([]);
  expect(await containers()).toEqual([]);
  expect(await readdir(path.join(tree.storage.folder, 'tmp'))).toEqual([]);
});
