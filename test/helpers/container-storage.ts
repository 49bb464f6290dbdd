import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createBuildah } from '../../tool/src/system/buildah-cli.ts';
import type { Exec } from '../../tool/src/system/command.ts';
import { createExec } from '../../tool/src/system/exec.ts';

/** A container storage of a test's own: nothing of the machine's is seen or touched. */
export interface ContainerStorage extends AsyncDisposable {
  /** For the test's files; holds the storage, removed at the end. */
  readonly folder: string;
  /** What children need to use this storage. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly exec: Exec;
}

export async function createContainerStorage(): Promise<ContainerStorage> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'layers-storage-'));
  const file = path.join(folder, 'storage.conf');
  const [graph, run, temporary] = ['graph', 'run', 'tmp'].map((name) => path.join(folder, name));
  await writeFile(file, `[storage]\ndriver = "overlay"\ngraphroot = "${graph}"\nrunroot = "${run}"\n`);
  await mkdir(temporary!);
  const env = { ...process.env, CONTAINERS_STORAGE_CONF: file, TMPDIR: temporary };
  const exec = createExec({ env });
  return {
    folder,
    env,
    exec,
    async [Symbol.asyncDispose]() {
      const buildah = createBuildah(exec, { isolation: 'chroot', runId: 'end' });
      await exec('buildah', ['rm', '--all'], { quiet: true });
      const { graphRoot } = await buildah.store();
      // The store's own folder is bind-mounted on itself while it is in use.
      await exec('umount', ['--recursive', '--', `${graphRoot}/overlay`], { accept: [0, 1, 32], quiet: true });
      await rm(folder, { recursive: true, force: true });
    },
  };
}
