import { formatDuration } from '../report/format.ts';
import type { CommandContext } from './command.ts';
import type { Prepared } from './prepare.ts';

/** The end of a build that had nothing to do: no run, no folder, one line. */
export function reportIdle(context: CommandContext, prepared: Prepared): void {
  const count = prepared.plan.decisions.size;
  if (context.values.output === 'json') {
    const layers = [...prepared.plan.decisions.keys()];
    const { verified, warnings } = prepared;
    context.print(JSON.stringify({ at: Date.now(), type: 'nothing-to-do', layers, verified, warnings }));
    return;
  }
  for (const { id, message } of prepared.warnings) context.warn(`warning: ${id === null ? '' : `${id}: `}${message}`);
  const state = prepared.verified
    ? 'up to date, destinations verified'
    : 'up to date (records trusted; --verify asks the destinations)';
  context.print(
    `nothing to do: ${count} ${count === 1 ? 'layer' : 'layers'} ${state} in ${formatDuration(performance.now())}`,
  );
}
