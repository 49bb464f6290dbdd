import { BuildFailure } from './builder.ts';
import { dnfInside } from './dnf-inside.ts';
import { dnfOutside } from './dnf-outside.ts';
import { isOutside, type PackageSteps, packageNames, stepIf } from './package-manager.ts';

/** Where dnf runs: each verb gets names that are none of its options. */
export interface Dnf {
  addRepos(): Promise<void>;
  run(verb: readonly string[], names: readonly string[], onLine?: (line: string) => void): Promise<void>;
}

/**
 * The order of module commands, whatever that of the layer file: what makes room comes first, and installing has the streams
 * that were chosen.
 */
const MODULE_COMMANDS = ['reset', 'remove', 'disable', 'enable', 'switch-to', 'install'] as const;

/** Red Hat's family: the tools image's dnf where there is one; else the host's makes a root from scratch, that of the image goes on from a parent. */
export const dnfSteps: PackageSteps = (target, workspace, used) => {
  const { layer } = target;
  const dnf = isOutside(target) ? dnfOutside(target, workspace, used) : dnfInside(target, workspace, used);
  const { package_groups: groups, packages, remove_packages: removed } = layer;
  const hasRepos = layer.repos.length + layer.exclusive_repos.length > 0;
  return [
    ...stepIf(hasRepos, 'repos', () => dnf.addRepos()),
    ...MODULE_COMMANDS.flatMap((command) => {
      const specs = layer.modules[command] ?? [];
      return stepIf(specs.length > 0, `modules ${command}`, () =>
        dnf.run(['module', command], packageNames('modules', specs)),
      );
    }),
    ...stepIf(groups.length > 0, 'package_groups', async () => {
      let unknown: string | undefined;
      const look = (line: string) => {
        unknown ??= /Module or Group '(.*)' (is not available|does not exist)/.exec(line)?.[1];
      };
      try {
        await dnf.run(['group', 'install'], packageNames('package_groups', groups).map(groupName), look);
      } catch (cause) {
        throw unknown === undefined ? cause : unknownGroup(unknown, cause);
      }
      // dnf may go on with the groups that it knows.
      if (unknown !== undefined) throw unknownGroup(unknown);
    }),
    ...stepIf(packages.length > 0, 'packages', () => dnf.run(['install'], packageNames('packages', packages))),
    ...stepIf(removed.length > 0, 'remove_packages', () =>
      dnf.run(['remove'], packageNames('remove_packages', removed), (line) => {
        const [, name] = /^No (?:match|packages to remove) for argument: (.*)$/.exec(line) ?? [];
        if (name !== undefined) workspace.warn(`remove_packages: ${name} is not installed`);
      }),
    ),
  ];
};

/** `@core` and `@^minimal-environment` are names for `dnf install`; `group install` knows groups and environments without. */
function groupName(name: string): string {
  return name.replace(/^@\^?/, '');
}

function unknownGroup(name: string, cause?: unknown): BuildFailure {
  return new BuildFailure(`package_groups: there is no group ${name}`, { cause });
}
