import type { Layer, LayerId } from '../config/layer.ts';
import type { LayerLinks } from '../graph/layer-graph.ts';
import { describe, differences, isInherited } from '../recipe/difference.ts';
import { imagesOf, type Recipe } from '../recipe/recipe.ts';
import type { LayerRecord } from '../recipe/record.ts';
import { type CandidateRecipe, candidatesOf } from './candidates.ts';
import { ageReason } from './drift.ts';
import type { Facts, Wish } from './facts.ts';
import type { Reason } from './reason.ts';

/** Reasons to build although the same recipe may have been built before. */
export function compellingReasons({ id }: Layer, facts: Facts, wish: Wish): readonly Reason[] {
  if (wish.force && wish.named.has(id)) return [{ code: 'forced', text: 'forced' }];
  return facts.moved.get(id) ?? [];
}

/** Why the record is not what the tree is now; none when it is. */
export function staleReasons(
  layer: Layer,
  links: LayerLinks,
  record: LayerRecord | undefined,
  current: CandidateRecipe | undefined,
  first: CandidateRecipe | undefined,
  facts: Facts,
): Reason[] {
  if (record === undefined) return [neverBuilt(layer, facts)];
  if (first === undefined && layer.options.layer_type === 'ansible' && record.inputSet === undefined) {
    return [
      {
        code: 'inputs-unknown',
        text: 'its record is of an earlier version, which kept too little of what its playbooks read',
      },
    ];
  }
  // The keys decide; the differences only say why, and must not be able to hide one.
  if (current === undefined) return changesOf(layer, links, record.recipe, first?.recipe);
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

/** Whether a record could go on being used, as far as the recipe is not what it is about. */
export function isStillGood(layer: Layer, record: LayerRecord, facts: Facts): boolean {
  return !isLost(record, facts) && ageReason(layer, record.lastBuiltAt, facts.now) === undefined;
}

/** Reasons that hold whatever the parent turns out to be. */
export function ownReasons(layer: Layer, links: LayerLinks, record: LayerRecord | undefined, facts: Facts): Reason[] {
  if (record === undefined) return [neverBuilt(layer, facts)];
  const { candidates } = candidatesOf(layer, imagesOf(record.recipe), facts);
  const current = candidates.find(({ key }) => key === record.recipeKey);
  const reasons = staleReasons(layer, links, record, current, candidates[0], facts);
  if (reasons.length > 0) return reasons;
  if (links.parent.kind !== record.recipe.parent.kind) {
    return [{ code: 'parent-changed', text: `parent is ${layer.options.parent} now` }];
  }
  if (links.tools?.kind === record.recipe.toolsImage?.kind) return [];
  const text =
    links.tools === undefined ? 'the tools image is used no more' : `tools image is ${layer.options.tools_image} now`;
  return [{ code: 'tools-image-changed', text }];
}

function changesOf({ options }: Layer, links: LayerLinks, before: Recipe, now: Recipe | undefined): Reason[] {
  const changes = now === undefined ? [] : differences(before, now);
  if (changes.length === 0) return [{ code: 'recipe-changed', text: 'its recipe changed' }];
  return changes.map((change) => {
    const link = change.code === 'tools-image-changed' ? links.tools : links.parent;
    const text = describe(change, { parent: options.parent, toolsImage: options.tools_image });
    return { code: change.code, text, ...(isInherited(change) && link?.kind === 'layer' && { from: link.id }) };
  });
}
