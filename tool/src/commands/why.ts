import { InvalidInput } from '../config/diagnostic.ts';
import { ancestors } from '../graph/select.ts';
import { plannedLayers } from '../plan/plan.ts';
import { planJson } from '../report/plan-text.ts';
import type { CommandRun } from './command.ts';
import { prepare } from './prepare.ts';

const HEADLINES = {
  build: 'is to be built',
  reuse: 'is to be reused',
  publish: 'is to be published',
  pending: 'waits for its parent',
  nothing: 'is in line with the tree',
} as const;

/** The difference between a layer's record, or with `--against` another recipe of it, and the tree of now, as the plan found it. */
export const run: CommandRun = async (context) => {
  const [selector] = context.positionals;
  if (selector === undefined && context.values.affected === undefined) {
    const hint = 'usage: layers why LAYER, or layers why --affected [REF]';
    throw new InvalidInput('why of which layer?', { hint });
  }
  const prepared = await prepare(context, context.positionals);
  const planned = plannedLayers(prepared.graph, prepared.plan);
  const named = planned.filter((layer) => prepared.wish.named.has(layer.id));
  if (typeof context.values.against === 'string') {
    const { compareWith } = await import('./why-against.ts');
    await compareWith(context, prepared, context.values.against);
    return 0;
  }
  if (context.values.json === true) {
    context.print(JSON.stringify(planJson(named)));
    return 0;
  }
  for (const layer of named) {
    context.print(`${layer.id} ${HEADLINES[layer.action]}`);
    for (const reason of layer.reasons) context.print(`  ${reason.text}`);
    const upper = ancestors(prepared.graph, [layer.id]);
    const above = planned.filter(({ id, action }) => upper.has(id) && action !== 'nothing');
    for (const parent of above) context.print(`  ${parent.id} ${HEADLINES[parent.action]}: ${texts(parent.reasons)}`);
    const record = prepared.facts.records.get(layer.id);
    if (record !== undefined) context.print(`  last built ${record.builtAt}, recipe ${record.recipeKey.slice(0, 12)}`);
  }
  return 0;
};

function texts(reasons: readonly { readonly text: string }[]): string {
  return reasons.map((reason) => reason.text).join('; ');
}
