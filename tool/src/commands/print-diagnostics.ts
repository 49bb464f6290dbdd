import type { Diagnostic } from '../config/diagnostic.ts';
import { formatDiagnostics } from '../report/diagnostics.ts';
import { wantsColour } from '../report/palette.ts';
import type { CommandContext } from './command.ts';
import { readSources } from './read-sources.ts';

/**
 * Prints diagnostics with their code frames to standard error; nothing when there are none.
 * @param root where their files are; default the tree that the command works on
 */
export function printDiagnostics(
  context: CommandContext,
  diagnostics: readonly Diagnostic[],
  root: string = context.options.root ?? context.cwd,
): void {
  if (diagnostics.length === 0) return;
  const colour = wantsColour(context.env, context.stderr.isTTY === true);
  context.warn(formatDiagnostics(diagnostics, { sources: readSources(diagnostics, root), colour }));
}
