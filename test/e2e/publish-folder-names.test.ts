import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addSmallImage, createTree, outcomes, type TestTree } from '../helpers/tree.ts';

const KERNEL = `
- busybox mkdir -p /boot /lib/modules/6.1.0
- echo kernel > /boot/vmlinuz-6.1.0
- echo initramfs > /boot/initrd.img-6.1.0
`.trimStart();

let here: TestTree;
let there: TestTree;
beforeAll(async () => {
  [here, there] = await Promise.all([createTree(), createTree()]);
  await addSmallImage(here);
});
afterAll(async () => {
  await here?.[Symbol.asyncDispose]();
  await there?.[Symbol.asyncDispose]();
});

test('folders of layouts and of boot files may have spaces and umlauts in their names, as parents and on other machines too', async () => {
  const out = `oci:${here.root}/out ü`;
  const layerFile = (name: string, parent: string, more = '') => `
options: {layer_type: base, name: ${name}, parent: '${parent}', pkg_manager: apt, publish_registry: '${out}'${more}}
cmds:
- 'echo ${name} > /etc/${name}'
`;
  const base = layerFile('base', `oci:${here.root}/small:1`, ", publish_s3: 'file:boot ü'");
  await here.write('layers/base.yaml', base + KERNEL);
  await here.write('layers/top.yaml', layerFile('top', `${out}/base:latest`));
  const built = await here.layers(['build', '--output', 'json']);
  expect([built.code, outcomes(built)]).toEqual([0, { base: 'built', top: 'built' }]);
  expect(await readdir(path.join(here.root, 'out ü'))).toEqual(expect.arrayContaining(['base', 'top']));
  expect(await readdir(path.join(here.root, 'boot ü/boot-images'))).not.toEqual([]);
  expect((await here.layers(['build', '--verify'])).stdout).toContain('up to date, destinations verified');

  await there.write('layers/base.yaml', base + KERNEL);
  await there.write('layers/outside.yaml', layerFile('outside', `${out}/top:latest`));
  const taken = await there.layers(['build', '--output', 'json']);
  expect([taken.code, outcomes(taken)]).toEqual([0, { base: 'reused', outside: 'built' }]);
  for (const [layer, file] of [
    ['base', 'base'],
    ['outside', 'top'],
  ] as const) {
    const shown = await there.layers(['run', layer, '--', '/bin/busybox', 'cat', `/etc/${file}`]);
    expect(shown).toMatchObject({ code: 0, stdout: `${file}\n` });
  }
});
