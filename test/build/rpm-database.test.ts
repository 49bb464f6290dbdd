import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dnfHistory } from '../../tool/src/build/dnf-history.ts';
import { rpmDatabase } from '../../tool/src/build/rpm-database.ts';
import type { Exec } from '../../tool/src/system/command.ts';

let folder: string;
let root: string;
let temporary: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-rpm-'));
  [root, temporary] = ['root', 'temporary'].map((name) => path.join(folder, name)) as [string, string];
  for (const one of [root, temporary]) await mkdir(one);
});
afterEach(() => rm(folder, { recursive: true }));

/** Stands for rpm: one package, and notes what was in the copy that it was given. */
function fakeRpm(seen: string[][] = []): Exec {
  return async (_file, args) => {
    seen.push((await readdir(args[1] ?? '')).sort());
    return { argv: [], exitCode: 0, signal: null, durationMs: 0, stdout: 'bash 0:5-1 x86_64 ff\n', tail: [] };
  };
}

async function put(file: string): Promise<void> {
  await mkdir(path.dirname(path.join(root, file)), { recursive: true });
  await writeFile(path.join(root, file), '');
}

test('where one place is a link to the other, the real folder is read and covered', async () => {
  await put('usr/lib/sysimage/rpm/rpmdb.sqlite');
  await mkdir(path.join(root, 'var/lib'), { recursive: true });
  await symlink('../../usr/lib/sysimage/rpm', path.join(root, 'var/lib/rpm'));
  const { canonical, covers } = await rpmDatabase({ root, temporary, exec: fakeRpm() });
  expect(canonical).toHaveLength(1);
  expect(covers('usr/lib/sysimage/rpm/rpmdb.sqlite')).toBe(true);
  expect(covers('var/lib/rpm')).toBe(false);
});

test('links lead rpm neither to the database of the host nor to files of it', async () => {
  const host = path.join(folder, 'host');
  await mkdir(host);
  await writeFile(path.join(host, 'rpmdb.sqlite'), '');
  await mkdir(path.join(root, 'var/lib'), { recursive: true });
  await symlink(host, path.join(root, 'var/lib/rpm'));
  const seen: string[][] = [];
  expect((await rpmDatabase({ root, temporary, exec: fakeRpm(seen) })).canonical).toEqual([]);
  await rm(path.join(root, 'var/lib/rpm'));
  await put('var/lib/rpm/rpmdb.sqlite');
  await symlink(path.join(host, 'rpmdb.sqlite'), path.join(root, 'var/lib/rpm/Packages'));
  await rpmDatabase({ root, temporary, exec: fakeRpm(seen) });
  expect(seen).toEqual([['rpmdb.sqlite']]);
});

test('an earlier copy does not shine through', async () => {
  await mkdir(path.join(temporary, 'rpm-database'));
  await writeFile(path.join(temporary, 'rpm-database/old'), '');
  await put('var/lib/rpm/Packages');
  const seen: string[][] = [];
  await rpmDatabase({ root, temporary, exec: fakeRpm(seen) });
  expect(seen).toEqual([['Packages']]);
});

/** A history as libdnf makes it, as far as it counts: a package, a group of it and an environment of the group. */
function history(changes: string): string {
  const file = path.join(folder, `${crypto.randomUUID()}.sqlite`);
  const database = new DatabaseSync(file);
  database.exec(`
    CREATE TABLE trans_item (id INTEGER PRIMARY KEY, trans_id, item_id, action, reason);
    CREATE TABLE rpm (item_id, name, arch);
    CREATE TABLE comps_group (item_id, groupid, pkg_types);
    CREATE TABLE comps_group_package (group_id, name, installed, pkg_type);
    CREATE TABLE comps_environment (item_id, environmentid, pkg_types);
    CREATE TABLE comps_environment_group (environment_id, groupid, installed, group_type);
    INSERT INTO rpm VALUES (1, 'bash', 'x86_64');
    INSERT INTO comps_group VALUES (2, 'tools', 6);
    INSERT INTO comps_group_package VALUES (2, 'bash', 1, 2);
    INSERT INTO comps_environment VALUES (3, 'minimal', 6);
    INSERT INTO comps_environment_group VALUES (3, 'tools', 1, 2);
    INSERT INTO trans_item VALUES (1, 1, 1, 1, 4), (2, 1, 2, 1, 2), (3, 1, 3, 1, 2);
    ${changes}`);
  database.close();
  return file;
}

test('reasons, groups and environments are in the canonical form', async () => {
  expect(await dnfHistory(history(''))).toEqual([
    'reason bash x86_64 4',
    'group tools 1 2 6 bash:1:2',
    'environment minimal 1 2 6 tools:1:2',
  ]);
  expect(await dnfHistory(history('INSERT INTO trans_item VALUES (4, 2, 2, 8, 2)'))).toContain(
    'group tools 8 2 6 bash:1:2',
  );
  expect(await dnfHistory(path.join(folder, 'none'))).toBeUndefined();
});
