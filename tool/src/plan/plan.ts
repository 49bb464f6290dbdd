import type { LayerId } from '../config/layer.ts';
import type { LayerGraph, ParentLink } from '../graph/layer-graph.ts';
import { type Decision, decide, type ParentState } from './decide.ts';
import type { Facts, Question, Wish } from './facts.ts';
import type { PlannedLayer } from './planned-layer.ts';

/** A decision for every needed layer, parents first. */
export interface Plan {
  readonly decisions: ReadonlyMap<LayerId, Decision>;
  /** What has to be answered before the plan is as sharp as it can be. */
  readonly questions: readonly Question[];
}

/**
 * One pure step: facts so far → decisions and open questions. Who calls it answers the questions and calls again; during a run
 * `decideNow` does the same for one layer whose parent is done.
 */
export function makePlan(graph: LayerGraph, facts: Facts, wish: Wish): Plan {
  const decisions = new Map<LayerId, Decision>();
  const questions = new Map<string, Question>();
  for (const id of graph.order) {
    if (!wish.needed.has(id)) continue;
    const decision = decideNow(graph, id, facts, wish, decisions);
    decisions.set(id, decision);
    if (decision.question !== undefined) questions.set(decision.question.reference, decision.question);
  }
  return { decisions, questions: [...questions.values()] };
}

/** The decision for one layer. `settled`: decisions of its ancestors; one that is done is left out, its record speaks. */
export function decideNow(
  graph: LayerGraph,
  id: LayerId,
  facts: Facts,
  wish: Wish,
  settled: ReadonlyMap<LayerId, Decision>,
): Decision {
  const layer = graph.layers.get(id);
  const link = graph.parents.get(id);
  if (layer === undefined || link === undefined) throw new Error(`not in the graph: ${id}`);
  return decide(layer, link, parentState(layer.id, link, facts, wish, settled), facts, wish);
}

function parentState(
  id: LayerId,
  link: ParentLink,
  facts: Facts,
  wish: Wish,
  settled: ReadonlyMap<LayerId, Decision>,
): ParentState {
  switch (link.kind) {
    case 'scratch':
      return { kind: 'known', recipe: { kind: 'scratch' } };
    case 'external': {
      // The recorded digest holds until --force asks to look outside: a tag that moved there rebuilds nothing by itself.
      const record = facts.records.get(id);
      const isBelieved = record?.externalParent === link.reference && !(wish.force && wish.named.has(id));
      const recorded = isBelieved ? record.recipe.parent : undefined;
      const manifest = recorded?.kind === 'external' ? recorded.manifest : facts.externals.get(link.reference);
      if (manifest !== undefined) return { kind: 'known', recipe: { kind: 'external', manifest } };
      return {
        kind: 'unsettled',
        reason: { code: 'external-unknown', text: `the digest of ${link.reference} is not known yet` },
        question: { kind: 'external-digest', reference: link.reference },
      };
    }
    case 'layer': {
      const decision = settled.get(link.id);
      if (decision?.action === 'build' || decision?.action === 'pending') {
        const text =
          decision.action === 'build'
            ? `parent ${link.id} is to be rebuilt`
            : `parent ${link.id} waits for its own parent`;
        return { kind: 'unsettled', reason: { code: 'parent-pending', text } };
      }
      const record = facts.records.get(link.id);
      if (record === undefined) {
        return {
          kind: 'unsettled',
          reason: { code: 'parent-unbuilt', text: `parent ${link.id} was never built here` },
        };
      }
      return { kind: 'known', recipe: { kind: 'layer', content: record.content } };
    }
  }
}

/** The plan as it is shown, kept and printed by `plan --json`, in build order. */
export function plannedLayers(graph: LayerGraph, plan: Plan): PlannedLayer[] {
  return [...plan.decisions.values()].map((decision) => {
    const layer = graph.layers.get(decision.id);
    const link = graph.parents.get(decision.id);
    return {
      id: decision.id,
      name: layer?.options.name ?? decision.id,
      path: layer?.file ?? '',
      parents: link?.kind === 'layer' ? [link.id] : [],
      action: decision.action,
      reasons: decision.reasons,
      recipeKey: decision.recipeKey ?? null,
    };
  });
}
