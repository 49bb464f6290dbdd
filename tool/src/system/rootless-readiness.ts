import { readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';

/** What decides whether an ordinary user can build. Counts are of ids, undefined is not known here. */
export interface RootlessReadiness {
  readonly user: string;
  readonly subuids: number;
  readonly subgids: number;
  /** Programs that map ids, without the right to do so. */
  readonly powerless: readonly string[];
  readonly userNamespaces: 'allowed' | 'disabled' | 'restricted by AppArmor';
}

const MAPPERS = ['newuidmap', 'newgidmap'];
const SETUID = 0o4000;

/**
 * Reads it from `/etc`, `/proc` and `/usr/bin`, below `root` in tests. `hasCapability` tells whether a file has file
 * capabilities.
 */
export async function rootlessReadiness(
  hasCapability: (path: string) => Promise<boolean>,
  root = '',
): Promise<RootlessReadiness> {
  const { user, uid } = currentUser();
  const [subuids, subgids, powerless, userNamespaces] = await Promise.all([
    subordinateIds(`${root}/etc/subuid`, user, uid),
    subordinateIds(`${root}/etc/subgid`, user, uid),
    powerlessMappers(root, hasCapability),
    namespaces(root),
  ]);
  return { user, subuids, subgids, powerless, userNamespaces };
}

/** How many ids lines such as `alice:100000:65536` give to a user, who may be named or numbered there. */
async function subordinateIds(file: string, user: string, uid: number): Promise<number> {
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').map((line) => line.trim().split(':'));
  const own = lines.filter(([owner]) => owner === user || owner === String(uid));
  return own.reduce((sum, [, , count]) => sum + (Number(count) || 0), 0);
}

async function powerlessMappers(root: string, hasCapability: (path: string) => Promise<boolean>): Promise<string[]> {
  const powerless: string[] = [];
  for (const name of MAPPERS) {
    const path = `${root}/usr/bin/${name}`;
    const stats = await stat(path).catch(() => undefined);
    // Distributions give it either set-uid (Debian) or file capabilities (Fedora). Absent is another check's.
    if (stats === undefined || (stats.mode & SETUID) !== 0) continue;
    if (!(await hasCapability(path))) powerless.push(name);
  }
  return powerless;
}

async function namespaces(root: string): Promise<RootlessReadiness['userNamespaces']> {
  const number = async (name: string) =>
    Number((await readFile(`${root}/proc/sys/${name}`, 'utf8').catch(() => '')) || Number.NaN);
  // The first exists on Debian's older kernels only, the last on Ubuntu.
  if ((await number('kernel/unprivileged_userns_clone')) === 0) return 'disabled';
  if ((await number('user/max_user_namespaces')) === 0) return 'disabled';
  if ((await number('kernel/apparmor_restrict_unprivileged_userns')) === 1) return 'restricted by AppArmor';
  return 'allowed';
}

function currentUser(): { user: string; uid: number } {
  const uid = process.getuid?.() ?? 0;
  try {
    return { user: userInfo().username, uid };
  } catch {
    // A container may run under an id that has no name.
    return { user: String(uid), uid };
  }
}
