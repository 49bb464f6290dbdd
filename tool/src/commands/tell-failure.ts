import { InvalidInput } from '../config/diagnostic.ts';
import { diskHint } from '../run/disk-failure.ts';
import { failureOf } from '../run/failure.ts';
import { CommandFailure } from '../system/command.ts';
import type { CommandContext } from './command.ts';

/** What the user or the machine has to mend, in words; undefined for mistakes of ours. */
export function problemOf(error: unknown): InvalidInput | undefined {
  if (error instanceof InvalidInput) return error;
  if (!(error instanceof CommandFailure) && diskHint(error) === undefined) return undefined;
  const { message, hint } = failureOf(error, 'build');
  return new InvalidInput(message, { ...(hint !== undefined && { hint }), cause: error });
}

/** Says what the machine is in the way with (a full disk, a program that fails), and gives the exit code; throws whatever is not that. */
export function tellFailure(error: unknown, { warn, signal }: CommandContext): number {
  const problem = error instanceof InvalidInput || signal.aborted ? undefined : problemOf(error);
  if (problem === undefined) throw error;
  warn(`error: ${problem.message}`);
  if (problem.hint !== undefined) warn(`  ${problem.hint}`);
  return 1;
}
