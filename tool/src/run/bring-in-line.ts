import { join } from 'node:path';
import { destinationsOf } from '../config/destinations.ts';
import type { Layer } from '../config/layer.ts';
import { type Decision, recipeOf, stalePublications } from '../plan/decide.ts';
import { placeOf } from '../recipe/publish-key.ts';
import { recipeKeyOf } from '../recipe/recipe.ts';
import type { LayerRecord } from '../recipe/record.ts';
import type { Workspace } from '../system/workspace.ts';
import { buildImage } from './build-image.ts';
import type { Failure } from './events.ts';
import { failureOf } from './failure.ts';
import { readLayerInputs } from './gather-facts.ts';
import { keptName } from './kept-name.ts';
import { chooseParent } from './parent-image.ts';
import { publishImage } from './publish-image.ts';
import type { Done, LayerWork } from './work-on-layer.ts';

/** How often a layer is built again because its files were being edited. */
const ATTEMPTS = 3;

/**
 * Builds or publishes as decided. Nothing is recorded or leaves the machine before the inputs were read again and found
 * unchanged. Throws what `buildImage` throws; failures of destinations are in the result, as the build is not lost with them.
 */
export async function bringInLine(
  work: LayerWork,
  layer: Layer,
  decision: Decision,
  workspace: Workspace,
): Promise<Done> {
  if (decision.action === 'nothing') return { outcome: 'reused', failures: [] };
  if (decision.action === 'publish') {
    const record = work.facts.records.get(layer.id) as LayerRecord;
    return publishAll(work, layer, record, decision, workspace, 'published');
  }
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const record = await buildOnce(work, layer, join(workspace.temporary, `staged-${attempt}`), workspace);
    if (record === undefined) {
      workspace.warn(`its files changed while it was built; nothing of that build is kept (${attempt} of ${ATTEMPTS})`);
      continue;
    }
    await remember(work, record);
    return publishAll(work, layer, record, decision, workspace, 'built');
  }
  const failure: Failure = {
    code: 'inputs-changed',
    message: `its files changed during each of ${ATTEMPTS} builds`,
    hint: 'build again when they are at rest',
  };
  return { outcome: 'failed', failures: [failure] };
}

/** Gives the new record; undefined when an input changed meanwhile, or was changed and changed back. */
async function buildOnce(
  work: LayerWork,
  layer: Layer,
  staging: string,
  workspace: Workspace,
): Promise<LayerRecord | undefined> {
  const reading = { readInputs: work.readInputs, warn: () => {} };
  const before = await readLayerInputs(reading, work.facts, layer);
  const parent = chooseParent(work, layer);
  const builtAt = new Date().toISOString();
  const started = performance.now();
  const staged = await work.stageCopies(layer, staging);
  const built = await buildImage(layer, parent.image, before.files, builtAt, staged, workspace);
  const durationMs = Math.round(performance.now() - started);
  const after = await readLayerInputs(reading, work.facts, layer);
  if (after.stamp !== before.stamp) return undefined;
  const recipe = recipeOf(layer, parent.recipe, work.facts);
  const recipeKey = recipeKeyOf(recipe);
  const earlier = work.facts.records.get(layer.id);
  const keepsEarlier = earlier?.content === built.content && !work.facts.missingImages.has(layer.id);
  if (keepsEarlier) workspace.say('same content as before: the earlier image is kept');
  const image = keepsEarlier ? earlier.image : built.image;
  await workspace.buildah.tag(image.id, [keptName(layer.id, recipeKey)]);
  return {
    version: 1,
    id: layer.id,
    recipe,
    recipeKey,
    content: built.content,
    image,
    inheritedLabels: built.inheritedLabels,
    builtAt: keepsEarlier ? earlier.builtAt : builtAt,
    durationMs,
    publications: earlier?.publications ?? {},
    ...(parent.external === undefined ? {} : { externalParent: parent.external }),
  };
}

async function remember(work: LayerWork, record: LayerRecord): Promise<void> {
  const id = record.id as Layer['id'];
  await work.records.write(record);
  work.facts.records.set(id, record);
  work.facts.missingImages.delete(id);
}

async function publishAll(
  work: LayerWork,
  layer: Layer,
  record: LayerRecord,
  decision: Decision,
  workspace: Workspace,
  outcome: 'built' | 'published',
): Promise<Done> {
  const wanted = work.wish.publish ? destinationsOf(layer) : [];
  const stale = stalePublications(layer, record, record.content, wanted, work.facts).map((one) => one.destination);
  // A forced layer is published again as well: whoever forces does not believe what is there.
  const isForced = decision.reasons.some((reason) => reason.code === 'forced');
  const destinations = isForced ? wanted : stale;
  if (destinations.length === 0) return { outcome, failures: [] };
  const result = await publishImage(layer, record, destinations, workspace, (newer) => remember(work, newer));
  work.facts.missingPublications.delete(layer.id);
  if (result.failures.length === 0) return { outcome, failures: [] };
  const failures = result.failures.map(({ destination, error }) => {
    const failure = failureOf(error, 'publish');
    return { ...failure, code: 'publish' as const, message: `${placeOf(destination)}: ${failure.message}` };
  });
  return { outcome: 'failed', failures };
}
