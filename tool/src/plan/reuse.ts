import type { Destination } from '../config/destinations.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import type { LayerLinks } from '../graph/layer-graph.ts';
import type { InputSet, ProbeKey } from '../recipe/input-set.ts';
import type { KnownBuild } from '../recipe/known-build.ts';
import { type Recipe, recipeKeyOf } from '../recipe/recipe.ts';
import type { LayerRecord } from '../recipe/record.ts';
import type { CandidateRecipe } from './candidates.ts';
import type { Decision } from './decide.ts';
import type { Facts, Question } from './facts.ts';
import { stalePublications } from './publications.ts';
import type { Reason } from './reason.ts';

export function keyed({ recipe, key }: CandidateRecipe): Pick<Decision, 'recipe' | 'recipeKey'> {
  return { recipe, recipeKey: key };
}

/** What to ask before a build is certain. */
export function lookups(
  { id }: Layer,
  candidates: readonly CandidateRecipe[],
  probe: ProbeKey | undefined,
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
export function reuse(
  layer: Layer,
  links: LayerLinks,
  candidate: CandidateRecipe,
  found: KnownBuild,
  { facts, publish, reasons }: Reusing,
): Decision {
  const { id } = layer;
  const seen = facts.observed.get(id);
  const isSeen = seen?.recipeKey === found.recipeKey;
  const before = facts.records.get(id)?.publications ?? {};
  const publications = { ...before, ...(isSeen ? seen.publications : {}) };
  const adopted = recordOf(layer, links, candidate.recipe, found, { set: candidate.set, publications });
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

/** Whether other machines find the recorded build, or need not. */
export function isShared(record: LayerRecord, facts: Pick<Facts, 'shared'>): boolean {
  const shared = facts.shared.get(record.id as LayerId);
  return shared === undefined || !shared.writes || record.image.shared?.place === shared.place;
}

/** The record of a build. Pure; the only place where one is put together. */
export function recordOf(
  { id }: Layer,
  links: LayerLinks,
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
    ...(links.parent.kind === 'external' && { externalParent: links.parent.reference }),
    ...(links.tools?.kind === 'external' && { externalTools: links.tools.reference }),
  };
}

/**
 * Whether only the lock is new, and the recorded build used just what it says: locking a tree for the first time, or to what its
 * images are made from, builds nothing.
 */
export function isLockedAlready(record: LayerRecord, { recipe, key }: CandidateRecipe): boolean {
  if (key === record.recipeKey) return false;
  const locked = recipe.lock ?? {};
  const urls = new Set([...Object.keys(locked), ...Object.keys(record.repositories)]);
  const used = [...urls].every((url) => record.repositories[url] === locked[url]);
  return used && recipeKeyOf(withoutLock(recipe)) === recipeKeyOf(withoutLock(record.recipe));
}

function withoutLock({ lock: _lock, ...recipe }: Recipe): Recipe {
  return recipe;
}
