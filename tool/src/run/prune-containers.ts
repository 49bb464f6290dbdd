import { join } from 'node:path';
import type { LayerId } from '../config/layer.ts';
import { type Prunable, STAYS } from '../plan/prune.ts';
import { type FailedBuild, openFailedBuilds } from '../records/failed-builds.ts';
import type { Exec } from '../system/command.ts';
import { isContainerOf, isOfARun, keptContainerDate } from '../system/container-name.ts';
import { isOfBuildah, readStorage, type StorageIndex } from '../system/storage-index.ts';
import { removeNamed } from '../system/sweep.ts';
import { isEntered } from './keep-failed.ts';
import type { PrunePlace } from './prune-place.ts';
import { otherTrees } from './prune-trees.ts';
import { lockNames } from './sweep-dead-runs.ts';

/** Kept containers of this tree, and those that no tree remembers and whose name says that they are old: somebody may be in another's. */
export function failedBuilds(place: PrunePlace, { containers }: StorageIndex): Prunable[] {
  const { stateDir, store, now } = place;
  const known = openFailedBuilds(stateDir)
    .all()
    .filter(({ graphRoot }) => graphRoot === store.graphRoot);
  const others = otherTrees(place).flatMap((tree) => openFailedBuilds(tree.stateDir).all());
  const names = new Set([...known, ...others].map(({ container }) => container));
  const layersOf = new Map(containers.flatMap((one) => one.names.map((name) => [name, one.layers])));
  const orphans = [...layersOf.keys()].flatMap((name) => {
    const at = keptContainerDate(name);
    return at === undefined || names.has(name) || now - at < STAYS.failed ? [] : [{ name, at }];
  });
  const item = (id: string, text: string, usedAt: number): Prunable => {
    return { kind: 'failed', id, text, usedAt, bytes: 0, layers: layersOf.get(id) ?? [] };
  };
  return [
    ...known.map((kept) => ({
      ...item(kept.container, `the failed build of ${kept.id}`, Date.parse(kept.at)),
      ...(kept.builtAt !== undefined && spent(kept, join(stateDir, 'locks'))),
    })),
    ...orphans.map(({ name, at }) => item(name, `the failed build ${name}`, at)),
  ];
}

/** Of a layer that was built since: whoever was in it then may be still. */
function spent(kept: FailedBuild, locks: string): Partial<Prunable> {
  return { isSpent: true, ...(isEntered(kept, locks) && { needed: 'somebody is in it' }) };
}

export function failedLayerOf(stateDir: string, container: string): LayerId | undefined {
  return openFailedBuilds(stateDir)
    .all()
    .find((failed) => failed.container === container)?.id as LayerId | undefined;
}

/** Layers of containers that are made of our images and are not listed themselves. */
export function layersInUse(
  { containers }: StorageIndex,
  images: readonly Pick<Prunable, 'id'>[],
  listed: readonly Prunable[],
): ReadonlySet<string> {
  const ours = new Set(images.map(({ id }) => id));
  const others = containers.filter(
    ({ image, names }) => ours.has(image) && !listed.some(({ id }) => names.includes(id)),
  );
  return new Set(others.flatMap(({ layers }) => layers));
}

/**
 * Containers of runs that are over which a failed `buildah from` left half made: nobody can be in one. The caller has the storage for
 * itself, so that none is being made. Gives a line about each.
 */
export async function sweepHalfMade(place: PrunePlace, exec: Exec): Promise<string[]> {
  const { store } = place;
  const trees = [place, ...otherTrees(place)];
  const alive = trees.flatMap(({ stateDir }) => lockNames(join(stateDir, 'locks', 'runs')));
  const names = readStorage(store)
    .containers.filter((container) => !isOfBuildah(store, container))
    .flatMap((container) => container.names)
    .filter((name) => isOfARun(name) && !alive.some((file) => isContainerOf(name, file.replace(/\.lock$/, ''))));
  await removeNamed(names, exec);
  return names.map((name) => `the container ${name} was left half made, and was swept`);
}
