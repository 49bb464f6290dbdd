import { join } from 'node:path';
import { InvalidInput } from '../config/diagnostic.ts';
import type { LayerId } from '../config/layer.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import { notLocked } from '../plan/drift.ts';
import type { LayerLock, Wish } from '../plan/facts.ts';
import { locksOf, readLock, writeLock } from '../run/lock-file.ts';

/** What layers.lock says. Throws InvalidInput where it cannot be used, or with `--locked` does not speak of all that is needed. */
export async function readLocks(root: string, graph: LayerGraph, wish: Wish): Promise<Map<LayerId, LayerLock>> {
  const locks = locksOf(graph, await readLock(root));
  const missing = wish.locked ? notLocked(graph, wish.needed, locks) : [];
  if (missing.length === 0) return locks;
  const diagnostics = missing.map(({ id, message }) => {
    const file = graph.layers.get(id)?.file ?? id;
    return { severity: 'error' as const, code: 'not-locked', message, file };
  });
  throw new InvalidInput('--locked: layers.lock does not say all that is used from outside, nothing was done', {
    diagnostics,
    root,
    hint: "'layers lock' writes it",
  });
}

/** Writes one layer's entry; layers that are built side by side, and other runs, wait for each other. */
export function createLockWriter(root: string, stateDir: string): (id: LayerId, lock: LayerLock) => Promise<void> {
  return async (id, lock) => {
    await writeLock(root, new Map([[id, lock]]), join(stateDir, 'locks'));
  };
}
