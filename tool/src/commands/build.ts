import { startResting } from './at-rest-keep.ts';
import type { CommandRun } from './command.ts';
import { hasRunLocks } from './has-run-locks.ts';
import { prepare } from './prepare.ts';

/** Builds and publishes what is not in line with the tree. */
export const run: CommandRun = async (context) => {
  const resting = startResting(context);
  const prepared = await prepare(resting?.context ?? context, context.positionals).catch((error: unknown) => {
    resting?.stop();
    throw error;
  });
  if (context.values['dry-run'] === true) {
    const { printPlan } = await import('./plan.ts');
    return (await printPlan(context, prepared, context.values.output === 'json')) ? 0 : 1;
  }
  const isIdle = [...prepared.plan.decisions.values()].every((decision) => decision.action === 'nothing');
  const hasLocks = isIdle && hasRunLocks(prepared.stateDir);
  resting?.stop();
  if (isIdle) {
    const { reportIdle } = await import('./report-idle.ts');
    const warnings = reportIdle(context, prepared);
    if (hasLocks) {
      const { sweepBefore } = await import('./start-run.ts');
      await sweepBefore(context, prepared);
    } else resting?.keep(prepared, warnings);
    return 0;
  }
  if (prepared.note !== undefined) context.warn(prepared.note);
  const { startRun } = await import('./start-run.ts');
  const summary = await startRun(context, prepared);
  return summary.layers.some((layer) => layer.outcome === 'failed') ? 1 : 0;
};
