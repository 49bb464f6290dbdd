import type { Command } from '../config/schema.ts';
import { CommandFailure } from '../system/command.ts';
import { isOwn } from '../system/own-words.ts';
import type { Workspace } from '../system/workspace.ts';
import type { BuildTarget } from './builder.ts';
import type { BuildStep } from './package-manager.ts';
import { statInRoot } from './root-files.ts';

const LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'];
/** A shorter command holds no secret worth hiding, and hiding it would put stars all over the output. */
const SHORTEST_SECRET = 12;

/** Runs each command inside, by bash where the image has it, as image-build does; a step each. */
export function cmdSteps(target: BuildTarget, workspace: Workspace): BuildStep[] {
  const { cmds, options } = target.layer;
  const level = rank(options.log_level ?? 'INFO');
  return cmds.map((command, index) => ({
    name: cmds.length === 1 ? 'cmds' : `cmds ${index + 1}/${cmds.length}`,
    run: () => runCommand(command, { target, workspace, index, isShown: rank(command.loglevel) >= level }),
  }));
}

interface Place {
  readonly target: BuildTarget;
  readonly workspace: Workspace;
  readonly index: number;
  readonly isShown: boolean;
}

async function runCommand({ cmd, buildah_extra_args: extra }: Command, place: Place): Promise<void> {
  const { target, workspace, index, isShown } = place;
  try {
    await workspace.buildah.run(target.container, [await shellOf(target.mountPoint), '-c', cmd], {
      extra,
      collect: false,
      quiet: !isShown,
      // The text may carry credentials: it shows in the argv of this one process and nowhere else.
      secrets: cmd.length < SHORTEST_SECRET ? [] : [cmd],
    });
  } catch (error) {
    throw error instanceof CommandFailure ? explained(error, index) : error;
  }
}

/** A failure that names the command by its place, as its text is hidden. */
function explained(failure: CommandFailure, index: number): CommandFailure {
  if (failure.reason !== 'exit') return failure;
  const { exitCode, tail } = failure.result;
  // The last lines are buildah's own.
  const last = tail.findLast((line) => line.trim() !== '' && !isOwn(line));
  const message = `command ${index + 1} under cmds: exit code ${exitCode}${last === undefined ? '' : `: ${last.trim()}`}`;
  return new CommandFailure(failure.reason, failure.result, message, failure);
}

/** bash where the image has it. */
export async function shellOf(mountPoint: string): Promise<string> {
  for (const shell of ['usr/bin/bash', 'bin/bash']) {
    if ((await statInRoot(mountPoint, shell)) !== undefined) return `/${shell}`;
  }
  return '/bin/sh';
}

function rank(level: string): number {
  const name = level.toUpperCase() === 'WARN' ? 'WARNING' : level.toUpperCase();
  const found = LEVELS.indexOf(name);
  return found === -1 ? LEVELS.indexOf('INFO') : found;
}
