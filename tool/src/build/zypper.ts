import { CommandFailure } from '../system/command.ts';
import type { Workspace } from '../system/workspace.ts';
import { BuildFailure } from './builder.ts';
import { isOutside, type PackageSteps, packageNames, stepIf } from './package-manager.ts';
import { zypperInside } from './zypper-inside.ts';
import { type Heard, hear, listenToZypper } from './zypper-output.ts';
import { zypperOutside } from './zypper-outside.ts';
import { groupSpecs } from './zypper-patterns.ts';

/** Where zypper runs: the command with its options, then names that are none of them. */
export interface Zypper {
  addRepos(): Promise<void>;
  /** Gives the exit code, 0 or one of `accept`. Fresh metadata is loaded before the first call. */
  run(command: readonly string[], names: readonly string[], listening?: Listening): Promise<number>;
}

interface Listening {
  readonly accept?: readonly number[];
  readonly onLine?: (line: string) => void;
}

/** zypper's own meanings, of this manager only: what the work was done under, and what it was not done for. */
const REBOOT = 102;
const RESTART = 103;
const NOT_FOUND = 104;
const REPOSITORY_SKIPPED = 106;
const SCRIPTLET_FAILED = 107;
const DONE = [REBOOT, RESTART, SCRIPTLET_FAILED];

const INSTALL = ['install', '--auto-agree-with-licenses'];

/** SUSE's family: the tools image's zypper where there is one; else the host's makes a root from scratch, that of the image goes on from a parent. */
export const zypperSteps: PackageSteps = (target, workspace, used) => {
  const { layer } = target;
  const zypper = isOutside(target) ? zypperOutside(target, workspace, used) : zypperInside(target, workspace, used);
  const { package_groups: groups, packages, remove_packages: removed } = layer;
  const install = async (key: string, names: readonly string[]) => {
    await act(key, zypper, workspace, INSTALL, names);
  };
  return [
    ...stepIf(layer.repos.length + layer.exclusive_repos.length > 0, 'repos', () => zypper.addRepos()),
    ...stepIf(groups.length > 0, 'package_groups', async () =>
      install('package_groups', await groupSpecs(packageNames('package_groups', groups), zypper)),
    ),
    ...stepIf(packages.length > 0, 'packages', () => install('packages', zypperNames('packages', packages))),
    ...stepIf(removed.length > 0, 'remove_packages', async () => {
      const names = zypperNames('remove_packages', removed);
      const { absent } = await act('remove_packages', zypper, workspace, ['remove'], names, [NOT_FOUND]);
      for (const name of absent) workspace.warn(`remove_packages: ${name} is not installed`);
    }),
  ];
};

/** Warns of what was done but not well. Throws BuildFailure in zypper's words for what it did not do. */
async function act(
  key: string,
  zypper: Zypper,
  workspace: Workspace,
  command: readonly string[],
  names: readonly string[],
  more: readonly number[] = [],
): Promise<Heard> {
  const heard = listenToZypper();
  const accept = [0, ...DONE, ...more];
  const exitCode = await zypper.run(command, names, { accept, onLine: hear(heard) }).catch((cause: unknown) => {
    throw failureOf(key, heard, cause);
  });
  if (exitCode === SCRIPTLET_FAILED) {
    const which = heard.scriptlets.length === 0 ? 'a scriptlet failed' : heard.scriptlets.join(', ');
    workspace.warn(`${key}: installed, but not everything ran: ${which}`);
  }
  if (exitCode === REBOOT) workspace.warn(`${key}: zypper asks for a reboot of what was installed`);
  if (exitCode === RESTART) workspace.warn(`${key}: zypper itself was updated and asks to be run again`);
  return heard;
}

function failureOf(key: string, { absent, skipped, unsigned }: Heard, cause: unknown): unknown {
  const exitCode = cause instanceof CommandFailure && cause.reason === 'exit' ? cause.result.exitCode : undefined;
  if (exitCode === NOT_FOUND) {
    return new BuildFailure(`${key}: no repository has ${absent.length === 0 ? 'it' : absent.join(', ')}`, { cause });
  }
  if (exitCode === REPOSITORY_SKIPPED) {
    return new BuildFailure(
      `${key}: zypper went on without a repository that it could not read: ${skipped.join(', ')}`,
      { cause },
    );
  }
  if (exitCode !== undefined && unsigned.length > 0) {
    return new BuildFailure(`${key}: signed by no key that the image's rpm knows: ${unsigned.join(', ')}`, {
      hint: 'the key belongs under `gpg` of the repository',
      cause,
    });
  }
  return cause;
}

/** Where `!name` and `~name` mean the opposite for zypper. Throws BuildFailure. */
function zypperNames(key: string, names: readonly string[]): readonly string[] {
  const odd = names.find((name) => /^[!~+]/.test(name));
  if (odd !== undefined) throw new BuildFailure(`${key}: ${JSON.stringify(odd)} is not a package name`);
  return packageNames(key, names);
}
