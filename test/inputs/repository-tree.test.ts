import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadTree } from '../../tool/src/commands/load-tree.ts';
import { createDigester } from '../../tool/src/inputs/digest-file.ts';
import { digestInputSet } from '../../tool/src/inputs/input-set-digests.ts';
import { layerInputs } from '../../tool/src/inputs/layer-inputs.ts';
import { supersetAsSet } from '../../tool/src/inputs/superset.ts';

const REPOSITORY = path.resolve(import.meta.dirname, '../..');

/** The tree of this repository, in a folder where it can be edited. */
let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'layers-tree-'));
  for (const name of ['layers', 'playbooks', 'inventory', 'layers.yaml']) {
    cpSync(path.join(REPOSITORY, name), path.join(root, name), { recursive: true });
  }
  // `npm run package` makes it.
  mkdirSync(path.join(root, 'dist'));
  writeFileSync(path.join(root, 'dist/layers.deb'), '');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Layer → what it may read, as a fresh run sees it. */
async function inputs(): Promise<Map<string, string>> {
  const { tree, stateDir } = await loadTree({ env: {}, root, cwd: root });
  const places = { root, digester: createDigester({ root, stateDir }), env: {} };
  const all = new Map<string, string>();
  for (const layer of tree.layers) {
    const { files } = await layerInputs(layer, places);
    const superset = await digestInputSet(layer, await supersetAsSet(layer, places), places);
    all.set(layer.id, JSON.stringify([files, superset.files]));
  }
  return all;
}

async function changedBy(edit: () => void): Promise<string[]> {
  const before = await inputs();
  edit();
  const after = await inputs();
  return [...after].filter(([id, files]) => files !== before.get(id)).map(([id]) => id);
}

const at = (file: string) => path.join(root, file);

test.each([
  ['playbooks/roles/chrony/templates/chrony.conf.j2', ['debian/compute']],
  ['playbooks/compute.yaml', ['debian/compute']],
  ['inventory/host_vars/debian-compute.yaml', ['debian/compute']],
  ['layers/debian/files/login.sh', ['debian/login']],
  ['layers/debian/files/netboot.conf', ['debian/base']],
  ['layers/builder/entrypoint', ['builder']],
  ['dist/layers.deb', ['builder']],
])('an edit of %s counts for exactly %j', async (file, layers) => {
  expect(await changedBy(() => appendFileSync(at(file), '# edited\n'))).toEqual(layers);
});

test('a role that no play uses, a README and new times count for nothing', async () => {
  const edit = () => {
    cpSync(at('playbooks/roles/motd'), at('playbooks/roles/unused'), { recursive: true });
    writeFileSync(at('playbooks/roles/motd/README.md'), 'text');
    for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) utimesSync(at(name), 1, 1);
  };
  expect(await changedBy(edit)).toEqual([]);
});

test('a new group_vars/all.yaml beside the playbook counts', async () => {
  const edit = () =>
    cpSync(at('inventory/group_vars/all.yaml'), at('playbooks/group_vars/all.yaml'), { recursive: true });
  expect(await changedBy(edit)).toEqual(['debian/compute']);
});

test('an untracked file keeps its own mode, which counts', async () => {
  expect(await changedBy(() => chmodSync(at('layers/debian/files/login.sh'), 0o700))).toEqual(['debian/login']);
});
