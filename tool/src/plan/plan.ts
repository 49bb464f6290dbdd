import { isOneOfSeveral } from '../config/architectures.ts';
import type { LayerId } from '../config/layer.ts';
import { type ExternalImage, externalKey } from '../graph/external-image.ts';
import { type ImageLink, type LayerGraph, linksOf, neededBy } from '../graph/layer-graph.ts';
import type { RecipeImage } from '../recipe/recipe.ts';
import { type Decision, decide, type ImagesState } from './decide.ts';
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
    const isKept =
      earlier?.questions.length === 0 &&
      neededBy(graph, id).every((needed) => before?.decisions.get(needed) === decisions.get(needed));
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
  if (layer === undefined) throw new Error(`not in the graph: ${id}`);
  const links = linksOf(graph, id);
  return decide(layer, links, imagesState(), facts, wish);

  function imagesState(): ImagesState {
    const { parent, tools } = links;
    const states = [parent, tools].map((link, index) =>
      link === undefined || link.kind === 'scratch'
        ? undefined
        : imageState(id, link, index === 0 ? 'parent' : 'tools', { facts, wish, settled }),
    );
    const [ofParent, ofTools] = states;
    // Both are asked at once.
    const questions = states.flatMap((state) => (state?.kind === 'unsettled' ? state.questions : []));
    for (const state of states) if (state?.kind === 'unsettled') return { ...state, questions };
    return {
      kind: 'known',
      images: {
        parent: ofParent?.kind === 'known' ? ofParent.image : { kind: 'scratch' },
        ...(ofTools?.kind === 'known' && { toolsImage: ofTools.image }),
      },
    };
  }
}

type ImageState =
  | { readonly kind: 'known'; readonly image: RecipeImage }
  | Extract<ImagesState, { readonly kind: 'unsettled' }>;

/** What an image is needed for. */
export type ImageUse = 'parent' | 'tools';

function imageState(
  id: LayerId,
  link: ImageLink,
  use: ImageUse,
  {
    facts,
    wish,
    settled,
  }: { readonly facts: Facts; readonly wish: Wish; readonly settled: ReadonlyMap<LayerId, Decision> },
): ImageState {
  if (link.kind === 'external') {
    const manifest = externalDigest(id, link, use, facts, wish);
    if (manifest !== undefined) return { kind: 'known', image: { kind: 'external', manifest } };
    return {
      kind: 'unsettled',
      reason: { code: 'external-unknown', text: `the digest of ${link.reference} is not known yet` },
      // Asked once: who could not be reached is not waited for again.
      questions: facts.unanswered.has(externalKey(link)) ? [] : [{ ...link, kind: 'external-digest' }],
    };
  }
  const decision = settled.get(link.id);
  const content = decision === undefined ? facts.records.get(link.id)?.content : decision.content;
  if (content !== undefined) return { kind: 'known', image: { kind: 'layer', content } };
  const waits: Record<string, string> = { build: 'is to be rebuilt', pending: 'waits for its own parent' };
  const what = use === 'parent' ? 'parent' : 'tools image';
  const text = `${what} ${link.id} ${waits[decision?.action ?? ''] ?? 'was never built here'}`;
  const code = decision === undefined ? 'parent-unbuilt' : 'parent-pending';
  return { kind: 'unsettled', reason: { code, text, from: link.id }, questions: [] };
}

/**
 * The lock's digest, else the recorded one, else the one that was asked for. Who forces or refreshes wants to hear of a tag that
 * moved; everybody else does not rebuild for it.
 */
export function externalDigest(
  id: LayerId,
  external: ExternalImage,
  use: ImageUse,
  facts: Facts,
  wish: Wish,
): string | undefined {
  const { reference } = external;
  const asked = facts.externals.get(externalKey(external));
  const looksOutside = wish.refresh || (wish.force && wish.named.has(id));
  // What cannot be asked moves nothing.
  if (looksOutside && !facts.unanswered.has(externalKey(external))) return asked;
  const locked = facts.locks.get(id)?.[use];
  if (locked?.reference === reference) return locked.digest;
  const record = facts.records.get(id);
  const recorded = use === 'parent' ? record?.externalParent : record?.externalTools;
  const image = use === 'parent' ? record?.recipe.parent : record?.recipe.toolsImage;
  return recorded === reference && image?.kind === 'external' ? image.manifest : asked;
}

/** The plan as it is shown, kept and printed by `plan --json`, in build order. */
export function plannedLayers(graph: LayerGraph, plan: Plan): PlannedLayer[] {
  return [...plan.decisions.values()].map((decision) => {
    const layer = graph.layers.get(decision.id);
    return {
      id: decision.id,
      name: layer?.options.name ?? decision.id,
      ...(layer?.architecture !== undefined && isOneOfSeveral(layer) && { architecture: layer.architecture }),
      path: layer?.file ?? '',
      parents: neededBy(graph, decision.id),
      action: decision.action,
      reasons: decision.reasons,
      recipeKey: decision.recipeKey ?? null,
    };
  });
}
