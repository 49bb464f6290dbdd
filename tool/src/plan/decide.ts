import { type Destination, destinationsOf } from '../config/destinations.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import type { ParentLink } from '../graph/layer-graph.ts';
import { describe, differences } from '../recipe/difference.ts';
import type { InputSet } from '../recipe/input-set.ts';
import type { KnownBuild } from '../recipe/known-build.ts';
import type { ContentDigest, Recipe, RecipeKey, RecipeParent } from '../recipe/recipe.ts';
import type { LayerRecord } from '../recipe/record.ts';
import { type CandidateRecipe, candidatesOf } from './candidates.ts';
import { ageReason } from './drift.ts';
import type { Facts, Question, Wish } from './facts.ts';
import { reasonsOf, stalePublications } from './publications.ts';
import type { Reason } from './reason.ts';

/** What to do with one layer. */
export interface Decision {
  readonly id: LayerId;
  readonly action: 'build' | 'reuse' | 'publish' | 'nothing' | 'pending';
  readonly reasons: readonly Reason[];
  /** Absent while the parent's content, or what Ansible will read, is not known. */
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

/** How the parent stands at this moment: its content is known, or will be after work that is named. */
export type ParentState =
  | { readonly kind: 'known'; readonly recipe: RecipeParent }
  | { readonly kind: 'unsettled'; readonly reason: Reason; readonly questions: readonly Question[] };

/**
 * Decides one layer from facts. Pure: the same facts give the same decision, before the run for a plan and during the run when the
 * parent is settled.
 */
export function decide(layer: Layer, link: ParentLink, parent: ParentState, facts: Facts, wish: Wish): Decision {
  const { id } = layer;
  const record = facts.records.get(id);
  const publish = wish.publish ? destinationsOf(layer) : [];
  const compelling = compellingReasons(layer, facts, wish);
  if (parent.kind === 'unsettled') {
    const own = compelling.length > 0 ? compelling : ownReasons(layer, link, record, facts);
    if (own.length > 0) {
      const replaces = compelling.length > 0;
      return { id, action: 'build', reasons: own, publish, questions: parent.questions, ...(replaces && { replaces }) };
    }
    return { id, action: 'pending', reasons: [parent.reason], publish, questions: parent.questions };
  }
  const { candidates, probe } = candidatesOf(layer, parent.recipe, facts);
  const [first] = candidates;
  const build = (reasons: readonly Reason[], questions: readonly Question[] = []): Decision => {
    return { id, action: 'build', reasons, publish, questions, ...(first && keyed(first)) };
  };
  if (compelling.length > 0) return { ...build(compelling), replaces: true };
  const current = record && candidates.find(({ key }) => key === record.recipeKey);
  const reasons = staleReasons(layer, link, record, current, first, facts);
  if (record !== undefined && current !== undefined && reasons.length === 0) {
    const stale = stalePublications(layer, record, publish, facts);
    const known = { id, ...keyed(current), content: record.content, questions: [] };
    if (stale.length === 0) return { ...known, action: 'nothing', reasons: [], publish: [] };
    return { ...known, action: 'publish', reasons: reasonsOf(stale), publish: stale.map((one) => one.destination) };
  }
  if (!wish.reuse) return build(reasons);
  for (const candidate of candidates) {
    const found = facts.builds.get(candidate.key);
    if (found == null || ageReason(layer, found.lastBuiltAt, facts.now) !== undefined) continue;
    return reuse(layer, link, candidate, found, { facts, publish, reasons });
  }
  const replaces =
    reasons.some(({ code }) => code === 'age') || candidates.some(({ key }) => facts.builds.get(key) != null);
  return { ...build(reasons, lookups(layer, candidates, probe, facts)), ...(replaces && { replaces }) };
}

function keyed({ recipe, key }: CandidateRecipe): Pick<Decision, 'recipe' | 'recipeKey'> {
  return { recipe, recipeKey: key };
}

/** What to ask before a build is certain. */
function lookups(
  { id }: Layer,
  candidates: readonly CandidateRecipe[],
  probe: Parameters<Facts['candidates']['get']>[0] | undefined,
  facts: Facts,
): Question[] {
  const sets: Question[] =
    probe === undefined || facts.candidates.has(probe) ? [] : [{ kind: 'input-sets', id, key: probe }];
  const unknown = candidates.filter(({ key }) => !facts.builds.has(key));
  return [...sets, ...unknown.map(({ key }): Question => ({ kind: 'build', id, key }))];
}

interface Reusing {
  readonly facts: Facts;
  readonly publish: readonly Destination[];
  readonly reasons: readonly Reason[];
}

/** Somebody built this very recipe: its image is taken over, and only destinations that lack it are brought in line. */
function reuse(
  layer: Layer,
  link: ParentLink,
  candidate: CandidateRecipe,
  found: KnownBuild,
  { facts, publish, reasons }: Reusing,
): Decision {
  const { id } = layer;
  const seen = facts.observed.get(id);
  const isSeen = seen?.recipeKey === found.recipeKey;
  const before = facts.records.get(id)?.publications ?? {};
  const publications = { ...before, ...(isSeen ? seen.publications : {}) };
  const adopted = recordOf(layer, link, candidate.recipe, found, { set: candidate.set, publications });
  const stale = stalePublications(layer, adopted, publish, facts);
  const asked = publish.length === 0 || isSeen;
  return {
    id,
    ...keyed(candidate),
    action: 'reuse',
    reasons,
    content: found.content,
    adopted,
    publish: stale.map((one) => one.destination),
    questions: asked ? [] : [{ kind: 'publications', id, record: adopted }],
  };
}

/** The record of a build. Pure; the only place where one is put together. */
export function recordOf(
  { id }: Layer,
  link: ParentLink,
  recipe: Recipe,
  build: KnownBuild,
  { set, publications }: { readonly set: InputSet | undefined; readonly publications: LayerRecord['publications'] },
): LayerRecord {
  return {
    ...build,
    version: 2,
    id,
    recipe,
    publications,
    ...(set && { inputSet: set }),
    ...(link.kind === 'external' && { externalParent: link.reference }),
  };
}

/** Reasons to build although the same recipe may have been built before. */
function compellingReasons({ id }: Layer, facts: Facts, wish: Wish): readonly Reason[] {
  if (wish.force && wish.named.has(id)) return [{ code: 'forced', text: 'forced' }];
  return facts.moved.get(id) ?? [];
}

/** Why the record is not what the tree is now; none when it is. */
function staleReasons(
  layer: Layer,
  link: ParentLink,
  record: LayerRecord | undefined,
  current: CandidateRecipe | undefined,
  first: CandidateRecipe | undefined,
  facts: Facts,
): Reason[] {
  if (record === undefined) return [neverBuilt(layer, facts)];
  // The keys decide; the differences only say why, and must not be able to hide one.
  if (current === undefined) return changesOf(layer, link, record.recipe, first?.recipe);
  if (isLost(record, facts)) return [{ code: 'image-missing', text: 'its image is not in local storage any more' }];
  const age = ageReason(layer, record.lastBuiltAt, facts.now);
  return age === undefined ? [] : [age];
}

function neverBuilt({ id }: Layer, facts: Facts): Reason {
  if (facts.damagedRecords.has(id)) return { code: 'record-damaged', text: 'its record was damaged and set aside' };
  return { code: 'never-built', text: 'never built here' };
}

/** Nobody has its image: neither this machine nor the place that machines share. */
function isLost(record: LayerRecord, facts: Facts): boolean {
  return facts.missingImages.has(record.id as LayerId) && record.image.shared === undefined;
}

/** Reasons that hold whatever the parent turns out to be. */
function ownReasons(layer: Layer, link: ParentLink, record: LayerRecord | undefined, facts: Facts): Reason[] {
  if (record === undefined) return [neverBuilt(layer, facts)];
  const { candidates } = candidatesOf(layer, record.recipe.parent, facts);
  const current = candidates.find(({ key }) => key === record.recipeKey);
  const reasons = staleReasons(layer, link, record, current, candidates[0], facts);
  if (reasons.length > 0 || link.kind === record.recipe.parent.kind) return reasons;
  return [{ code: 'parent-changed', text: `parent is ${layer.options.parent} now` }];
}

function changesOf(layer: Layer, link: ParentLink, before: Recipe, now: Recipe | undefined): Reason[] {
  const changes = now === undefined ? [] : differences(before, now);
  if (changes.length === 0) return [{ code: 'recipe-changed', text: 'its recipe changed' }];
  return changes.map((change) => {
    const isInherited = change.code === 'parent-changed' && change.from.kind === 'layer' && link.kind === 'layer';
    const text = describe(change, layer.options.parent);
    return { code: change.code, text, ...(isInherited && { from: link.id }) };
  });
}
