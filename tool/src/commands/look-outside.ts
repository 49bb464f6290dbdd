import type { LayerId } from '../config/layer.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
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
  warn: (id: LayerId, message: string) => void,
): Promise<void> {
  const builds = new Map<LayerId, KnownBuild>();
  for (const { id, action, adopted } of plan.decisions.values()) {
    const build = adopted ?? facts.records.get(id);
    if (action !== 'build' && build !== undefined) builds.set(id, build);
  }
  const asking = { graph, env: context.env, signal: context.signal };
  for (const [id, reasons] of await movedOutside(builds, asking, warn)) facts.moved.set(id, reasons);
}
