import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Buildah } from './buildah.ts';
import { CommandFailure, type Exec } from './command.ts';
import { isRootless } from './rootless.ts';

type Isolation = Buildah['isolation'];

const PROBE_LIMIT_MS = 60_000;
/** Folders of the host that hold what `/usr/bin/true` needs; the probe's own root is empty. */
const HOST_FOLDERS = ['/usr', '/lib', '/lib64'];

/**
 * Which isolation works here. `BUILDAH_ISOLATION` wins; else an OCI runtime where one starts (it may need cgroups that
 * a CI machine lacks), else chroot. Takes about half a second and holds until the machine is started again, so the
 * caller may remember it.
 */
export async function probeIsolation(
  exec: Exec,
  options: {
    /** Default `process.env`. */
    readonly env?: Readonly<Record<string, string | undefined>>;
    readonly globalArgs?: readonly string[];
  } = {},
): Promise<Isolation> {
  const { env = process.env, globalArgs = [] } = options;
  const chosen = env.BUILDAH_ISOLATION;
  // `buildah unshare` itself sets `rootless`: that is nobody's choice.
  if (chosen === 'oci' || chosen === 'chroot' || (chosen === 'rootless' && !isRootless(env))) return chosen;
  const wanted: Isolation = isRootless(env) ? 'rootless' : 'oci';
  const name = `layers-probe-${randomUUID()}`;
  const buildah = (...args: string[]) =>
    exec('buildah', [...globalArgs, ...args], { quiet: true, totalMs: PROBE_LIMIT_MS });
  try {
    await buildah('from', '--quiet', '--name', name, '--pull=never', 'scratch');
    const volumes = HOST_FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder) => [
      '--volume',
      `${folder}:${folder}:ro`,
    ]);
    await buildah('run', '--isolation', wanted, '--network', 'host', ...volumes, '--', name, '/usr/bin/true');
    return wanted;
  } catch (error) {
    if (error instanceof CommandFailure && error.reason === 'exit') return 'chroot';
    throw error;
  } finally {
    await buildah('rm', '--', name).catch(() => undefined);
  }
}
