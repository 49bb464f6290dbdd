import type { Destination } from '../config/destinations.ts';
import { hashOf } from './canonical.ts';
import type { ContentDigest } from './recipe.ts';

/** Hash of all that decides what one destination holds. A change publishes, never rebuilds. */
export type PublishKey = string & { readonly __brand: 'PublishKey' };

/** What a publication was made of, kept beside its key so that a difference can be told. */
export interface PublishRecipe {
  readonly content: ContentDigest;
  readonly destination: Destination;
  /** Empty for destinations that hold no image configuration. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Squashfs destinations hold no labels, so that a new label does not upload gigabytes. Pure. */
export function publishRecipeOf(
  content: ContentDigest,
  destination: Destination,
  labels: Record<string, string>,
): PublishRecipe {
  const holdsLabels = destination.kind !== 's3' && destination.kind !== 'file';
  return { content, destination, labels: holdsLabels ? labels : {} };
}

export function publishKeyOf(recipe: PublishRecipe): PublishKey {
  return hashOf(recipe) as PublishKey;
}

/** Why a destination is not in line any more, in words. `before` undefined: never published there. */
export function publishDifference(
  before: PublishRecipe | undefined,
  now: PublishRecipe,
): { code: string; text: string }[] {
  const place = placeOf(now.destination);
  if (before === undefined) return [{ code: 'destination-new', text: `not published to ${place} yet` }];
  const reasons: { code: string; text: string }[] = [];
  if (before.content !== now.content) reasons.push({ code: 'content-changed', text: `${place} holds older content` });
  const added = now.destination.tags.filter((tag) => !before.destination.tags.includes(tag));
  const removed = before.destination.tags.filter((tag) => !now.destination.tags.includes(tag));
  if (added.length > 0) reasons.push({ code: 'tag-added', text: `tags: ${added.map((tag) => `+ ${tag}`).join(', ')}` });
  if (removed.length > 0)
    reasons.push({ code: 'tag-removed', text: `tags: ${removed.map((tag) => `- ${tag}`).join(', ')}` });
  reasons.push(...listReasons(before.destination, now.destination));
  const labels = [...new Set([...Object.keys(before.labels), ...Object.keys(now.labels)])]
    .filter((name) => before.labels[name] !== now.labels[name] && name !== 'org.openchami.image.tags')
    .sort();
  if (labels.length > 0) reasons.push({ code: 'labels-changed', text: `labels changed: ${labels.join(', ')}` });
  if (reasons.length === 0) reasons.push({ code: 'settings-changed', text: `settings of ${place} changed` });
  return reasons;
}

function listReasons(before: Destination, now: Destination): { code: string; text: string }[] {
  const [old, fresh] = [before, now].map((one) => ('list' in one ? one.list?.architectures : undefined) ?? []);
  const added = (fresh ?? []).filter((one) => !old?.includes(one)).map((one) => `+ ${one}`);
  const removed = (old ?? []).filter((one) => !fresh?.includes(one)).map((one) => `- ${one}`);
  const words = [...added, ...removed];
  return words.length === 0 ? [] : [{ code: 'architectures-changed', text: `architectures: ${words.join(', ')}` }];
}

/** How a person names the place. */
export function placeOf(destination: Destination): string {
  switch (destination.kind) {
    case 'local':
      return 'local storage';
    case 'registry':
      return destination.repository;
    case 'oci':
      return `oci:${destination.directory}`;
    case 's3':
      return `${destination.endpoint}/${destination.bucket}/${destination.prefix}`;
    case 'file':
      return `file:${destination.directory}/${destination.prefix}`;
  }
}
