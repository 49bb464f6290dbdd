import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { CommandOptions, CommandResult } from '../system/command.ts';
import type { Workspace } from '../system/workspace.ts';
import type { BuildTarget } from './builder.ts';
import { statInRoot } from './root-files.ts';
import { toolsPrograms } from './tools-programs.ts';

/** Programs that work on a layer's mounted root from outside of it: those of this machine, or of the layer's tools image. */
export interface RootPrograms {
  /** Where they see the root. */
  readonly root: string;
  /** Where they see the folder that the build has for them. */
  readonly folder: string;
  /** What they need in their environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Before the first call; may refuse. */
  begin(): Promise<void>;
  run(program: string, args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** rpm on the root's database. */
  rpm(args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** Where they see a file of the build's, which may lie elsewhere. */
  lend(file: string): Promise<string>;
}

/** Where rpm looks for its database: Fedora and its newer relatives first, then the others. */
const DATABASES = ['usr/lib/sysimage/rpm', 'var/lib/rpm'];

/** `folder`: of this build, on this machine; made when it is not there. `manager`: the program that is meant to be there. */
export function rootPrograms(manager: string, folder: string, target: BuildTarget, workspace: Workspace): RootPrograms {
  const { tools } = target;
  return tools === undefined
    ? ownPrograms(folder, target, workspace)
    : toolsPrograms(manager, folder, { ...target, tools }, workspace);
}

function ownPrograms(folder: string, { mountPoint }: BuildTarget, workspace: Workspace): RootPrograms {
  const home = path.join(folder, 'home');
  const env = { HOME: home };
  let database = '';
  return {
    root: mountPoint,
    folder,
    env,
    async begin() {
      database = `/${await databaseOf(mountPoint)}`;
      await mkdir(home, { recursive: true });
      // Debian's rpm would put the database into root's home, where the target's does not look for it.
      await writeFile(path.join(home, '.rpmmacros'), `%_dbpath ${database}\n`);
    },
    run: (program, args, options) => workspace.exec(program, args, options),
    rpm: (args, options) =>
      workspace.exec('rpm', ['--root', mountPoint, '--dbpath', database, ...args], { ...options, env }),
    lend: async (file) => file,
  };
}

async function databaseOf(mountPoint: string): Promise<string> {
  for (const folder of DATABASES) if ((await statInRoot(mountPoint, folder))?.isDirectory()) return folder;
  return 'var/lib/rpm';
}
