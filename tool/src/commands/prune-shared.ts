import { resolve } from 'node:path';
import { InvalidInput } from '../config/diagnostic.ts';
import type { Layer } from '../config/layer.ts';
import { sharedPlaceOf } from '../config/shared-place.ts';
import { choosePrunable, type PrunePolicy, withoutLeft } from '../plan/prune.ts';
import { digitsOf } from '../records/key-tag.ts';
import { MemoryUnreachable } from '../records/memory.ts';
import { type SharedPlace, type SharedRemoval, sharedPrunables } from '../records/shared-prune.ts';
import type { PruneReport } from '../report/prune-text.ts';
import { newRunId } from '../run/run-folder.ts';
import type { CommandContext } from './command.ts';
import { neededBuilds } from './needed-builds.ts';
import type { Remembering } from './prepare.ts';

const UNKNOWN =
  'nothing was taken away: without an answer it is not known what is needed there (a build that is damaged goes by its tag)';

/** What was done in one shared place. */
export interface SharedReport extends PruneReport {
  readonly place: string;
  /** What is still to do there, in words. */
  readonly rest?: string;
}

/**
 * Takes builds out of every place that machines share for this tree which neither the tree nor a branch would take from there, once they are
 * old enough. Throws InvalidInput where there is no such place, or one cannot be reached.
 */
export async function pruneShared(
  context: CommandContext,
  loaded: Remembering,
  policy: PrunePolicy,
): Promise<SharedReport[]> {
  const places = await openPlaces(context, loaded);
  const { keys, probes } = await answered(neededBuilds(context, loaded, 'read'), UNKNOWN);
  const needs = {
    keys: new Map([...keys].map(([key, who]) => [digitsOf(key), who])),
    probes: new Set([...probes].map(digitsOf)),
  };
  const reports: SharedReport[] = [];
  for (const place of places) {
    context.signal.throwIfAborted();
    reports.push(await answered(pruneOne(place, needs, policy, context.values['dry-run'] === true)));
  }
  return reports;
}

async function pruneOne(
  shared: SharedPlace,
  needs: Parameters<typeof sharedPrunables>[1],
  policy: PrunePolicy,
  isDry: boolean,
): Promise<SharedReport> {
  const { place } = shared;
  const tags = await shared.tags();
  const { items, layers } = sharedPrunables(tags, needs);
  const choice = choosePrunable(items, layers, policy);
  const chosen = new Set(choice.remove.map(({ id }) => id));
  const going = tags.filter(({ tag }) => chosen.has(tag));
  const kept = tags.filter(({ tag }) => !chosen.has(tag));
  const nothing: SharedRemoval = { left: new Map() };
  const removal = isDry || going.length === 0 ? nothing : await shared.remove(going, kept);
  const left = choice.remove.flatMap((item) => {
    const why = removal.left.get(item.id);
    return why === undefined ? [] : [{ item, why }];
  });
  const { maxBytes } = policy;
  const came = withoutLeft(choice, items, layers, new Set(left.map(({ item }) => item)));
  return { place, isDry, items, choice: came, left, ...(maxBytes !== undefined && { maxBytes }), ...restOf(removal) };
}

/** What cannot be asked is not guessed. */
async function answered<T>(work: Promise<T>, hint?: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof MemoryUnreachable)) throw error;
    throw new InvalidInput(error.message, { cause: error, ...(hint !== undefined && { hint }) });
  }
}

function restOf({ rest }: { readonly rest?: string }): { rest?: string } {
  return rest === undefined ? {} : { rest };
}

/** Each place once, reached as the first layer that shares its builds there says. */
async function openPlaces(context: CommandContext, { tree, graph }: Remembering): Promise<SharedPlace[]> {
  const byPlace = new Map<string, Layer>();
  for (const layer of graph.layers.values()) {
    const place = sharedPlaceOf(layer, tree.settings.cache);
    if (place !== undefined && !byPlace.has(place)) byPlace.set(place, layer);
  }
  if (byPlace.size === 0) {
    throw new InvalidInput('no layer of this tree is shared with other machines', {
      hint: "'layers prune' without --registry takes away what is on this machine",
    });
  }
  return Promise.all([...byPlace].map(([place, layer]) => open(context, tree.root, place, layer)));
}

async function open(context: CommandContext, root: string, place: string, layer: Layer): Promise<SharedPlace> {
  const { signal, warn } = context;
  if (place.startsWith('oci:')) {
    const { createOciPruning } = await import('../records/oci-prune.ts');
    const directory = resolve(root, place.slice('oci:'.length));
    return createOciPruning({ directory, place, runId: newRunId(new Date()), signal, say: warn, warn });
  }
  const { createRegistryPruning } = await import('../records/registry-prune.ts');
  return createRegistryPruning(place, { options: layer.options.registry_opts_push, root, signal, say: warn });
}
