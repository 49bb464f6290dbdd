import type { LayerId } from '../config/layer.ts';
import { type ExternalImage, externalKey } from '../graph/external-image.ts';
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
 * `decideNow` does the same for one layer whose parent is done. `before`: the plan whose questions were answered meanwhile; what
 * asked nothing and stands on what did not change is taken over from it.
 */
export function makePlan(graph: LayerGraph, facts: Facts, wish: Wish, before?: Plan): Plan {
  const decisions = new Map<LayerId, Decision>();
  const questions = new Map<string, Question>();
  for (const id of graph.order) {
    if (!wish.needed.has(id)) continue;
    const earlier = before?.decisions.get(id);
    const link = graph.parents.get(id);
    const isKept =
      earlier?.questions.length === 0 &&
      (link?.kind !== 'layer' || before?.decisions.get(link.id) === decisions.get(link.id));
    const decision = isKept ? earlier : decideNow(graph, id, facts, wish, decisions);
    decisions.set(id, decision);
    for (const question of decision.questions) questions.set(nameOf(question), question);
  }
  return { decisions, questions: [...questions.values()] };
}

/** Several layers may ask the same. */
function nameOf(question: Question): string {
  switch (question.kind) {
    case 'external-digest':
      return `external ${externalKey(question)}`;
    case 'publications':
      return `publications ${question.id}`;
    default:
      // Two layers may keep their builds in different places.
      return `${question.kind} ${question.id} ${question.key}`;
  }
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
      const manifest = externalDigest(id, link, facts, wish);
      if (manifest !== undefined) return { kind: 'known', recipe: { kind: 'external', manifest } };
      return {
        kind: 'unsettled',
        reason: { code: 'external-unknown', text: `the digest of ${link.reference} is not known yet` },
        // Asked once: who could not be reached is not waited for again.
        questions: facts.unanswered.has(externalKey(link)) ? [] : [{ ...link, kind: 'external-digest' }],
      };
    }
    case 'layer': {
      const decision = settled.get(link.id);
      const content = decision === undefined ? facts.records.get(link.id)?.content : decision.content;
      if (content !== undefined) return { kind: 'known', recipe: { kind: 'layer', content } };
      const waits: Record<string, string> = { build: 'is to be rebuilt', pending: 'waits for its own parent' };
      const text = `parent ${link.id} ${waits[decision?.action ?? ''] ?? 'was never built here'}`;
      const code = decision === undefined ? 'parent-unbuilt' : 'parent-pending';
      return { kind: 'unsettled', reason: { code, text, from: link.id }, questions: [] };
    }
  }
}

/**
 * The lock's digest, else the recorded one, else the one that was asked for. Who forces or refreshes wants to hear of a tag that
 * moved; everybody else does not rebuild for it.
 */
export function externalDigest(id: LayerId, image: ExternalImage, facts: Facts, wish: Wish): string | undefined {
  const { reference } = image;
  const asked = facts.externals.get(externalKey(image));
  const looksOutside = wish.refresh || (wish.force && wish.named.has(id));
  // What cannot be asked moves nothing.
  if (looksOutside && !facts.unanswered.has(externalKey(image))) return asked;
  const locked = facts.locks.get(id)?.parent;
  if (locked?.reference === reference) return locked.digest;
  const record = facts.records.get(id);
  if (record?.externalParent === reference && record.recipe.parent.kind === 'external') {
    return record.recipe.parent.manifest;
  }
  return asked;
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
