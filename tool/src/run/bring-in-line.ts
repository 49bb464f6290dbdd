import { destinationsOf } from '../config/destinations.ts';
import type { Layer } from '../config/layer.ts';
import type { Decision } from '../plan/decide.ts';
import { stalePublications } from '../plan/publications.ts';
import { isShared } from '../plan/reuse.ts';
import { placeOf } from '../recipe/publish-key.ts';
import { probeKeyOf } from '../recipe/recipe.ts';
import type { LayerRecord } from '../recipe/record.ts';
import { ImageGone } from '../records/image-gone.ts';
import { findShared, keepBuild } from '../records/layer-memory.ts';
import type { Workspace } from '../system/workspace.ts';
import { buildOnce } from './build-once.ts';
import type { Failure } from './events.ts';
import { failureOf } from './failure.ts';
import { imageInStorage } from './image-of.ts';
import { publishImage } from './publish-image.ts';
import type { Done, LayerWork } from './work-on-layer.ts';

/** How often a layer is built again because its files were being edited. */
const ATTEMPTS = 3;

/**
 * Builds, takes over or publishes as decided. A build is neither recorded nor leaves the machine before its inputs were read again and
 * found unchanged. Throws what `buildImage` throws; failures of destinations are in the result, as the build is not lost with them.
 */
export async function bringInLine(
  work: LayerWork,
  layer: Layer,
  decision: Decision,
  workspace: Workspace,
): Promise<Done> {
  if (decision.action === 'nothing') return { outcome: 'reused', failures: [] };
  if (decision.action === 'build') return build(work, layer, decision, workspace);
  const { adopted } = decision;
  if (adopted !== undefined) {
    workspace.say(`taken over from ${adopted.image.shared?.place ?? 'local storage'}`);
    await work.remember(adopted);
  }
  try {
    const record = await shared(work, layer, workspace);
    return await publishAll(work, layer, record, decision, workspace, adopted === undefined ? 'published' : 'reused');
  } catch (error) {
    if (!(error instanceof ImageGone)) throw error;
    workspace.warn(error.message);
    return build(work, layer, work.decide(layer.id), workspace);
  }
}

/**
 * The layer's record, its build where other machines find it: one that was made with `--no-publish`, or while the place could not be
 * reached, or that a lock gave a new key, comes there now. Who was first there wins. Throws ImageGone.
 */
async function shared(work: LayerWork, layer: Layer, workspace: Workspace): Promise<LayerRecord> {
  const record = work.facts.records.get(layer.id) as LayerRecord;
  const { builds, missingPublications } = work.facts;
  const isKnownThere = isShared(record, work.facts) && builds.get(record.recipeKey) !== null;
  // Who empties a registry takes the builds with the images.
  const isInDoubt = missingPublications.has(layer.id);
  if (isKnownThere && !isInDoubt) return record;
  const memory = await work.memoryOf(layer);
  if (memory.shared !== undefined && !memory.writes) return record;
  const isThere = memory.shared === undefined || (await findShared(memory, record.recipeKey)) !== undefined;
  if (isKnownThere && isThere) return record;
  const local = await imageInStorage(work, layer.id, workspace);
  const here = work.facts.records.get(layer.id) as LayerRecord;
  const fixed = work.facts.inputs.get(layer.id)?.files ?? {};
  const inputs = here.inputSet && { key: probeKeyOf(here.recipe, fixed), set: here.inputSet };
  const toKeep = { ...here, layer, image: { ...here.image, local } };
  const kept = await workspace.step('keep', () =>
    keepBuild(memory, toKeep, workspace, { replace: false, ...(inputs && { inputs }) }),
  );
  const result = { ...here, ...kept };
  await work.remember(result);
  return result;
}

async function build(work: LayerWork, layer: Layer, decision: Decision, workspace: Workspace): Promise<Done> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const record = await buildOnce(work, layer, { attempt, replaces: decision.replaces === true }, workspace);
    if (record === undefined) {
      workspace.warn(`its files changed while it was built; nothing of that build is kept (${attempt} of ${ATTEMPTS})`);
      continue;
    }
    await work.remember(record);
    work.facts.moved.delete(layer.id);
    return publishAll(work, layer, record, decision, workspace, 'built');
  }
  const failure: Failure = {
    code: 'inputs-changed',
    message: `its files changed during each of ${ATTEMPTS} builds`,
    hint: 'build again when they are at rest',
  };
  return { outcome: 'failed', failures: [failure] };
}

async function publishAll(
  work: LayerWork,
  layer: Layer,
  record: LayerRecord,
  decision: Decision,
  workspace: Workspace,
  outcome: 'built' | 'published' | 'reused',
): Promise<Done> {
  const wanted = work.wish.publish ? destinationsOf(layer) : [];
  const stale = stalePublications(layer, record, wanted, work.facts).map((one) => one.destination);
  // A forced layer is published again as well: whoever forces does not believe what is there.
  const isForced = decision.reasons.some((reason) => reason.code === 'forced');
  const destinations = isForced ? wanted : stale;
  if (destinations.length === 0) return { outcome, failures: [] };
  const result = await publishImage(work, layer, record, destinations, workspace);
  work.facts.missingPublications.delete(layer.id);
  if (result.length === 0) return { outcome, failures: [] };
  const failures = result.map(({ destination, error }) => {
    const failure = failureOf(error, 'publish');
    return { ...failure, code: 'publish' as const, message: `${placeOf(destination)}: ${failure.message}` };
  });
  return { outcome: 'failed', failures };
}
