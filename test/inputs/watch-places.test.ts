import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createDigester } from '../../tool/src/inputs/digest-file.ts';
import { watchPlaces } from '../../tool/src/inputs/watch-places.ts';
import type { InputSet } from '../../tool/src/recipe/input-set.ts';
import { layer } from '../helpers/layers.ts';

const FILES = [
  'files/motd',
  'files/tree/below/x',
  'conf/a.conf',
  'conf/b.conf',
  'elsewhere/real',
  'playbooks/site.yml',
  'inventory/hosts.yml',
];

let root: string;
beforeAll(() => {
  root = realpathSync(mkdtempSync(path.join(tmpdir(), 'layers-places-')));
  for (const file of FILES) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), '');
  }
  mkdirSync(path.join(root, 'playbooks/roles/r/tasks'), { recursive: true });
  writeFileSync(path.join(root, 'playbooks/site.yml'), '- hosts: all\n  roles: [r]\n');
  writeFileSync(path.join(root, 'playbooks/roles/r/tasks/main.yml'), '- command: "true"\n');
  symlinkSync('../elsewhere/real', path.join(root, 'files/link'));
});
afterAll(() => rmSync(root, { recursive: true }));

/** Places below the root, relative to it and sorted. */
async function placesOf(
  options: Record<string, unknown>,
  top: Record<string, unknown> = {},
  set?: InputSet,
  all = false,
): Promise<Record<'files' | 'listings' | 'trees', string[]>> {
  const digester = createDigester({ root, stateDir: path.join(root, '.layers') });
  const found = await watchPlaces(layer('x', options, top), set, { root, digester, env: { HOME: root } }, { all });
  const relative = (files: ReadonlySet<string>) => [...files].map((file) => path.relative(root, file)).sort();
  return { files: relative(found.files), listings: relative(found.listings), trees: relative(found.trees) };
}

const copying = (src: string, opts: string[] = []) => placesOf({}, { copyfiles: [{ src, dest: '/x', opts }] });

test('a copied file, which may also come to lie beside the layer file', async () => {
  expect(await copying('files/motd')).toEqual({
    files: ['files/motd', 'layers/files/motd', 'layers/x.yaml'],
    listings: [],
    trees: [],
  });
});

test('a folder with all that is below it, a pattern with the folder that may match more, a link with its target', async () => {
  expect((await copying('files/tree')).trees).toEqual(['files/tree']);
  expect(await copying('conf/*.conf')).toMatchObject({
    files: expect.arrayContaining(['conf/a.conf', 'conf/b.conf']),
    listings: ['conf'],
  });
  expect((await copying('files/link')).files).toEqual(expect.arrayContaining(['files/link', 'elsewhere/real']));
  expect((await copying('x', ['--contextdir', 'files'])).trees).toEqual(['files']);
});

test('sources of mounts, there or not, and nothing below them', async () => {
  const { files } = await placesOf({ mounts: ['conf:/opt/conf', 'gone/deep:/opt/gone'] });
  expect(files).toEqual(['conf', 'gone/deep', 'layers/x.yaml']);
});

test('nothing of another image or of a server', async () => {
  for (const one of [await copying('/etc/x', ['--from', 'other']), await copying('https://example.org/x')]) {
    expect(one).toEqual({ files: ['layers/x.yaml'], listings: [], trees: [] });
  }
});

const ANSIBLE = { layer_type: 'ansible', playbooks: 'playbooks/site.yml', inventory: 'inventory' };

test('of an Ansible layer what its last run depended on, absent paths too', async () => {
  const set: InputSet = {
    version: 2,
    read: ['playbooks/site.yml', 'playbooks/roles/r/tasks/main.yml'],
    probed: ['playbooks/group_vars/all.yml'],
    listed: ['inventory'],
  };
  const places = await placesOf(ANSIBLE, {}, set);
  expect(places.files).toEqual(expect.arrayContaining([...set.read, ...set.probed, 'layers/x.yaml']));
  expect(places.listings).toEqual(['inventory']);
});

test('nothing of it that .layersignore names', async () => {
  const set: InputSet = { version: 2, read: ['kept', 'x.draft'], probed: ['y.draft'], listed: ['notes'] };
  writeFileSync(path.join(root, '.layersignore'), '*.draft\nnotes\n');
  onTestFinished(() => rmSync(path.join(root, '.layersignore')));
  const places = await placesOf(ANSIBLE, {}, set);
  expect([places.files.filter((one) => /kept|draft/.test(one)), places.listings]).toEqual([['kept'], []]);
});

test('without a run, or after one that failed, what its playbooks may read, and where more would be', async () => {
  const set: InputSet = { version: 2, read: [], probed: [], listed: [] };
  for (const places of [await placesOf(ANSIBLE), await placesOf(ANSIBLE, {}, set, true)]) {
    expect(places.files).toEqual(expect.arrayContaining(['playbooks/roles/r/tasks/main.yml', 'inventory/hosts.yml']));
    expect(places.listings).toEqual(
      expect.arrayContaining(['playbooks', 'playbooks/roles/r', 'playbooks/roles/r/tasks']),
    );
  }
  expect((await placesOf(ANSIBLE, {}, set)).files).not.toContain('playbooks/roles/r/tasks/main.yml');
});
