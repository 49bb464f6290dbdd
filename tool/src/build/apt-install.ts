import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Workspace } from '../system/workspace.ts';
import { aptFailure } from './apt-failure.ts';
import { removeImageSources } from './apt-image-sources.ts';
import { writeAuth } from './apt-login.ts';
import { addAptMetadata, LIST_SOURCES, SOURCES } from './apt-metadata.ts';
import { aptNames } from './apt-names.ts';
import { putSources } from './apt-put-sources.ts';
import { type AptSource, aptSources } from './apt-sources.ts';
import { BuildFailure, type BuildTarget } from './builder.ts';
import { foreignArchitecture } from './foreign.ts';
import { borrowCache } from './package-cache.ts';
import { type BuildStep, packageNames, stepIf } from './package-manager.ts';
import { exportScript, proxyVariables } from './proxy.ts';
import type { UsedRepositories } from './repositories.ts';
import { osRelease, readInRoot } from './root-files.ts';

const ARCHIVES = '/var/cache/apt/archives';
const LISTS = '/var/lib/apt/lists';

/**
 * Around every call inside. Services are not started by an image's build: Debian asks policy-rc.d, which is there only
 * meanwhile, and left alone where the image has its own.
 */
const GUARDED = `set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
if [ -f ${ARCHIVES}/layers.conf ]; then export APT_CONFIG=${ARCHIVES}/layers.conf; fi
if [ -f ${ARCHIVES}/layers-proxy.sh ]; then . ${ARCHIVES}/layers-proxy.sh; fi
guard=/usr/sbin/policy-rc.d
if [ ! -e "$guard" ] && [ ! -L "$guard" ]; then
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  printf '#!/bin/sh\\nexit 101\\n' > "$guard"
  chmod 0755 "$guard"
fi
`;

/** Recommended packages are left out, as mmdebstrap leaves them out of a root from scratch. */
const INSTALL = `${GUARDED}
apt-get -q update
${LIST_SOURCES} > ${LISTS}/${SOURCES} || :
apt-get -q -y --no-install-recommends install -- "$@"
`;

/** Absent packages are named and left; the rest is removed with its configuration. */
const REMOVE = `${GUARDED}
wanted=
for name in "$@"; do
  case "$(dpkg-query --show --showformat='\${db:Status-Status} ' -- "$name" 2>/dev/null)" in
    'installed '* | *' installed '*) wanted="$wanted $name" ;;
    *) echo "layers: not installed: $name" ;;
  esac
done
set -f
if [ -n "$wanted" ]; then apt-get -q -y --purge remove -- $wanted; fi
`;

const SETTINGS = `Acquire::Retries "3";
APT::Update::Error-Mode "any";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Binary::apt-get::APT::Keep-Downloaded-Packages "true";
Dpkg::Use-Pty "false";
Dpkg::Options { "--force-confdef"; "--force-confold"; };
`;

/** A repository's login, which is no part of the image. */
const LOG_IN = `Dir::Etc::netrc "${ARCHIVES}/layers-auth.conf";
`;

/** Goes on from a parent by its own apt. */
export function installSteps(target: BuildTarget, workspace: Workspace, used: UsedRepositories): BuildStep[] {
  const { layer } = target;
  const names = aptNames(layer);
  let sources: readonly AptSource[] = [];
  return [
    ...stepIf(layer.repos.length + layer.exclusive_repos.length > 0, 'repos', async () => {
      sources = await addSources(target, workspace);
    }),
    ...stepIf(names.length > 0, 'packages', () => install(names, sources, target, workspace, used)),
    ...removeSteps(target, workspace),
  ];
}

/** The step that removes packages by the image's own apt. */
export function removeSteps(target: BuildTarget, workspace: Workspace): BuildStep[] {
  const names = packageNames('remove_packages', target.layer.remove_packages);
  return stepIf(names.length > 0, 'remove_packages', async () => {
    await workspace.buildah.run(target.container, ['/bin/sh', '-c', REMOVE, 'sh', ...names], {
      collect: false,
      onLine: (line) => {
        const [, name] = /^layers: not installed: (.*)$/.exec(line) ?? [];
        if (name !== undefined) workspace.warn(`remove_packages: ${name} is not installed`);
      },
    });
  });
}

async function addSources(target: BuildTarget, workspace: Workspace): Promise<AptSource[]> {
  const { repos, exclusive_repos: exclusive } = target.layer;
  const suite = (await osRelease(target.mountPoint)).VERSION_CODENAME ?? target.layer.options.suite;
  if (
    suite === undefined &&
    [...exclusive, ...repos].some((repo) => repo.config === undefined && repo.apt_dist === undefined)
  ) {
    throw new BuildFailure('the suite of a repository is not known', {
      hint: 'set `apt_dist` in its entry of `repos`',
    });
  }
  const sources = await aptSources(target, workspace, suite ?? '');
  if (exclusive.length > 0) await removeImageSources(target.mountPoint);
  await putSources(sources, target, workspace);
  return sources;
}

async function install(
  names: readonly string[],
  sources: readonly AptSource[],
  target: BuildTarget,
  workspace: Workspace,
  used: UsedRepositories,
): Promise<void> {
  const shared = path.join(workspace.caches, await cacheName(target));
  const archives = await borrowCache(path.join(shared, 'archives'), path.join(workspace.temporary, 'apt-archives'));
  const lists = await borrowCache(path.join(shared, 'lists'), path.join(workspace.temporary, 'apt-lists'));
  // apt makes these itself elsewhere, but not below a root that it did not make.
  for (const cache of [archives, lists]) await mkdir(path.join(cache.folder, 'partial'), { recursive: true });
  const inherited = (await readInRoot(target.mountPoint, 'etc/apt/auth.conf')) ?? '';
  const auth = await writeAuth(sources, path.join(archives.folder, 'layers-auth.conf'), inherited);
  if (target.layer.options.gpgcheck === false) await forgetReleases(lists.folder);
  await writeFile(path.join(archives.folder, 'layers.conf'), auth === undefined ? SETTINGS : SETTINGS + LOG_IN);
  await writeFile(path.join(archives.folder, 'layers-proxy.sh'), exportScript(proxyVariables(target.layer)), {
    mode: 0o600,
  });
  try {
    await workspace.buildah.run(target.container, ['/bin/sh', '-c', INSTALL, 'sh', ...names], {
      volumes: [`${archives.folder}:${ARCHIVES}`, `${lists.folder}:${LISTS}`],
      collect: false,
      secrets: sources.flatMap(({ secrets }) => secrets),
    });
    await addAptMetadata(lists.folder, used, workspace);
  } catch (cause) {
    throw aptFailure(cause);
  } finally {
    await Promise.all([archives.giveBack(), lists.giveBack()]);
  }
}

/**
 * Release files that an earlier build could verify: beside them apt takes one that it cannot verify for an attack, although
 * nothing is to be checked.
 */
async function forgetReleases(lists: string): Promise<void> {
  for (const name of await readdir(lists)) if (/_(In)?Release(\.gpg)?$/.test(name)) await rm(path.join(lists, name));
}

/** A package's name, version and size may be the same in two distributions, and its content not: a cache each, and an architecture. */
async function cacheName({ layer, mountPoint }: BuildTarget): Promise<string> {
  const { ID = 'unknown', VERSION_CODENAME, VERSION_ID = '' } = await osRelease(mountPoint);
  const foreign = foreignArchitecture(layer);
  return ['apt', ID, VERSION_CODENAME ?? VERSION_ID, ...(foreign === undefined ? [] : [foreign])]
    .join('-')
    .replaceAll(/[^\w.-]+/g, '-');
}
