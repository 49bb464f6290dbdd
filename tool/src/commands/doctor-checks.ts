import { formatBytes } from '../report/format.ts';
import type { ContainerStorage, FreeSpace } from '../system/machine.ts';
import type { RootlessReadiness } from '../system/rootless-readiness.ts';

/** One answer of `layers doctor`. `missing` is something required that is not there: nothing can be built. */
export interface Check {
  readonly id: string;
  readonly status: 'ok' | 'warning' | 'missing';
  readonly detail: string;
  /** What to do: a command where there is one. */
  readonly fix?: string;
}

/** A program or file that a part of the work needs, as the machine has it. */
export interface Need {
  readonly name: string;
  readonly neededFor: string;
  readonly required: boolean;
  readonly there: boolean;
  /** Programs and their versions, as they say them. */
  readonly versions: readonly string[];
  /** The command that installs it here; undefined where it is not packaged. */
  readonly install: string | undefined;
}

export interface Folder extends FreeSpace {
  readonly use: string;
  readonly path: string;
  /** Less than that is a warning. */
  readonly enough: number;
}

/** From this version on, buildah has the fixes for what is known of hostile build files. */
const SAFE_BUILDAH = [1, 38];
/** What images usually need; distributions give out that many. */
const ENOUGH_IDS = 65_536;

export function needCheck(need: Need): Check {
  if (need.there) return { id: need.name, status: 'ok', detail: need.versions.join(', ') || 'there' };
  return {
    id: need.name,
    status: need.required ? 'missing' : 'warning',
    detail: `not there; needed for ${need.neededFor}`,
    fix: need.install ?? 'not packaged for this distribution',
  };
}

/** A warning where the version is older than the fixes of CVE-2024-1753, -9407 and -9675. */
export function buildahSafetyCheck(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [safeMajor = 0, safeMinor = 0] = SAFE_BUILDAH;
  const isSafe = major > safeMajor || (major === safeMajor && minor >= safeMinor);
  if (isSafe) return { id: 'buildah security', status: 'ok', detail: `${version} has the known fixes` };
  return {
    id: 'buildah security',
    status: 'warning',
    detail: `${version} may be open to CVE-2024-1753, CVE-2024-9407 and CVE-2024-9675 (fixed in ${SAFE_BUILDAH.join('.')})`,
    fix: 'build only layer files of people you trust, unless your distribution has put the fixes into this version',
  };
}

/** `answer`: the isolation that works, or why none does. */
export function isolationCheck(
  answer: { readonly works: string } | { readonly failure: string },
  chosen: string | undefined,
): Check {
  const id = 'isolation';
  if ('failure' in answer) {
    return {
      id,
      status: 'missing',
      detail: `a container does not start: ${answer.failure}`,
      fix: "look at 'buildah info'",
    };
  }
  if (chosen === answer.works) return { id, status: 'ok', detail: `${chosen}, by BUILDAH_ISOLATION; not tried` };
  const why = answer.works === 'chroot' ? ' (an OCI runtime does not start here, which chroot does without)' : '';
  return { id, status: 'ok', detail: `${answer.works}${why}` };
}

export function storageCheck(storage: ContainerStorage): Check {
  const detail = `${storage.driver} in ${storage.graphRoot}`;
  if (storage.driver !== 'vfs') return { id: 'storage', status: 'ok', detail };
  return {
    id: 'storage',
    status: 'warning',
    detail: `${detail}: every layer is a whole copy of the one below it`,
    fix: 'set driver = "overlay" in storage.conf; rootless on older kernels it needs fuse-overlayfs',
  };
}

export function folderCheck(folder: Folder): Check {
  const detail = `${formatBytes(folder.free)} of ${formatBytes(folder.total)} free in ${folder.path}`;
  if (folder.free >= folder.enough) return { id: `disk: ${folder.use}`, status: 'ok', detail };
  const fix = `less than ${formatBytes(folder.enough)}: make room, or ${folder.use === 'temporary' ? 'set TMPDIR' : 'use another disk'}`;
  return { id: `disk: ${folder.use}`, status: 'warning', detail, fix };
}

/** What an ordinary user needs to build, a check each. */
export function rootlessChecks(readiness: RootlessReadiness): Check[] {
  const { user, subuids, subgids, powerless, userNamespaces } = readiness;
  const ranges = (['subuid', 'subgid'] as const).map((name): Check => {
    const ids = name === 'subuid' ? subuids : subgids;
    if (ids >= ENOUGH_IDS) return { id: name, status: 'ok', detail: `${ids} ids for ${user}` };
    return {
      id: name,
      status: ids === 0 ? 'missing' : 'warning',
      detail: `${ids} ids for ${user} in /etc/${name}, of the ${ENOUGH_IDS} that images use`,
      fix: `sudo usermod --add-${name}s 100000-165535 ${user} (a range that no other user has), then: buildah unshare true`,
    };
  });
  const mappers: Check[] = powerless.map((name) => ({
    id: name,
    status: 'missing',
    detail: `/usr/bin/${name} is neither set-uid nor has file capabilities`,
    fix: `sudo chmod u+s /usr/bin/${name}`,
  }));
  const namespaces: Check = {
    id: 'user namespaces',
    ...(userNamespaces === 'allowed'
      ? { status: 'ok', detail: 'allowed' }
      : {
          status: userNamespaces === 'disabled' ? 'missing' : 'warning',
          detail: userNamespaces,
          fix: NAMESPACE_FIX[userNamespaces],
        }),
  };
  return [...ranges, ...mappers, namespaces];
}

const NAMESPACE_FIX = {
  disabled: 'sudo sysctl --write user.max_user_namespaces=15000 kernel.unprivileged_userns_clone=1',
  'restricted by AppArmor':
    "if 'buildah unshare true' fails: sudo sysctl --write kernel.apparmor_restrict_unprivileged_userns=0",
} as const;
