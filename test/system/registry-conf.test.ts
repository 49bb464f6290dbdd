import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadRegistriesConf } from '../../tool/src/system/registry/registries-conf.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'layers-conf-'));
});
afterEach(() => rm(home, { recursive: true }));

async function conf(text: string, dropIns: Record<string, string> = {}) {
  const folder = path.join(home, '.config/containers');
  await mkdir(path.join(folder, 'registries.conf.d'), { recursive: true });
  await writeFile(path.join(folder, 'registries.conf'), text);
  for (const [name, content] of Object.entries(dropIns))
    await writeFile(path.join(folder, 'registries.conf.d', name), content);
  return loadRegistriesConf({ HOME: home });
}

test('mirrors in order, then the location; writing knows neither', async () => {
  const found = await conf(`
    [[registry]]
    prefix = "reg.example/site"
    location = "inner.example/other"
    insecure = true
    [[registry.mirror]]
    location = "one.example/copy"
    [[registry.mirror]]
    location = "two.example"
    pull-from-mirror = "digest-only"
  `);
  const location = { repository: 'inner.example/other/a/b', insecure: true };
  const one = { repository: 'one.example/copy/a/b', insecure: false };
  const two = { repository: 'two.example/a/b', insecure: false };
  expect(found.readsFrom('reg.example/site/a/b', 'tag')).toEqual([one, location]);
  expect(found.readsFrom('reg.example/site/a/b', 'digest')).toEqual([one, two, location]);
  expect(found.writesTo('reg.example/site/a/b')).toEqual({ repository: 'reg.example/site/a/b', insecure: true });
});

test('the longest prefix counts, and ends at a slash', async () => {
  const found = await conf(`
    [[registry]]
    location = "reg.example"
    blocked = true
    [[registry]]
    location = "reg.example/open"
    [[registry]]
    prefix = "*.wild.example"
    insecure = true
    [[registry]]
    prefix = "*.elsewhere.example"
    location = "proxy.example/all"
  `);
  expect(found.readsFrom('a.elsewhere.example/x/y', 'tag')).toEqual([
    { repository: 'proxy.example/all/x/y', insecure: false },
  ]);
  expect(found.blocks('reg.example/a')).toBe(true);
  expect(found.blocks('reg.example/open/a')).toBe(false);
  expect(found.blocks('reg.example/opened')).toBe(true);
  expect(found.blocks('reg.example:5000/a')).toBe(false);
  expect(found.writesTo('a.b.wild.example/x').insecure).toBe(true);
  expect(found.writesTo('wild.example/x').insecure).toBe(false);
  expect(found.readsFrom('a.wild.example/x', 'tag')).toEqual([{ repository: 'a.wild.example/x', insecure: true }]);
});

test('mirror-by-digest-only; a later file replaces a prefix; credential helpers', async () => {
  const found = await conf('[[registry]]\nlocation = "a.example"\nblocked = true\n', {
    '10.conf':
      'credential-helpers = ["containers-auth.json", "pass"]\n[[registry]]\nlocation = "a.example"\nmirror-by-digest-only = true\nmirror = [{ location = "m.example" }]\n',
    '00.conf': '[[registry]]\nlocation = "a.example"\ninsecure = true\n',
    'readme.txt': 'not TOML',
  });
  expect(found.blocks('a.example/x')).toBe(false);
  expect(found.writesTo('a.example/x').insecure).toBe(false);
  expect(found.readsFrom('a.example/x', 'tag')).toHaveLength(1);
  expect(found.readsFrom('a.example/x', 'digest').map(({ repository }) => repository)).toEqual([
    'm.example/x',
    'a.example/x',
  ]);
  expect(found.credentialHelpers).toEqual(['containers-auth.json', 'pass']);
});

test('CONTAINERS_REGISTRIES_CONF takes the place of the file; version 1 is read; what is no TOML is named', async () => {
  const file = path.join(home, 'mine.conf');
  await conf('[[registry]]\nlocation = "reg.example"\nblocked = true\n');
  await writeFile(
    file,
    '[registries.insecure]\nregistries = ["old.example"]\n[registries.block]\nregistries = ["bad.example"]\n',
  );
  const found = await loadRegistriesConf({ HOME: home, CONTAINERS_REGISTRIES_CONF: file });
  expect(found.blocks('reg.example/a')).toBe(false);
  expect(found.writesTo('old.example/a').insecure).toBe(true);
  expect(found.blocks('bad.example/a')).toBe(true);
  await writeFile(file, '[[registry]]\nlocation = nonsense\n');
  await expect(loadRegistriesConf({ HOME: home, REGISTRIES_CONFIG_PATH: file })).rejects.toThrow(file);
});
