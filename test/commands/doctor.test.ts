import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CommandContext } from '../../tool/src/commands/command.ts';
import { run } from '../../tool/src/commands/doctor.ts';
import {
  buildahSafetyCheck,
  folderCheck,
  isolationCheck,
  needCheck,
  rootlessChecks,
  storageCheck,
} from '../../tool/src/commands/doctor-checks.ts';
import { doctorLines } from '../../tool/src/report/doctor-text.ts';
import { createExec } from '../../tool/src/system/exec.ts';
import { containerStorage, freeSpace, programVersion } from '../../tool/src/system/machine.ts';
import { rootlessReadiness } from '../../tool/src/system/rootless-readiness.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'layers-doctor-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A program on the test's PATH. */
function program(name: string, script: string): void {
  writeFileSync(path.join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(path.join(folder, name), 0o755);
}

function exec() {
  return createExec({ env: { PATH: `${folder}:/usr/bin:/bin` } });
}

describe('versions', () => {
  test.each([
    ['buildah', 'buildah version 1.28.2 (image-spec 1.1.0-rc2, runtime-spec 1.0.2-dev)', '1.28.2'],
    ['ansible-playbook', 'ansible-playbook [core 2.14.18]\n  config file = None\n  python version = 3.11.2', '2.14.18'],
    ['mksquashfs', 'mksquashfs version 4.5.1 (2022/03/17)', '4.5.1'],
    ['fuse-overlayfs', 'fusermount3 version: 3.14.0\nfuse-overlayfs: version 1.10', '1.10'],
    ['zstd', '*** Zstandard CLI (64-bit) v1.5.4, by Yann Collet ***', '1.5.4'],
    ['silent', '', undefined],
  ])('%s', async (name, output, version) => {
    program(name, `cat <<'END'\n${output}\nEND`);
    expect(await programVersion(exec(), name)).toBe(version);
  });

  test('a program that is not there, or fails, has none', async () => {
    program('broken', 'exit 3');
    expect(await programVersion(exec(), 'broken')).toBeUndefined();
    expect(await programVersion(exec(), 'layers-no-such-program')).toBeUndefined();
  });
});

test('the storage that buildah uses', async () => {
  program('buildah', `echo '{"store": {"GraphDriverName": "overlay", "GraphRoot": "/var/lib/containers/storage"}}'`);
  expect(await containerStorage(exec())).toEqual({ driver: 'overlay', graphRoot: '/var/lib/containers/storage' });
});

test('free space of a folder that is still to be made', async () => {
  const { free, total } = await freeSpace(path.join(folder, 'not', 'yet'));
  expect(free).toBeGreaterThan(0);
  expect(total).toBeGreaterThan(free);
});

describe('rootless readiness', () => {
  function machine(files: Record<string, string>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      writeFileSync(path.join(folder, name), text);
    }
  }
  const uid = process.getuid?.() ?? 0;

  test('ranges count by number as by name, and add up', async () => {
    machine({
      'etc/subuid': `other:1000:5\n${uid}:100000:60000\n${uid}:200000:5536\n`,
      'etc/subgid': 'other:100000:65536\n',
      'usr/bin/newuidmap': '',
      'usr/bin/newgidmap': '',
      'proc/sys/user/max_user_namespaces': '96364\n',
    });
    chmodSync(path.join(folder, 'usr/bin/newuidmap'), 0o4755);
    const readiness = await rootlessReadiness(async () => false, folder);
    expect(readiness).toMatchObject({
      subuids: 65_536,
      subgids: 0,
      powerless: ['newgidmap'],
      userNamespaces: 'allowed',
    });
    expect(rootlessChecks(readiness).map(({ id, status }) => `${id} ${status}`)).toEqual([
      'subuid ok',
      'subgid missing',
      'newgidmap missing',
      'user namespaces ok',
    ]);
  });

  test('file capabilities do as well as set-uid', async () => {
    machine({ 'usr/bin/newuidmap': '', 'usr/bin/newgidmap': '' });
    expect((await rootlessReadiness(async () => true, folder)).powerless).toEqual([]);
  });

  test.each([
    ['kernel/unprivileged_userns_clone', '0\n', 'disabled'],
    ['user/max_user_namespaces', '0\n', 'disabled'],
    ['kernel/apparmor_restrict_unprivileged_userns', '1\n', 'restricted by AppArmor'],
  ])('%s = %s', async (name, text, userNamespaces) => {
    machine({ [`proc/sys/${name}`]: text });
    const readiness = await rootlessReadiness(async () => false, folder);
    expect(readiness.userNamespaces).toBe(userNamespaces);
    expect(rootlessChecks(readiness).at(-1)).toMatchObject({
      id: 'user namespaces',
      fix: expect.stringContaining('sysctl'),
    });
  });
});

describe('checks', () => {
  test.each([
    ['1.28.2', 'warning'],
    ['1.37.9', 'warning'],
    ['1.38.0', 'ok'],
    ['1.41.4', 'ok'],
    ['2.0', 'ok'],
  ])('buildah %s is a %s', (version, status) => expect(buildahSafetyCheck(version).status).toBe(status));

  test('what is required is missing, what some layers need is a warning', () => {
    const need = { name: 'x', neededFor: 'y', there: false, versions: [], install: 'apt-get install x' };
    expect(needCheck({ ...need, required: true })).toMatchObject({ status: 'missing', fix: 'apt-get install x' });
    expect(needCheck({ ...need, required: false, install: undefined })).toMatchObject({
      status: 'warning',
      fix: 'not packaged for this distribution',
    });
  });

  test('little room, a slow driver, no container', () => {
    const space = { use: 'temporary', path: '/tmp', free: 5e8, total: 1e9, enough: 1e10 };
    expect(folderCheck(space)).toMatchObject({
      status: 'warning',
      detail: '500.0 MB of 1.0 GB free in /tmp',
      fix: 'less than 10.0 GB: make room, or set TMPDIR',
    });
    expect(storageCheck({ driver: 'vfs', graphRoot: '/g' }).status).toBe('warning');
    expect(isolationCheck({ failure: 'no' }, undefined).status).toBe('missing');
    expect(isolationCheck({ works: 'chroot' }, 'chroot').detail).toBe('chroot, by BUILDAH_ISOLATION; not tried');
  });

  test('as lines', () => {
    const checks = [
      { id: 'node', status: 'ok', detail: '24' },
      { id: 'buildah', status: 'missing', detail: 'not there', fix: 'apt-get install buildah' },
      { id: 'zstd', status: 'warning', detail: 'not there', fix: 'apt-get install zstd' },
    ] as const;
    expect(
      doctorLines('Debian', checks, { colour: false, install: 'apt-get install buildah zstd' }),
    ).toMatchInlineSnapshot(`
      [
        "Debian",
        "ok       node     24",
        "missing  buildah  not there",
        "                  → apt-get install buildah",
        "warning  zstd     not there",
        "                  → apt-get install zstd",
        "all that is not there: apt-get install buildah zstd",
        "layers cannot be built here without: buildah (1 warning)",
      ]
    `);
  });
});

describe('the command', () => {
  async function doctor(env: Record<string, string>) {
    const printed: string[] = [];
    const context = {
      argv: [],
      cwd: folder,
      env,
      options: {},
      values: { json: true },
      positionals: [],
      print: (text: string) => void printed.push(text),
      warn: () => {},
      stdout: process.stdout,
      stderr: process.stderr,
      signal: new AbortController().signal,
      forced: new AbortController().signal,
    } satisfies CommandContext;
    const code = await run(context);
    const document = JSON.parse(printed.join('\n'));
    const status = (id: string) => document.checks.find((check: { id: string }) => check.id === id)?.status;
    return { code, document, status };
  }

  test('which tree would be taken, and why', async () => {
    const tree = async () => {
      const { document } = await doctor({ PATH: folder });
      return document.checks.find((check: { id: string }) => check.id === 'tree')?.detail;
    };
    expect(await tree()).toBeUndefined();
    mkdirSync(path.join(folder, 'layers'));
    expect(await tree()).toBe(`the tree is ${folder}: this folder holds layers/; --root DIR names another`);
    writeFileSync(path.join(folder, 'layers.yaml'), '');
    expect(await tree()).toBe(`the tree is ${folder}`);
  });

  test('without buildah: exit 1, and how to get it', async () => {
    const { code, document, status } = await doctor({ PATH: folder });
    expect(code).toBe(1);
    expect(document).toMatchObject({ version: 1, ok: false });
    expect(status('buildah')).toBe('missing');
    expect(status('mmdebstrap')).toBe('warning');
    expect(document.checks.every((check: object) => 'fix' in check && 'detail' in check)).toBe(true);
  });

  test('a buildah that cannot start a container: exit 1, with what it says', async () => {
    program(
      'buildah',
      'case "$1" in --version) echo buildah version 1.40.0;; *) echo no user namespaces >&2; exit 125;; esac',
    );
    const { code, document, status } = await doctor({ PATH: folder });
    expect(code).toBe(1);
    expect(status('buildah')).toBe('ok');
    expect(status('buildah security')).toBe('ok');
    const isolation = document.checks.find((check: { id: string }) => check.id === 'isolation');
    expect(isolation.status).toBe('missing');
    expect(isolation.detail).toContain('no user namespaces');
  });
});
