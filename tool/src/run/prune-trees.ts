import { openCheckpoints } from '../records/checkpoints.ts';
import { type NotedTree, openStorageTrees } from '../records/storage-trees.ts';
import type { PrunePlace } from './prune-place.ts';

const DAY = 24 * 3_600_000;
/** Days for which a tree that cannot be seen counts: longer than a disk is away, or no job runs in a container. */
const UNSEEN_DAYS = 30;

/** Other trees that build into the storage, whose images are not this one's to prune: not those that were not seen for long. */
export function otherTrees({ stateDir, store, now }: Pick<PrunePlace, 'stateDir' | 'store' | 'now'>): NotedTree[] {
  const trees = openStorageTrees(store.graphRoot).all();
  return trees.filter((tree) => tree.stateDir !== stateDir && !isLost(tree, now));
}

/** Notes that trees are there, and forgets those that were not seen for long, which a dry run only says. Gives a line about each of these. */
export function settleTrees(place: Parameters<typeof otherTrees>[0], isDry: boolean): string[] {
  const trees = openStorageTrees(place.store.graphRoot);
  const lost = trees.all().filter((tree) => tree.stateDir !== place.stateDir && isLost(tree, place.now));
  if (!isDry) {
    for (const tree of lost) {
      trees.forget(tree);
      openCheckpoints(place.store.graphRoot).leave(tree.stateDir);
    }
    for (const tree of otherTrees(place)) if (tree.isThere) trees.note(tree);
  }
  const then = isDry ? 'would no longer count' : 'is forgotten';
  return lost.map(
    ({ root, seenAt }) => `the tree ${root}, last seen on ${dayOf(seenAt)}, ${then}: its images are not needed by it`,
  );
}

/** `the tree /x`, and whether it can be seen. */
export function nameOfTree({ root, isThere, seenAt }: NotedTree): string {
  return isThere ? `the tree ${root}` : `the tree ${root}, which cannot be seen now and was on ${dayOf(seenAt)}`;
}

function isLost({ isThere, seenAt }: NotedTree, now: number): boolean {
  return !isThere && now - seenAt >= UNSEEN_DAYS * DAY;
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
