import type { CommandRun } from './command.ts';
import { hasRunLocks } from './has-run-locks.ts';
import { prepare } from './prepare.ts';

/** Builds and publishes what is not in line with the tree. */
export const run: CommandRun = async (context) => {
  const prepared = await prepare(context, context.positionals);
  if (context.values['dry-run'] === true) {
    const { printPlan } = await import('./plan.ts');
    printPlan(context, prepared, context.values.output === 'json');
    return 0;
  }
  const isIdle = [...prepared.plan.decisions.values()].every((decision) => decision.action === 'nothing');
  if (isIdle) {
    const { reportIdle } = await import('./report-idle.ts');
    reportIdle(context, prepared);
    if (hasRunLocks(prepared.stateDir)) {
      const { sweepBefore } = await import('./start-run.ts');
      await sweepBefore(context, prepared);
    }
    return 0;
  }
  const { startRun } = await import('./start-run.ts');
  const summary = await startRun(context, prepared);
  return summary.layers.some((layer) => layer.outcome === 'failed') ? 1 : 0;
};
