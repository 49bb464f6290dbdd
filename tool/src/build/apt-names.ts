import type { Layer } from '../config/layer.ts';
import { BuildFailure } from './builder.ts';
import { packageNames } from './package-manager.ts';

/** What apt is to install: tasks and packages. Throws BuildFailure for what would mean something else to it. */
export function aptNames({ package_groups: groups, packages }: Layer): string[] {
  for (const name of packages) {
    // `apt-get install foo-` removes foo.
    if (!name.endsWith('-')) continue;
    throw new BuildFailure(`packages: apt would take ${JSON.stringify(name)} for a package to remove`, {
      hint: 'packages to remove go under `remove_packages`',
    });
  }
  return [...packageNames('package_groups', groups).map((name) => `${name}^`), ...packageNames('packages', packages)];
}
