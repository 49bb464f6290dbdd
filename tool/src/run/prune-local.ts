import { existsSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Prunable, PruneKind } from '../plan/prune.ts';
import { openCheckpoints } from '../records/checkpoints.ts';
import { openFailedBuilds } from '../records/failed-builds.ts';
import { listLocalBuilds } from '../records/local-builds.ts';
import { openOwnImages } from '../records/own-images.ts';
import type { Buildah } from '../system/buildah.ts';
import { type Exec, isOutOfSpace } from '../system/command.ts';
import { readStorage } from '../system/storage-index.ts';
import { removeNamed, sweepRun } from '../system/sweep.ts';
import { dropFailed } from './keep-failed.ts';
import { failedLayerOf } from './prune-containers.ts';
import type { PrunePlace } from './prune-place.ts';

export interface PruneDoors {
  readonly exec: Exec;
  readonly buildah: Pick<Buildah, 'removeImage'>;
  readonly signal: AbortSignal;
}

/** What could not be taken away, and why. */
export interface Left {
  readonly item: Prunable;
  readonly why: string;
}

/** Whatever is taken out of the storage needs some room there, which our own plain files may make. */
const OUT_OF_STORAGE: readonly PruneKind[] = ['failed', 'image', 'checkpoint'];

/**
 * Takes away what was chosen, one by one, and goes on after a failure. What is remembered of an image goes before it, so that whoever is
 * killed in between leaves nothing that names what is not there. Throws the abort.
 */
export async function removePrunable(
  chosen: readonly Prunable[],
  place: PrunePlace,
  doors: PruneDoors,
): Promise<readonly Left[]> {
  const left: Left[] = [];
  const attempt = async (item: Prunable, work: () => Promise<unknown>): Promise<void> => {
    doors.signal.throwIfAborted();
    try {
      await work();
    } catch (error) {
      doors.signal.throwIfAborted();
      left.push({ item, why: whyLeft(error, place) });
    }
  };
  const isImage = ({ kind }: Prunable) => kind === 'image' || kind === 'checkpoint';
  const others = chosen.filter((item) => !isImage(item));
  for (const item of others.toSorted((a, b) => OUT_OF_STORAGE.indexOf(a.kind) - OUT_OF_STORAGE.indexOf(b.kind)))
    await attempt(item, () => removeOther(item, place, doors));
  // Those that stand on others first: storage keeps an image whose children are there.
  const images = chosen.filter(isImage).toSorted((a, b) => b.layers.length - a.layers.length);
  forgetCheckpoints(images, place);
  const names = new Map(readStorage(place.store).images.map((image) => [image.id, image.names]));
  const inRoom = withRoom(async () => forgetBuilds(images, place));
  for (const item of images)
    await attempt(item, () => inRoom(() => removeImage(item, names.get(item.id), place, doors)));
  return left;
}

/**
 * Where there is no room, makes some once, and tries again. If it is not enough it will not be for the next either, which would only take
 * time to find out.
 */
function withRoom(makeRoom: () => Promise<void>): (work: () => Promise<void>) => Promise<void> {
  let full: unknown;
  return async (work) => {
    if (full !== undefined) throw full;
    try {
      await work();
    } catch (error) {
      if (!isOutOfSpace(error)) throw error;
      await makeRoom();
      await work().catch((again: unknown) => {
        if (isOutOfSpace(again)) full = again;
        throw again;
      });
    }
  };
}

/** One reason for all that a full storage keeps, with what it takes. */
function whyLeft(error: unknown, { store: { graphRoot, driver } }: PrunePlace): string {
  if (!isOutOfSpace(error)) return error instanceof Error ? error.message : String(error);
  const indexes = ['images', 'layers', 'containers'].map((what) =>
    join(graphRoot, `${driver}-${what}`, `${what}.json`),
  );
  const bytes = indexes.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
  return `${graphRoot} is full, and its indexes are written anew for whatever is taken away: free some ${Math.ceil(bytes / 1000)} kB there first`;
}

function forgetCheckpoints(images: readonly Prunable[], { store }: PrunePlace): void {
  const ids = new Set(images.map(({ id }) => id));
  const checkpoints = openCheckpoints(store.graphRoot);
  for (const { image, key } of checkpoints.list()) if (ids.has(image.id)) checkpoints.remove(key);
}

async function forgetBuilds(images: readonly Prunable[], { store }: PrunePlace): Promise<void> {
  const ids = new Set(images.map(({ id }) => id));
  for (const build of listLocalBuilds(store.graphRoot))
    if (build.image !== undefined && ids.has(build.image.id)) await rm(build.file, { force: true });
}

async function removeImage(
  item: Prunable,
  names: readonly string[] | undefined,
  place: PrunePlace,
  { buildah }: PruneDoors,
): Promise<void> {
  const { id } = item;
  const { store } = place;
  await forgetBuilds([item], place);
  // The last name takes the image along. Not by force, which would end containers of it.
  for (const name of names ?? []) await buildah.removeImage(name);
  if (existsSync(join(store.graphRoot, `${store.driver}-images`, id))) await buildah.removeImage(id);
  openOwnImages(store.graphRoot).forget(id);
}

async function removeOther({ kind, id }: Prunable, place: PrunePlace, { exec }: PruneDoors): Promise<void> {
  switch (kind) {
    case 'failed': {
      const layer = failedLayerOf(place.stateDir, id);
      const failed = { failed: openFailedBuilds(place.stateDir), locks: join(place.stateDir, 'locks') };
      if (layer === undefined) return removeNamed([id], exec);
      if (!(await dropFailed(layer, failed, exec))) throw new Error('somebody is in it');
      return;
    }
    case 'run':
      return rm(join(place.stateDir, 'runs', id), { recursive: true, force: true });
    case 'packages':
      return rm(join(place.stateDir, 'cache', 'packages', id), { force: true });
    case 'temporary':
      // What is still mounted there may be the host's.
      await sweepRun(id.slice('layers-'.length), { exec, temporary: join(place.temporaryRoot, id) });
      return;
    default:
      return rm(id, { force: true });
  }
}
