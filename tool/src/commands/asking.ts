import type { Buildah } from '../system/buildah.ts';
import { createBuildah } from '../system/buildah-cli.ts';
import type { Exec } from '../system/command.ts';
import { createExec } from '../system/exec.ts';
import type { CommandContext } from './command.ts';

/** What questions to the outside need: children that print nowhere and hold no lock. */
export interface Asking {
  readonly root: string;
  readonly env: CommandContext['env'];
  readonly exec: Exec;
  readonly buildah: Buildah;
}

export function openAsking(context: CommandContext, root: string): Asking {
  const exec = createExec({ env: context.env, signal: context.signal });
  return { root, env: context.env, exec, buildah: createBuildah(exec, { isolation: 'chroot', runId: 'asking' }) };
}
