import { expect, test } from 'vitest';
import type { LayerId } from '../../tool/src/config/layer.ts';
import type { LayerGraph } from '../../tool/src/graph/layer-graph.ts';
import type { Plan } from '../../tool/src/plan/plan.ts';
import type { MutableFacts } from '../../tool/src/run/gather-facts.ts';
import type { InputReader } from '../../tool/src/run/input-reader.ts';
import { FailedBuilds } from '../../tool/src/watch/failed-builds.ts';
import { content, inLine } from '../helpers/facts.ts';
import { graphOf, layer, on } from '../helpers/layers.ts';

const TOP = layer('top');
/** Nothing is read for base layers here. */
const reader = {} as InputReader;
/** top stands on base, and the package manager of tools works on it. */
const graph: LayerGraph = {
  ...graphOf([layer('base'), layer('tools'), TOP], { top: on('base') }),
  tools: new Map([[TOP.id, { kind: 'layer', id: 'tools' as LayerId, reference: 'tools' }]]),
};

function planned(actions: Record<string, string>): Plan {
  const decisions = Object.entries(actions).map(([id, action]) => [id, { id, action }] as const);
  return { decisions: new Map(decisions) } as unknown as Plan;
}

test.each(['base', 'tools'])(
  'a build that failed is tried again when %s is built, or is another one',
  async (below) => {
    const failed = new FailedBuilds();
    const facts = inLine(graph) as MutableFacts;
    await failed.begins(TOP, { graph, facts, reader });
    failed.ended(TOP.id, true);
    const again = async (plan: Record<string, string>, now = facts) =>
      !(
        await failed.among(planned({ base: 'nothing', tools: 'nothing', top: 'build', ...plan }), {
          graph,
          facts: now,
          reader,
        })
      ).has(TOP.id);

    expect(await again({})).toBe(false);
    expect(await again({ [below]: 'build' })).toBe(true);
    const other = inLine(graph) as MutableFacts;
    const id = below as LayerId;
    other.records.set(id, { ...other.records.get(id)!, content: content('other') });
    expect(await again({}, other)).toBe(true);
  },
);
