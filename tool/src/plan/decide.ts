import { type Destination, destinationsOf } from '../config/destinations.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import type { LayerLinks } from '../graph/layer-graph.ts';
import type { ContentDigest, Recipe, RecipeImages, RecipeKey } from '../recipe/recipe.ts';
import type { LayerRecord } from '../recipe/record.ts';
import { type CandidateRecipe, candidatesOf } from './candidates.ts';
import { ageReason } from './drift.ts';
import type { Facts, Question, Wish } from './facts.ts';
import { reasonsOf, stalePublications } from './publications.ts';
import type { Reason } from './reason.ts';
import { isLockedAlready, isShared, keyed, lookups, reuse } from './reuse.ts';
import { compellingReasons, isStillGood, ownReasons, staleReasons } from './stale-reasons.ts';

/** What to do with one layer. */
export interface Decision {
  readonly id: LayerId;
  readonly action: 'build' | 'reuse' | 'publish' | 'nothing' | 'pending';
  readonly reasons: readonly Reason[];
  /** Absent while the content of the images that it needs, or what Ansible will read, is not known. */
  readonly recipe?: Recipe;
  readonly recipeKey?: RecipeKey;
  /** What the layer contains when the decision is carried out; absent where only a build will tell. */
  readonly content?: ContentDigest;
  /** Built although the same recipe may have been built before: the new build takes the place of the old one everywhere. */
  readonly replaces?: boolean;
  /** To reuse: the record that this machine has of it from now on. */
  readonly adopted?: LayerRecord;
  /** Destinations to bring in line; for a build all of them. */
  readonly publish: readonly Destination[];
  /** Answers to these may change the decision. */
  readonly questions: readonly Question[];
}

/** How parent and tools image stand at this moment: their content is known, or will be after work that is named. */
export type ImagesState =
  | { readonly kind: 'known'; readonly images: RecipeImages }
  | { readonly kind: 'unsettled'; readonly reason: Reason; readonly questions: readonly Question[] };

/**
 * Decides one layer from facts. Pure: the same facts give the same decision, before the run for a plan and during the run when its
 * images are settled.
 */
export function decide(layer: Layer, links: LayerLinks, state: ImagesState, facts: Facts, wish: Wish): Decision {
  const { id } = layer;
  const record = facts.records.get(id);
  const publish = wish.publish ? destinationsOf(layer) : [];
  const compelling = compellingReasons(layer, facts, wish);
  if (state.kind === 'unsettled') {
    const own = compelling.length > 0 ? compelling : ownReasons(layer, links, record, facts);
    if (own.length > 0) {
      const replaces = compelling.length > 0;
      return { id, action: 'build', reasons: own, publish, questions: state.questions, ...(replaces && { replaces }) };
    }
    return { id, action: 'pending', reasons: [state.reason], publish, questions: state.questions };
  }
  const { candidates, probe } = candidatesOf(layer, state.images, facts);
  const [first] = candidates;
  const build = (reasons: readonly Reason[], questions: readonly Question[] = []): Decision => {
    return { id, action: 'build', reasons, publish, questions, ...(first && keyed(first)) };
  };
  if (compelling.length > 0) return { ...build(compelling), replaces: true };
  const current = record && candidates.find(({ key }) => key === record.recipeKey);
  const standing = current && facts.standing.get(current.key);
  if (record && current && standing && standing.content !== record.content) {
    const replaced = { code: 'built-elsewhere', text: 'another machine has built it anew' };
    return reuse(layer, links, current, standing, { facts, publish, reasons: [replaced] });
  }
  const reasons = staleReasons(layer, links, record, current, first, facts);
  if (record !== undefined && current !== undefined && reasons.length === 0) {
    return bringToDestinations(layer, record, current, publish, { facts, wish });
  }
  if (!wish.reuse) return build(reasons);
  for (const candidate of candidates) {
    const found = facts.builds.get(candidate.key);
    if (found == null || ageReason(layer, found.lastBuiltAt, facts.now) !== undefined) continue;
    return reuse(layer, links, candidate, found, { facts, publish, reasons });
  }
  const questions = lookups(layer, candidates, probe, facts);
  const isUsable = record !== undefined && questions.length === 0 && isStillGood(layer, record, facts);
  const locked = isUsable ? candidates.find((one) => isLockedAlready(record, one)) : undefined;
  if (isUsable && locked !== undefined) {
    return reuse(layer, links, locked, { ...record, recipeKey: locked.key }, { facts, publish, reasons });
  }
  // Known, and too old.
  const replaces =
    candidates.some(({ key }) => facts.builds.get(key) != null) || reasons.some(({ code }) => code === 'age');
  return { ...build(reasons, questions), ...(replaces && { replaces }) };
}

/** What to do for a layer whose build is good: nothing, or what destinations and the shared place lack. */
function bringToDestinations(
  layer: Layer,
  record: LayerRecord,
  current: CandidateRecipe,
  publish: readonly Destination[],
  { facts, wish }: { readonly facts: Facts; readonly wish: Wish },
): Decision {
  const { id } = layer;
  const stale = stalePublications(layer, record, publish, facts);
  const known = { id, ...keyed(current), content: record.content };
  const unshared = isShared(record, facts)
    ? []
    : [{ code: 'not-shared', text: `not in ${facts.shared.get(id)?.place} yet` }];
  const reasons = [...reasonsOf(stale), ...unshared];
  if (reasons.length === 0) return { ...known, action: 'nothing', reasons, publish: [], questions: [] };
  // A tag that is not ours any more may be that of a newer build: then ours must not move it back.
  const isOvertaken = reasons.some(({ code }) => code === 'publication-missing');
  const asks = wish.reuse && isOvertaken && facts.shared.has(id) && !facts.standing.has(current.key);
  const questions: Question[] = asks ? [{ kind: 'standing', id, key: current.key }] : [];
  return { ...known, action: 'publish', reasons, publish: stale.map((one) => one.destination), questions };
}
