import { afterAll, beforeAll, expect, test } from 'vitest';
import { addSmallImage, createTree, type TestTree } from '../helpers/tree.ts';

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

test('a checkpoint is entered of the last build alone, and of one that failed since', async () => {
  const st = (more: string, ...cmds: string[]) => `${layerFile('st', ...cmds)}${more}`;
  const files = 'copyfiles: [{src: one, dest: /one}]\n';
  const at = (part: string) => tree.layers(['run', 'st', '--at', part, '--', '/bin/busybox', 'ls', '/one']);
  await tree.write('one', '1\n');
  await tree.write('layers/st.yaml', st(files, 'exit 3'));
  expect((await tree.layers(['build', 'st'])).code).toBe(1);
  expect(await at('files')).toMatchObject({ code: 0, stdout: '/one\n', stderr: '' });
  await tree.write('layers/st.yaml', st(files, 'true'));
  expect((await tree.layers(['build', 'st'])).code).toBe(0);
  expect(await at('files')).toMatchObject({ code: 0, stdout: '/one\n' });

  await tree.write('layers/st.yaml', st('', 'echo two > /two'));
  expect((await tree.layers(['build', 'st'])).code).toBe(0);
  expect(await at('files')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/of its last build; the one of .* is of another build\n.*st\.yaml has no files/),
  });
  expect(await at('packages')).toMatchObject({ code: 2, stderr: expect.not.stringContaining('--force') });

  await tree.write('one', '2\n');
  await tree.write('layers/st.yaml', st(files, 'exit 4'));
  expect((await tree.layers(['build', 'st'])).code).toBe(1);
  const failedLater = ['run', 'st', '--at', 'files', '--', '/bin/busybox', 'cat', '/one'];
  expect(await tree.layers(failedLater)).toMatchObject({ code: 0, stdout: '2\n' });
});

test('what was never built well can be entered where it failed, and that is said', async () => {
  await tree.write('layers/never.yaml', layerFile('never', 'exit 3'));
  expect((await tree.layers(['build', 'never', '--keep-failed'])).code).toBe(1);
  expect(await tree.layers(['run', 'never', '--', '/bin/busybox', 'true'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(
      /never was never built here.*\n.*'layers build never' builds it; '--at failed' enters the/,
    ),
  });
});

test('a typo in one file bars nobody from what was built of another, and is told', async () => {
  await tree.write('layers/bb.yaml', layerFile('bb', 'echo hello > /hello'));
  expect((await tree.layers(['build', 'bb'])).code).toBe(0);
  await tree.write('layers/sub/wrong.yaml', layerFile('wrong', 'true').replace('parent:', 'parnet:'));
  const cat = (layer: string) => tree.layers(['run', layer, '--', '/bin/busybox', 'cat', '/hello']);
  expect(await cat('bb')).toMatchObject({
    code: 0,
    stdout: 'hello\n',
    stderr: 'the tree has problems in layers/sub/wrong.yaml, and nothing of it can be built until they are mended\n',
  });
  const barred = {
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/parnet[\s\S]*1 problem in 1 file, nothing was done/),
  };
  // Wrong itself, perhaps meant, not a layer by itself, and not to be had without a plan.
  await tree.write('layers/other/wrong.yaml', layerFile('right', 'true'));
  await tree.write('layers/new.yaml', layerFile('new', 'true'));
  for (const layer of ['sub/wrong', 'wrong', 'b*', 'new']) expect(await cat(layer)).toMatchObject(barred);
  expect(await tree.layers(['build', 'bb'])).toMatchObject({ code: 2 });
});

test("another checkout's checkpoint is entered by none but whose last build was of the same", async () => {
  const st = `${layerFile('st', 'true').replace('oci:small', `oci:${tree.root}/small`)}copyfiles: [{src: one, dest: /one}]\n`;
  const checkout = async (name: string, one: string) => {
    await tree.write(`${name}/one`, one);
    await tree.write(`${name}/layers/st.yaml`, st);
    const at = (args: string[]) => tree.layers(['--root', name, ...args]);
    return {
      build: async () => expect((await at(['build'])).code).toBe(0),
      shown: () => at(['run', 'st', '--at', 'files', '--', '/bin/busybox', 'cat', '/one']),
    };
  };
  const [a, b, same] = [await checkout('a', 'A\n'), await checkout('b', 'B\n'), await checkout('c', 'B\n')];
  await a.build();
  expect(await b.shown()).toMatchObject({ code: 2, stderr: expect.stringContaining("'layers build st --force'") });
  await b.build();
  expect(await a.shown()).toMatchObject({ code: 0, stdout: 'A\n' });
  expect(await b.shown()).toMatchObject({ code: 0, stdout: 'B\n' });
  await same.build();
  expect(await same.shown()).toMatchObject({ code: 0, stdout: 'B\n' });
});
