import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { statInRoot } from './root-files.ts';

/**
 * What package managers write about the hour of their work, and caches that hold inode numbers or addresses. mmdebstrap removes these from
 * what it makes for the same reason. `docs/content-digest.md` names them; the list is closed.
 */
const DATED_TRACES = [
  'var/log/dpkg.log',
  'var/log/apt/history.log',
  'var/log/apt/term.log',
  'var/log/apt/eipp.log.xz',
  'var/log/alternatives.log',
  'var/log/bootstrap.log',
  'var/log/dnf.log',
  'var/log/dnf.librepo.log',
  'var/log/dnf.rpm.log',
  'var/log/hawkey.log',
  'var/log/zypper.log',
  'var/log/zypp/history',
  'var/cache/ldconfig/aux-cache',
  // apt makes them again; they hold addresses of what was read when.
  'var/cache/apt/pkgcache.bin',
  'var/cache/apt/srcpkgcache.bin',
] as const;

/** Removes those that this build wrote (`since`: milliseconds). What the parent has, or a layer copies there, stays. */
export async function removeDatedTraces(root: string, own: string, since: number): Promise<void> {
  for (const name of DATED_TRACES) {
    const stats = await statInRoot(own, name);
    if (stats?.isFile() && stats.mtimeMs >= since) await rm(join(root, name));
  }
}
