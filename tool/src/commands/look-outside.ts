import type { LayerId } from '../config/layer.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import type { Question } from '../plan/facts.ts';
import type { Plan } from '../plan/plan.ts';
import type { KnownBuild } from '../recipe/known-build.ts';
import { movedOutside } from '../run/drift.ts';
import type { MutableFacts } from '../run/gather-facts.ts';
import type { CommandContext } from './command.ts';

/** `--refresh`: asks the package repositories of every build that the plan would go on using, and puts what moved into the facts. */
export async function lookOutside(
  context: CommandContext,
  graph: LayerGraph,
  facts: MutableFacts,
  plan: Plan,
  world: {
    answer(questions: readonly Question[]): Promise<boolean>;
    warn(id: LayerId, message: string): void;
  },
): Promise<void> {
  const builds = new Map<LayerId, KnownBuild>();
  for (const { id, action, adopted } of plan.decisions.values()) {
    const build = adopted ?? facts.records.get(id);
    if (action !== 'build' && build !== undefined) builds.set(id, build);
  }
  // Another machine may have looked outside, and built, since ours did.
  const keys = [...builds].filter(([id]) => facts.shared.has(id));
  await world.answer(keys.map(([id, { recipeKey: key }]): Question => ({ kind: 'standing', id, key })));
  for (const [id, build] of keys) {
    const standing = facts.standing.get(build.recipeKey);
    if (standing && standing.lastBuiltAt > build.lastBuiltAt) builds.set(id, standing);
  }
  const asking = { graph, env: context.env, signal: context.signal };
  for (const [id, reasons] of await movedOutside(builds, asking, world.warn)) facts.moved.set(id, reasons);
}
