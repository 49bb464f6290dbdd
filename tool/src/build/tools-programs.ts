import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { CommandOptions, CommandResult } from '../system/command.ts';
import type { Workspace } from '../system/workspace.ts';
import { BuildFailure, type BuildTarget } from './builder.ts';
import { boundMounts, withMountPoints } from './mounts.ts';
import { exportScript } from './proxy.ts';
import { statInRoot } from './root-files.ts';
import type { RootPrograms } from './root-programs.ts';

const ROOT = '/run/layers/root';
const FOLDER = '/run/layers/build';
/** Values may be secret (a proxy's password), and `--env` would show them. */
const RUN = `set -eu
. ${FOLDER}/layers-env.sh
exec "$@"
`;
/** What a package manager does as root on a machine, and containers may not by themselves: roots of its own, device nodes, file capabilities. */
const CAPABILITIES = ['--cap-add', 'CAP_SYS_CHROOT,CAP_MKNOD,CAP_SETFCAP'];

/**
 * The programs of a tools image, in a container of it in which the layer's root is mounted. All of theirs is that image's: the format
 * of the rpm database and its place, gpg, the crypto policy, root's home. zypper looks for credentials below the root, so that the
 * layer's mounts are there too.
 */
export function toolsPrograms(
  manager: string,
  folder: string,
  target: BuildTarget & { readonly tools: string },
  workspace: Workspace,
): RootPrograms {
  const { layer, tools, mountPoint } = target;
  const below = manager === 'zypper' ? boundMounts(target) : [];

  async function run(program: string, args: readonly string[], given: CommandOptions = {}): Promise<CommandResult> {
    const { env = {}, ...options } = given;
    const variables = Object.entries({ LC_ALL: 'C.UTF-8', ...env }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    );
    await writeFile(path.join(folder, 'layers-env.sh'), exportScript(Object.fromEntries(variables)), { mode: 0o600 });
    const work = (volumes: readonly string[]) =>
      workspace.buildah.run(tools, ['/bin/sh', '-c', RUN, 'sh', program, ...args], {
        ...options,
        volumes: [`${mountPoint}:${ROOT}`, `${folder}:${FOLDER}`, ...volumes],
        extra: CAPABILITIES,
      });
    return withMountPoints(mountPoint, below, work, ROOT);
  }

  return {
    root: ROOT,
    folder: FOLDER,
    env: {},
    async begin() {
      const root = await workspace.buildah.mount(tools);
      for (const program of [manager, 'rpm']) {
        if ((await statInRoot(root, `usr/bin/${program}`)) !== undefined) continue;
        throw new BuildFailure(`there is no ${program} in the tools image ${layer.options.tools_image}`);
      }
      await mkdir(folder, { recursive: true });
    },
    run,
    rpm: (args, options) => run('rpm', ['--root', ROOT, ...args], options),
    async lend(file) {
      await copyFile(file, path.join(folder, path.basename(file)));
      return `${FOLDER}/${path.basename(file)}`;
    },
  };
}
