import { estimate } from '../plan/estimate.ts';
import { plannedLayers } from '../plan/plan.ts';
import { wantsColour } from '../report/palette.ts';
import { estimateLines } from '../report/plan-estimate.ts';
import { publicationLines } from '../report/plan-publications.ts';
import { planJson, planLines } from '../report/plan-text.ts';
import { unsharedLines } from '../report/plan-unshared.ts';
import type { CommandContext, CommandRun } from './command.ts';
import { plannedMountProblems } from './missing-mounts.ts';
import { type Prepared, prepare } from './prepare.ts';
import { printDiagnostics } from './print-diagnostics.ts';

/** What would be done, and why. Exit 1 where it cannot be done; `--exit-code`: 3 when there is something to do. */
export const run: CommandRun = async (context) => {
  const prepared = await prepare(context, context.positionals);
  const canBeDone = await printPlan(
    context,
    prepared,
    context.values.json === true || context.values.output === 'json',
  );
  if (!canBeDone) return 1;
  const isIdle = [...prepared.plan.decisions.values()].every((decision) => decision.action === 'nothing');
  return context.values['exit-code'] === true && !isIdle ? 3 : 0;
};

/** Also what `build --dry-run` prints. Gives whether it can be done here, as far as is known. */
export async function printPlan(context: CommandContext, prepared: Prepared, json: boolean): Promise<boolean> {
  const problems = await plannedMountProblems(prepared);
  printDiagnostics(context, problems, prepared.root);
  const canBeDone = problems.length === 0 && !prepared.warnings.some(({ isError }) => isError);
  for (const { id, message, isError } of prepared.warnings) {
    context.warn(`${isError ? 'error' : 'warning'}: ${id === null ? '' : `${id}: `}${message}`);
  }
  if (prepared.note !== undefined) context.warn(prepared.note);
  const planned = plannedLayers(prepared.graph, prepared.plan);
  const radius = estimate(prepared.graph, prepared.plan.decisions, prepared.facts, prepared.jobs);
  if (json) {
    context.print(JSON.stringify(planJson(planned, radius)));
    return canBeDone;
  }
  const colour = wantsColour(context.env, context.stdout.isTTY === true);
  const { facts, wish } = prepared;
  const { decisions } = prepared.plan;
  const lines = [
    ...planLines(planned, { colour }),
    ...estimateLines(radius, prepared.jobs),
    ...publicationLines(decisions.values()),
    ...unsharedLines(wish.reuse ? [...decisions.keys()].filter((id) => !facts.shared.has(id)) : []),
  ];
  for (const line of lines) context.print(line);
  return canBeDone;
}
