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
