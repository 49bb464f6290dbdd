import type { Destination } from '../config/destinations.ts';
import { destinationsOf } from '../config/destinations.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import type { ParentLink } from '../graph/layer-graph.ts';
import type { Json } from '../recipe/canonical.ts';
import { describe, differences } from '../recipe/difference.ts';
import { labelsOf } from '../recipe/labels.ts';
import { publishDifference, publishKeyOf, publishRecipeOf } from '../recipe/publish-key.ts';
import {
  type ContentDigest,
  combineRecipe,
  type Recipe,
  type RecipeKey,
  type RecipeParent,
  recipeKeyOf,
} from '../recipe/recipe.ts';
import type { LayerRecord } from '../recipe/record.ts';
import type { Facts, Question, Wish } from './facts.ts';

/** `code` is stable; `text` is for people and holds no secret value. */
export interface Reason {
  readonly code: string;
  readonly text: string;
}

/** What to do with one layer. */
export interface Decision {
  readonly id: LayerId;
  readonly action: 'build' | 'reuse' | 'publish' | 'nothing' | 'pending';
  readonly reasons: readonly Reason[];
  /** Absent while the parent's content is not known. */
  readonly recipe?: Recipe;
  readonly recipeKey?: RecipeKey;
  /** Destinations to bring in line; for a build all of them. */
  readonly publish: readonly Destination[];
  readonly question?: Question;
}

/** How the parent stands at this moment: its content is known, or will be after work that is named. */
export type ParentState =
  | { readonly kind: 'known'; readonly recipe: RecipeParent }
  | { readonly kind: 'unsettled'; readonly reason: Reason; readonly question?: Question };

/**
 * Decides one layer from facts. Pure: the same facts give the same decision, before the run for a plan and during the run when the
 * parent is settled.
 */
export function decide(layer: Layer, link: ParentLink, parent: ParentState, facts: Facts, wish: Wish): Decision {
  const record = facts.records.get(layer.id);
  const destinations = wish.publish ? destinationsOf(layer) : [];
  const recipe = parent.kind === 'known' ? recipeOf(layer, parent.recipe, facts) : undefined;
  const build = (reasons: Reason[]): Decision => ({
    id: layer.id,
    action: 'build',
    reasons,
    publish: destinations,
    ...(recipe === undefined ? {} : { recipe, recipeKey: recipeKeyOf(recipe) }),
  });
  const own = ownReasons(layer, link, record, facts, wish);
  if (parent.kind === 'unsettled') {
    const question = parent.question === undefined ? {} : { question: parent.question };
    if (own.length > 0) return { ...build(own), ...question };
    return { id: layer.id, action: 'pending', reasons: [parent.reason], publish: destinations, ...question };
  }
  if (own.length > 0 || record === undefined || recipe === undefined) return build(own);
  // The keys decide; the differences only say why, and must not be able to hide one.
  if (recipeKeyOf(record.recipe) !== recipeKeyOf(recipe)) return build(changesOf(layer, record.recipe, recipe));
  const known = { id: layer.id, recipe, recipeKey: recipeKeyOf(recipe) };
  const stale = stalePublications(layer, record, record.content, destinations, facts);
  if (stale.length === 0) return { ...known, action: 'nothing', reasons: [], publish: [] };
  return {
    ...known,
    action: 'publish',
    reasons: distinct(stale.flatMap((one) => one.reasons)),
    publish: stale.map((one) => one.destination),
  };
}

/** A new tag goes to several destinations; it is one reason. */
function distinct(reasons: readonly Reason[]): Reason[] {
  return [...new Map(reasons.map((reason) => [reason.text, reason])).values()];
}

/** Reasons that hold whatever the parent turns out to be. */
function ownReasons(
  layer: Layer,
  link: ParentLink,
  record: LayerRecord | undefined,
  facts: Facts,
  wish: Wish,
): Reason[] {
  if (wish.force && wish.named.has(layer.id)) return [{ code: 'forced', text: 'forced' }];
  if (record === undefined) {
    if (facts.damagedRecords.has(layer.id))
      return [{ code: 'record-damaged', text: 'its record was damaged and set aside' }];
    return [{ code: 'never-built', text: 'never built here' }];
  }
  const own = recipeOf(layer, record.recipe.parent, facts);
  const isSame = recipeKeyOf(record.recipe) === recipeKeyOf(own);
  const reasons = isSame ? [] : changesOf(layer, record.recipe, own);
  if (reasons.length === 0 && link.kind !== record.recipe.parent.kind) {
    return [{ code: 'parent-changed', text: `parent is ${layer.options.parent} now` }];
  }
  if (reasons.length === 0 && facts.missingImages.has(layer.id)) {
    return [{ code: 'image-missing', text: 'its image is not in local storage any more' }];
  }
  return reasons;
}

function changesOf(layer: Layer, before: Recipe, now: Recipe): Reason[] {
  const changes = differences(before, now);
  if (changes.length === 0) return [{ code: 'recipe-changed', text: 'its recipe changed' }];
  return changes.map((change) => ({ code: change.code, text: describe(change, layer.options.parent) }));
}

/** The recipe that facts make of a layer on this parent. The only place where that is put together. */
export function recipeOf(layer: Layer, parent: RecipeParent, facts: Facts): Recipe {
  return combineRecipe({
    stepVersion: facts.stepVersions.get(layer.id) ?? 0,
    architecture: facts.architecture,
    settings: { ...(layer.recipe as Record<string, Json>), ...chosenSuite(layer, parent, facts) },
    files: facts.inputs.get(layer.id) ?? {},
    parent,
  });
}

/** Without a word in the layer file the suite is that of the machine, which then decides what is built. */
function chosenSuite({ options, repos }: Layer, parent: RecipeParent, { hostSuite }: Facts): Record<string, Json> {
  const isBootstrap = options.pkg_manager === 'apt' && parent.kind === 'scratch';
  const isNamed = options.suite !== undefined || repos.some((repo) => repo.apt_dist !== undefined);
  return isBootstrap && !isNamed && hostSuite !== undefined ? { suite: hostSuite } : {};
}

/** Destinations that do not hold `content` with today's settings, and why. Also used after a build, when the content is new. */
export function stalePublications(
  layer: Layer,
  record: LayerRecord | undefined,
  content: ContentDigest,
  destinations: readonly Destination[],
  facts: Pick<Facts, 'missingPublications'>,
): { destination: Destination; reasons: Reason[] }[] {
  const labels = labelsOf(layer);
  const missing = facts.missingPublications.get(layer.id);
  return destinations.flatMap((destination) => {
    const now = publishRecipeOf(content, destination, labels);
    const before = record?.publications[destination.key];
    if (before?.publishKey !== publishKeyOf(now)) {
      return [{ destination, reasons: publishDifference(before?.recipe, now) }];
    }
    if (missing?.has(destination.key)) {
      return [
        {
          destination,
          reasons: [{ code: 'publication-missing', text: `${destination.key} does not hold it any more` }],
        },
      ];
    }
    return [];
  });
}
