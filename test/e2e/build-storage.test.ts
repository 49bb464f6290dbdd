import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBuildah } from '../../tool/src/system/buildah-cli.ts';
import { createExec } from '../../tool/src/system/exec.ts';
import { probeIsolation } from '../../tool/src/system/isolation.ts';
import { findProcesses } from '../../tool/src/system/processes.ts';
import { sweepRun } from '../../tool/src/system/sweep.ts';
import { type ContainerStorage, createContainerStorage } from '../helpers/container-storage.ts';

let storage: ContainerStorage;
beforeAll(async () => {
  storage = await createContainerStorage();
});
afterAll(() => storage[Symbol.asyncDispose]());

const buildahOf = (runId = 'run1') =>
  createBuildah(storage.exec, { isolation: 'chroot', runId, layer: 'l/one', temporary: storage.folder });

test('the storage of the test is apart from that of the machine', async () => {
  expect((await buildahOf().store()).graphRoot).toBe(path.join(storage.folder, 'graph'));
});

test('the isolation that is found runs a program; a choice in the environment wins', async () => {
  const isolation = await probeIsolation(storage.exec, { env: {} });
  expect(['oci', 'chroot']).toContain(isolation);
  expect(await probeIsolation(storage.exec, { env: { BUILDAH_ISOLATION: 'chroot' } })).toBe('chroot');
  const { stdout } = await storage.exec('buildah', ['containers', '--json']);
  expect(JSON.parse(stdout || 'null') ?? []).toEqual([]);
});

test('labels change the configuration and nothing else', async () => {
  const buildah = buildahOf();
  const container = await buildah.from('scratch');
  await buildah.copy(container, ['/etc/hostname'], '/file');
  await buildah.config(container, ['--label', 'vendor=v', '--label', 'org.openchami.image.name=parent']);
  const image = await buildah.commit(container);
  await buildah.remove(container);
  const labels = { 'org.openchami.image.tags': 'a,b', mine: '1' };
  const relabelled = await buildah.relabel(image, labels);
  expect(await buildah.relabel(image, labels)).toBe(relabelled);
  const [before, after] = [await buildah.inspect(image), await buildah.inspect(relabelled)];
  expect(after!.diffIds).toEqual(before!.diffIds);
  expect(after!.size).toBe(before!.size);
  expect(after!.labels).toEqual(labels);

  const layout = path.join(storage.folder, 'layout');
  const digests = [await buildah.push(image, `oci:${layout}:one`), await buildah.push(relabelled, `oci:${layout}:two`)];
  expect(digests[0]).not.toBe(digests[1]);
  const manifests = await Promise.all(
    digests.map(async (digest) =>
      JSON.parse(await readFile(path.join(layout, 'blobs', digest.replace(':', '/')), 'utf8')),
    ),
  );
  expect(manifests[1].layers).toEqual(manifests[0].layers);
  expect(manifests[1].config.digest).not.toEqual(manifests[0].config.digest);

  // An image that came compressed, and a child of it.
  const child = await buildah.from(`oci:${layout}:two`, { pull: 'always' });
  await buildah.copy(child, ['/etc/hostname'], '/another');
  const grown = await buildah.commit(child);
  const other = await buildah.relabel(grown, {});
  expect((await buildah.inspect(other))!.diffIds).toEqual((await buildah.inspect(grown))!.diffIds);
  expect((await buildah.inspect(other))!.diffIds).toHaveLength(2);
  await buildah.remove(child);
  for (const id of [other, grown, relabelled, image]) await buildah.removeImage(id);
  expect(await buildah.inspect(image)).toBeUndefined();
});

test('the sweep removes what a killed run left, and only that', async () => {
  const temporary = path.join(storage.folder, 'dead-run');
  await mkdir(temporary);
  const env = { ...storage.env, LAYERS_RUN_ID: 'dead', TMPDIR: temporary };
  const exec = createExec({ env });
  const dead = createBuildah(exec, { isolation: 'chroot', runId: 'dead', layer: 'x' });
  const [container, other] = [await dead.from('scratch'), await buildahOf('alive').from('scratch')];
  // As after kill -9 of the tool: nobody waits for this, and its process group is its own.
  const volumes = ['/usr', '/lib', '/lib64'].filter(existsSync).flatMap((name) => ['--volume', `${name}:${name}:ro`]);
  const argv = ['run', '--isolation', 'chroot', ...volumes, '--', container, '/usr/bin/sleep', '1000'];
  const orphan = spawn('buildah', argv, { env: env as NodeJS.ProcessEnv, detached: true, stdio: 'ignore' });
  orphan.unref();
  const left = () => findProcesses({ environment: 'LAYERS_RUN_ID=dead', below: temporary }).length;
  await expect.poll(() => findProcesses({ below: temporary }).length, { timeout: 20_000 }).toBeGreaterThan(0);
  const swept = await sweepRun('dead', { exec: storage.exec, temporary, graceMs: 300 });
  expect(swept.containers).toEqual([container]);
  expect(swept.processes).toBeGreaterThan(0);
  expect(left()).toBe(0);
  expect(existsSync(temporary)).toBe(false);
  const { stdout } = await storage.exec('buildah', ['containers', '--json']);
  expect(JSON.parse(stdout).map((entry: { containername: string }) => entry.containername)).toEqual([other]);
  expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain('dead-run');
});
