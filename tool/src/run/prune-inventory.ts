import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Prunable, STAYS, type StoredLayers } from '../plan/prune.ts';
import type { Exec } from '../system/command.ts';
import { hasRunId } from '../system/container-name.ts';
import { diskUsage } from '../system/disk-usage.ts';
import { layerPaths, readStorage } from '../system/storage-index.ts';
import { failedBuilds, layersInUse } from './prune-containers.ts';
import { pruneableImages } from './prune-images.ts';
import type { PrunePlace } from './prune-place.ts';
import { otherTrees } from './prune-trees.ts';

/** Runs whose logs stay whatever their age. */
const LAST_RUNS = 20;

/** All that this tool left on the machine, with what of it is needed, and the bytes of the file system layers below. */
export interface Inventory {
  readonly items: readonly Prunable[];
  readonly layers: StoredLayers;
}

/** Looks at storage and state folder, and changes nothing. */
export async function takeInventory(place: PrunePlace, exec: Exec): Promise<Inventory> {
  const storage = readStorage(place.store);
  const { items: images, held } = pruneableImages(place, storage);
  const files = [...runs(place), ...packages(place), ...temporaries(place)];
  const failed = failedBuilds(place, storage);
  const inUse = layersInUse(storage, images, failed);
  const all = [...images, ...failed].flatMap((item) => item.layers);
  const layers = new Set([...all, ...inUse].filter((layer) => !held.has(layer)));
  const pathsOf = new Map([...layers].map((id) => [id, layerPaths(place.store, id)]));
  const own = [...images, ...files].map(({ path }) => path);
  const sizes = await diskUsage([...own, ...[...pathsOf.values()].flat()], exec);
  const sum = (paths: readonly string[]) => paths.reduce((bytes, path) => bytes + (sizes.get(path) ?? 0), 0);
  return {
    items: [...[...images, ...files].map(({ path, ...item }) => ({ ...item, bytes: sum([path]) })), ...failed],
    layers: { sizes: new Map([...pathsOf].map(([id, paths]) => [id, sum(paths)])), held, inUse },
  };
}

/** A thing whose own bytes lie at a path. */
export type PathItem = Omit<Prunable, 'bytes'> & { readonly path: string };

function runs({ stateDir }: PrunePlace): PathItem[] {
  const folder = join(stateDir, 'runs');
  const names = namesIn(folder).filter(hasRunId).sort();
  return names.map((id, index) => ({
    kind: 'run',
    id,
    text: `logs of run ${id}`,
    usedAt: changedAt(join(folder, id)),
    path: join(folder, id),
    layers: [],
    ...(index >= names.length - LAST_RUNS && { needed: `one of the last ${LAST_RUNS} runs` }),
  }));
}

/** Downloaded packages and metadata. Every build that begins with a file links to it, which its change time tells. */
function packages({ stateDir }: PrunePlace): PathItem[] {
  const folder = join(stateDir, 'cache', 'packages');
  return filesBelow(folder).map((id) => {
    const { ctimeMs, mtimeMs } = lstatSync(join(folder, id));
    const usedAt = Math.max(ctimeMs, mtimeMs);
    return { kind: 'packages', id, text: id, usedAt, path: join(folder, id), layers: [] };
  });
}

/**
 * Of runs whose lock is gone with their state folder: who still lives has touched its folder within a week, and may be a watch, or a build
 * into another storage, none of which the storage's lock keeps away. A run of a tree that is known has its lock as long as it
 * lives (a shell may be open for weeks), or until that tree sweeps it.
 */
function temporaries(place: PrunePlace): PathItem[] {
  const { temporaryRoot, now } = place;
  const locks = [place, ...otherTrees(place)].map(({ stateDir }) => join(stateDir, 'locks', 'runs'));
  return namesIn(temporaryRoot).flatMap((id) => {
    const path = join(temporaryRoot, id);
    const runId = id.slice('layers-'.length);
    if (!id.startsWith('layers-') || !hasRunId(runId)) return [];
    const { uid } = lstatSync(path);
    if (uid !== process.geteuid?.()) return [];
    const usedAt = changedAt(path);
    const needed = (why: string): PathItem[] => [{ ...item, needed: why }];
    const item: PathItem = { kind: 'temporary', id, text: path, usedAt, path, layers: [] };
    if (now - usedAt < STAYS.temporary) return needed('written to within a week: its run may live');
    if (locks.some((folder) => existsSync(join(folder, `${runId}.lock`)))) return needed('its run has its lock');
    return [item];
  });
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function changedAt(path: string): number {
  return lstatSync(path).mtimeMs;
}
