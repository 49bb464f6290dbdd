import type { Buildah } from '../system/buildah.ts';
import { createBuildah } from '../system/buildah-cli.ts';
import type { Exec } from '../system/command.ts';
import type { CommandContext } from './command.ts';

/** What questions to the outside need: children that print nowhere and hold no lock. */
export interface Asking {
  readonly root: string;
  readonly env: CommandContext['env'];
  readonly exec: Exec;
  readonly buildah: Buildah;
}

/** Starts nothing, and loads what starts programs only when somebody asks with one: looking at a file needs none. */
export function openAsking(context: CommandContext, root: string): Asking {
  const exec: Exec = async (...call) => {
    const { createExec } = await import('../system/exec.ts');
    return createExec({ env: context.env, signal: context.signal })(...call);
  };
  return { root, env: context.env, exec, buildah: createBuildah(exec, { isolation: 'chroot', runId: 'asking' }) };
}
