import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { InvalidInput } from '../config/diagnostic.ts';
import { needsUnshare, unshareArgv } from '../system/rootless.ts';
import type { CommandContext } from './command.ts';

/**
 * A plain user can mount a container's root only inside a user namespace: there the same command line starts again, in this very
 * process, so that signals and exit code stay its own. Does nothing for root. Throws InvalidInput where buildah is missing.
 */
export function enterUserNamespace(context: CommandContext): void {
  if (!needsUnshare()) return;
  const [program = 'buildah', ...args] = unshareArgv([process.execPath, ...process.execArgv, ...process.argv.slice(1)]);
  const file = inPath(program, context.env.PATH ?? '');
  if (file === undefined)
    throw new InvalidInput(`${program} is not installed`, { hint: "'layers doctor' says how to install it" });
  const env = Object.fromEntries(
    Object.entries(context.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  process.execve?.(file, [program, ...args], env);
}

function inPath(program: string, path: string): string | undefined {
  for (const folder of path.split(delimiter)) {
    const file = join(folder, program);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this one.
    }
  }
  return undefined;
}
