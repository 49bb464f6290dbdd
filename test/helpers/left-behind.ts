import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { TestTree } from './tree.ts';

/** All that a run or a watch could leave: containers, mounts, temporary folders, processes, run locks. */
export async function leftBehind({ root, storage: { exec, folder } }: TestTree): Promise<string[]> {
  const { stdout } = await exec('buildah', ['containers', '--json'], { quiet: true });
  const containers = ((JSON.parse(stdout || 'null') ?? []) as { containername: string }[]).map(
    (one) => one.containername,
  );
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .filter((line) => line.includes(`${folder}/`));
  // The store's own mounts, which containers/storage makes while it is in use and keeps.
  const merged = mounts.filter((line) => line.includes('/merged') || line.includes('/tmp/layers-'));
  const temporary = (await readdir(path.join(folder, 'tmp'))).filter((name) => name.startsWith('layers-'));
  const locks = path.join(root, '.layers/locks/runs');
  const processes = await processesIn(folder);
  return [...containers, ...merged, ...temporary, ...processes, ...(existsSync(locks) ? await readdir(locks) : [])];
}

/** Processes that work for a run in this storage, but for ourselves. */
async function processesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== `${process.pid}`)) {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
    if (environment.includes(`CONTAINERS_STORAGE_CONF=${folder}/`) && environment.includes('LAYERS_RUN_ID=')) {
      found.push(`${pid} ${(await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')).replaceAll('\0', ' ')}`);
    }
  }
  return found;
}
