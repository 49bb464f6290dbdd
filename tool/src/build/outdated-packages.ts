import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Workspace } from '../system/workspace.ts';
import { withoutLogins, writeAuth } from './apt-login.ts';
import type { BuildTarget } from './builder.ts';
import { dnfInside } from './dnf-inside.ts';
import { dnfOutside } from './dnf-outside.ts';
import { boundMounts, mounting } from './mounts.ts';
import { exportScript, proxyVariables } from './proxy.ts';
import { collectRepositories } from './repositories.ts';
import { readInRoot, statInRoot } from './root-files.ts';
import type { Zypper } from './zypper.ts';
import { zypperInside } from './zypper-inside.ts';
import { parseUpdates } from './zypper-output.ts';
import { zypperOutside } from './zypper-outside.ts';

/** A package that an image has and that its repositories have newer. */
export interface OutdatedPackage {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** `undefined`: there is no package manager that could tell. */
type Teller = (target: BuildTarget, workspace: Workspace) => Promise<OutdatedPackage[]>;

/** In a container that is thrown away: what an upgrade would bring, by the package manager of the tools image, else of the image, else by the host's. Throws CommandFailure. */
export async function outdatedPackages(
  target: BuildTarget,
  workspace: Workspace,
): Promise<OutdatedPackage[] | undefined> {
  const teller = await tellerOf(target);
  if (teller === undefined) return undefined;
  const buildah = mounting(workspace.buildah, boundMounts(target));
  return (await teller(target, { ...workspace, buildah })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

async function tellerOf({ layer, mountPoint, tools }: BuildTarget): Promise<Teller | undefined> {
  const has = async (file: string) => (await statInRoot(mountPoint, file)) !== undefined;
  const isZypper = layer.options.pkg_manager === 'zypper';
  if (tools !== undefined) return isZypper ? askZypper(zypperOutside) : askDnf;
  // An image may have several, to build others by.
  if (isZypper && (await has('usr/bin/zypper'))) return askZypper(zypperInside);
  if (await has('usr/bin/dnf')) return askDnf;
  if (await has('usr/bin/apt-get')) return askApt;
  if (await has('usr/bin/zypper')) return askZypper(zypperInside);
  if (!(await has('usr/lib/sysimage/rpm')) && !(await has('var/lib/rpm'))) return undefined;
  return isZypper ? askZypper(zypperOutside) : askDnf;
}

function askZypper(zypperOf: (...where: Parameters<typeof zypperOutside>) => Zypper): Teller {
  return async (target, workspace) => {
    const lines: string[] = [];
    const zypper = zypperOf(target, workspace, collectRepositories());
    await zypper.run(['--xmlout', 'list-updates'], [], { onLine: (line) => void lines.push(line) });
    return parseUpdates(lines.join('\n'));
  };
}

const SCRATCH = '/run/layers';
const SIMULATE = `set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
. ${SCRATCH}/layers-proxy.sh
if [ -f ${SCRATCH}/layers-auth.conf ]; then set -- -o Dir::Etc::netrc=${SCRATCH}/layers-auth.conf; fi
apt-get -q "$@" -o Acquire::Retries=3 -o APT::Update::Error-Mode=any update >&2
exec apt-get -q -s -o APT::Get::Show-User-Simulation-Note=false dist-upgrade
`;

const askApt: Teller = async ({ layer, container, mountPoint }, workspace) => {
  const folder = path.join(workspace.temporary, 'outdated');
  await mkdir(folder, { recursive: true });
  const proxy = exportScript(proxyVariables(layer));
  await writeFile(path.join(folder, 'layers-proxy.sh'), proxy, { mode: 0o600 });
  // Logins are not kept in images.
  const repos = [...layer.repos, ...layer.exclusive_repos];
  const logins = repos.map(({ alias, config, url = '' }) => withoutLogins(config ?? url, alias));
  const inherited = (await readInRoot(mountPoint, 'etc/apt/auth.conf')) ?? '';
  await writeAuth(logins, path.join(folder, 'layers-auth.conf'), inherited);
  const { stdout } = await workspace.buildah.run(container, ['/bin/sh', '-c', SIMULATE, 'sh'], {
    volumes: [`${folder}:${SCRATCH}`],
    quiet: true,
    secrets: logins.flatMap(({ secrets }) => secrets),
  });
  return parseSimulation(stdout);
};

/** `Inst NAME [OLD] (NEW ORIGIN…)`; a package that is new has no old version. Pure. */
export function parseSimulation(text: string): OutdatedPackage[] {
  return text.split('\n').flatMap((line) => {
    const [, name, from, to] = /^Inst (\S+) \[([^\]]+)\] \((\S+)/.exec(line) ?? [];
    return name === undefined || from === undefined || to === undefined ? [] : [{ name, from, to }];
  });
}

const MARK = 'layers-package';

const askDnf: Teller = async (target, workspace) => {
  const hasOwn = (await statInRoot(target.mountPoint, 'usr/bin/dnf')) !== undefined;
  const dnf = (hasOwn && target.tools === undefined ? dnfInside : dnfOutside)(target, workspace, collectRepositories());
  const list = async (which: string): Promise<ReadonlyMap<string, string>> => {
    const lines: string[] = [];
    const query = ['repoquery', which, `--queryformat=${MARK} %{name}.%{arch} %{evr}\\n`];
    await dnf.run(query, [], (line) => void lines.push(line));
    return parseQuery(lines);
  };
  const newer = await list('--upgrades');
  if (newer.size === 0) return [];
  const installed = await list('--installed');
  return [...newer].map(([name, to]) => ({ name, from: installed.get(name) ?? '', to }));
};

/** Name with architecture → version; of several (kernels) the last one that is listed. Pure. */
export function parseQuery(lines: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of lines) {
    const [, name, version] = new RegExp(`^${MARK} (\\S+) (\\S+)$`).exec(line.trim()) ?? [];
    if (name !== undefined && version !== undefined) found.set(name, version);
  }
  return found;
}
