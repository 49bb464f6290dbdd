import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { LayerId } from '../config/layer.ts';
import type { ContentDigest } from '../recipe/recipe.ts';
import type { LayerRecord } from '../recipe/record.ts';
import { type Checkpoints, openCheckpoints } from '../records/checkpoints.ts';
import { type LocalBuild, listLocalBuilds, listLocalSets } from '../records/local-builds.ts';
import { openOwnImages } from '../records/own-images.ts';
import { allRecords } from '../records/record-store.ts';
import type { StorageIndex, StoredImage } from '../system/storage-index.ts';
import { isOwnName, keptRepository } from './kept-name.ts';
import type { PathItem } from './prune-inventory.ts';
import type { PrunePlace } from './prune-place.ts';
import { nameOfTree, otherTrees } from './prune-trees.ts';

type ListedCheckpoint = ReturnType<Checkpoints['list']>[number];

/** Our images, checkpoints and what is remembered of builds; `held`: file system layers that others' images hold. */
export function pruneableImages(
  place: PrunePlace,
  storage: StorageIndex,
): { readonly items: readonly PathItem[]; readonly held: ReadonlySet<string> } {
  const { store } = place;
  const own = openOwnImages(store.graphRoot).all();
  const builds = listLocalBuilds(store.graphRoot);
  const known = new Set([place, ...otherTrees(place)].map(({ stateDir }) => stateDir));
  const checkpoints = openCheckpoints(store.graphRoot).list((tree) => known.has(tree));
  const isOurs = ({ id, names }: StoredImage) => own.has(id) || names.some(isOwnName);
  const ours = storage.images.filter(isOurs);
  const usedAt = usedAtOf(ours, builds, checkpoints, own);
  const needed = neededImages(place, { storage, builds, checkpoints, ours, own, usedAt });
  const buildOf = new Map(builds.map((build) => [build.image?.id, build]));
  const checkpointOf = new Map(checkpoints.map((one) => [one.image.id, one]));
  const images = ours.map((image): PathItem => {
    const why = needed.get(image.id);
    const checkpoint = checkpointOf.get(image.id);
    const isCheckpoint = checkpoint !== undefined && !buildOf.has(image.id);
    return {
      kind: isCheckpoint ? 'checkpoint' : 'image',
      id: image.id,
      text: textOf(image, checkpoint),
      usedAt: usedAt.get(image.id) ?? image.createdAt,
      layers: image.layers,
      path: join(store.graphRoot, `${store.driver}-images`, image.id),
      ...(why !== undefined && { needed: why }),
    };
  });
  const others = storage.images.filter((image) => !isOurs(image));
  return { items: [...images, ...remembered(place, builds)], held: new Set(others.flatMap(({ layers }) => layers)) };
}

interface Found {
  readonly storage: StorageIndex;
  readonly builds: readonly LocalBuild[];
  readonly checkpoints: readonly ListedCheckpoint[];
  readonly ours: readonly StoredImage[];
  readonly own: ReturnType<ReturnType<typeof openOwnImages>['all']>;
  readonly usedAt: ReadonlyMap<string, number>;
}

/** Image → why it stays. */
function neededImages(place: PrunePlace, found: Found): ReadonlyMap<string, string> {
  const { stateDir, needed, keepLast, store } = place;
  const { builds, checkpoints, ours, own } = found;
  const why = new Map<string, string>();
  const contents = new Map<ContentDigest, string>();
  const byContent = Map.groupBy(builds, ({ content }) => content);
  const need = (image: string | undefined, reason: string) => {
    if (image !== undefined && !why.has(image)) why.set(image, reason);
  };
  const needContent = (content: ContentDigest, reason: string) => {
    if (!contents.has(content)) contents.set(content, reason);
  };
  const needBuild = (build: Pick<LayerRecord, 'content' | 'recipe'>, image: string | undefined, reason: string) => {
    need(image, reason);
    needContent(build.content, reason);
    if (build.recipe.parent.kind === 'layer') needContent(build.recipe.parent.content, reason);
  };
  const trees = otherTrees(place);
  for (const tree of [...trees, place]) {
    const isThis = tree.stateDir === stateDir;
    for (const record of allRecords(tree.stateDir)) {
      const { local } = record.image;
      if (isThis && !needed.layers.has(record.id as LayerId)) continue;
      const image = local?.graphRoot === store.graphRoot ? local.id : undefined;
      needBuild(record, image, isThis ? 'the last build of a layer of the tree' : `the last build in ${tree.root}`);
    }
  }
  for (const build of builds) {
    const who = needed.keys.get(build.recipeKey);
    if (who !== undefined) needBuild(build, build.image?.id, who);
  }
  const buildOf = new Map(builds.map((build) => [build.image?.id, build]));
  for (const id of lastOfEach(place, found, keepLast)) {
    const build = buildOf.get(id);
    if (build === undefined) need(id, `one of the last ${keepLast} builds`);
    else needBuild(build, id, `one of the last ${keepLast} builds`);
  }
  // The records of a tree that cannot be seen cannot be read: what it made is what is known of it.
  const living = new Map(trees.map((tree) => [tree.stateDir, nameOfTree(tree)]));
  for (const { id } of ours) {
    const other = living.get(own.get(id)?.tree ?? '');
    if (other === undefined) continue;
    const reason = `of ${other}, which is pruned there`;
    const build = buildOf.get(id);
    if (build === undefined) need(id, reason);
    else needBuild(build, id, reason);
  }
  // What it stands on, and that on, by content: a map grows while it is gone through.
  for (const [content, reason] of contents) {
    for (const build of byContent.get(content) ?? []) needBuild(build, build.image?.id, reason);
  }
  for (const { layer, users, isSuperseded, image } of checkpoints) {
    const other = users.find(({ tree }) => living.has(tree));
    // Another layer of the same packages may have made it.
    const begin = users.length > 0 || isSuperseded ? users.map((user) => user.layer) : [layer];
    const next = begin.find((one) => needed.layers.has(one as LayerId));
    if (keepLast > 0 && next !== undefined) need(image.id, `where the next build of ${next} begins`);
    else if (other !== undefined)
      need(image.id, `where the next build of ${other.layer} in ${living.get(other.tree)} begins`);
  }
  for (const { id, names } of ours) {
    const foreign = names.find((name) => !isOwnName(name));
    if (foreign !== undefined) need(id, `called ${foreign}`);
  }
  for (const { image, names } of found.storage.containers) need(image, `in use by the container ${names[0] ?? ''}`);
  return why;
}

/** The last builds of each layer of the tree and its branches. */
function lastOfEach({ needed }: PrunePlace, { ours, usedAt }: Found, keepLast: number): string[] {
  const repositories = new Set([...needed.layers].map(keptRepository));
  const byRepository = Map.groupBy(ours, ({ names }) => {
    const name = names.map((one) => one.slice(0, one.lastIndexOf(':'))).find((one) => repositories.has(one));
    return name ?? '';
  });
  byRepository.delete('');
  const used = ({ id }: StoredImage) => usedAt.get(id) ?? 0;
  return [...byRepository.values()].flatMap((images) =>
    images
      .toSorted((a, b) => used(b) - used(a))
      .slice(0, keepLast)
      .map(({ id }) => id),
  );
}

function usedAtOf(
  ours: readonly StoredImage[],
  builds: readonly LocalBuild[],
  checkpoints: readonly ListedCheckpoint[],
  own: Found['own'],
): Map<string, number> {
  const usedAt = new Map<string, number>();
  const used = (id: string | undefined, at: number) => {
    if (id !== undefined) usedAt.set(id, Math.max(usedAt.get(id) ?? 0, at));
  };
  for (const { id } of ours) used(id, own.get(id)?.madeAt ?? 0);
  for (const build of builds) used(build.image?.id, build.usedAt);
  for (const { image, usedAt: at } of checkpoints) used(image.id, Date.parse(at));
  for (const { id, createdAt } of ours) if ((usedAt.get(id) ?? 0) === 0) used(id, createdAt);
  return usedAt;
}

function textOf({ id, names }: StoredImage, checkpoint: ListedCheckpoint | undefined): string {
  if (checkpoint !== undefined) return `${checkpoint.layer} after its ${checkpoint.part}`;
  const [name] = names.filter(isOwnName);
  return name === undefined ? `an image without a name (${id.slice(0, 12)})` : name.slice(name.lastIndexOf('/') + 1);
}

/** Builds whose image is gone, and input sets. What is remembered of an image goes with it. */
function remembered({ store, needed }: PrunePlace, builds: readonly LocalBuild[]): PathItem[] {
  const gone = builds
    .filter(({ isThere }) => !isThere)
    .map(({ recipeKey, usedAt, file }) => ({
      id: file,
      text: `what is remembered of recipe ${recipeKey.slice(0, 12)}, whose image is gone`,
      usedAt,
      who: needed.keys.get(recipeKey),
    }));
  const sets = listLocalSets(store.graphRoot).map(({ probeKey, file }) => ({
    id: file,
    text: `input sets of ${probeKey.slice(0, 12)}`,
    usedAt: statSync(file).mtimeMs,
    who: needed.probes.has(probeKey) ? 'the tree or a branch' : undefined,
  }));
  return [...gone, ...sets].map(({ who, ...item }) => {
    return { kind: 'memory', ...item, layers: [], path: item.id, ...(who !== undefined && { needed: who }) };
  });
}
