import { idleText } from '../report/idle-text.ts';
import type { CommandContext } from './command.ts';
import type { Prepared } from './prepare.ts';

/** The end of a build that had nothing to do: no run, no folder, one line. Gives the warnings that it printed. */
export function reportIdle(context: CommandContext, prepared: Prepared): readonly string[] {
  const count = prepared.plan.decisions.size;
  // Where something is up to date, what others build is no news.
  const note = count === 0 ? prepared.note : undefined;
  if (context.values.output === 'json') {
    const layers = [...prepared.plan.decisions.keys()];
    const { verified } = prepared;
    const warnings = [...prepared.warnings, ...(note === undefined ? [] : [{ id: null, message: note }])];
    context.print(JSON.stringify({ at: Date.now(), type: 'nothing-to-do', layers, verified, warnings }));
    return [];
  }
  const warnings = prepared.warnings.map(({ id, message }) => `warning: ${id === null ? '' : `${id}: `}${message}`);
  const lines = [...warnings, ...(note === undefined ? [] : [note])];
  for (const line of lines) context.warn(line);
  context.print(idleText(count, prepared.verified, performance.now(), note !== undefined));
  return lines;
}
