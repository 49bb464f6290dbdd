import type { Workspace } from '../system/workspace.ts';
import { BuildFailure, type BuildTarget } from './builder.ts';
import { PACKAGE_MANAGERS } from './package-managers.ts';
import type { UsedRepositories } from './repositories.ts';
import { osRelease, statInRoot } from './root-files.ts';

/** The scanner and the distribution's own benchmarks. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  dnf: ['openscap-utils', 'scap-security-guide'],
  zypper: ['openscap-utils', 'scap-security-guide'],
  apt: ['openscap-scanner', 'ssg-debian'],
};
/** Debian has the benchmarks of Ubuntu and its other relatives in a package of their own. */
const DERIVED = ['openscap-scanner', 'ssg-debderived'];

/**
 * Installs OpenSCAP by the package manager of the layer, for an Ansible layer that of the image, from the repositories that the
 * image has by then. Throws BuildFailure.
 */
export async function installOpenscap(
  target: BuildTarget,
  workspace: Workspace,
  used: UsedRepositories,
): Promise<void> {
  const { layer, mountPoint } = target;
  const manager = layer.options.pkg_manager ?? (await managerOf(mountPoint));
  const steps = PACKAGE_MANAGERS[manager];
  if (steps === undefined) throw new BuildFailure(`install_scap: ${manager} cannot install OpenSCAP`);
  const isDerived = manager === 'apt' && (await osRelease(mountPoint)).ID !== 'debian';
  const hasOwnDnf = (await statInRoot(mountPoint, 'usr/bin/dnf')) !== undefined;
  const only = {
    ...layer,
    ...{ repos: [], exclusive_repos: [], modules: {}, package_groups: [], remove_packages: [] },
    packages: [...(isDerived ? DERIVED : (PACKAGES[manager] ?? []))],
    options: { ...layer.options, force_installroot: layer.options.force_installroot || !hasOwnDnf },
  };
  // A root from scratch is one to go on from by now.
  for (const step of steps({ ...target, layer: only, fromScratch: false }, workspace, used)) await step.run();
}

/** The one that made the image: dnf and zypper can be installed on Debian, so that apt comes first. */
async function managerOf(mountPoint: string): Promise<string> {
  for (const [manager, file] of [
    ['apt', 'usr/bin/apt-get'],
    ['zypper', 'usr/bin/zypper'],
    ['dnf', 'usr/bin/dnf'],
  ] as const) {
    if ((await statInRoot(mountPoint, file)) !== undefined) return manager;
  }
  throw new BuildFailure('install_scap: there is no package manager in the parent image', {
    hint: 'install OpenSCAP in a base layer below, and leave `install_scap` out here',
  });
}
