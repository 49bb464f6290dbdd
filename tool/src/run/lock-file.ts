import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidInput } from '../config/diagnostic.ts';
import type { LayerId } from '../config/layer.ts';
import { formatLock, LOCK_FILE, type Lock, type LockEntry } from '../config/lock.ts';
import { readPlainLock } from '../config/lock-lines.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import { writeFileAtomic } from '../system/files.ts';
import { withFileLock } from '../system/with-file-lock.ts';

/** Reads layers.lock; undefined where the tree has none. Throws InvalidInput with the places of all problems. */
export async function readLock(root: string): Promise<Lock | undefined> {
  let text: string;
  try {
    text = await readFile(join(root, LOCK_FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new InvalidInput(`${LOCK_FILE} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  const plain = readPlainLock(text);
  if (plain !== undefined) return plain;
  // Somebody edited or merged it. YAML is loaded only then.
  const { parseLock } = await import('../config/lock-parse.ts');
  const { lock, diagnostics } = parseLock(text);
  if (lock !== undefined) return lock;
  throw new InvalidInput(`${LOCK_FILE} cannot be used, nothing was done`, { diagnostics, root });
}

/** Entries of layers that the tree has, as the plan's facts hold them. */
export function locksOf(graph: LayerGraph, lock: Lock | undefined): Map<LayerId, LockEntry> {
  return new Map(
    graph.order.flatMap((id) => {
      const entry = lock?.get(id);
      return entry === undefined ? [] : [[id, entry] as const];
    }),
  );
}

/**
 * Changes entries of layers.lock and leaves the others as they are by now: another run of this tree may have written it since it was read. Whole after
 * a crash, and after another process that changes it at this moment (`locks`: folder for a lock); not written when nothing changes. `undefined` takes an entry away. True when the file was written. Throws InvalidInput.
 */
export async function writeLock(
  root: string,
  changes: ReadonlyMap<string, LockEntry | undefined>,
  locks: string,
): Promise<boolean> {
  const us = { runId: `lock-${process.pid}`, signal: new AbortController().signal, say: () => {} };
  // Two processes that change it at once would otherwise lose an entry.
  return withFileLock(join(locks, `${LOCK_FILE}.lock`), us, () => change(root, changes));
}

async function change(root: string, changes: ReadonlyMap<string, LockEntry | undefined>): Promise<boolean> {
  const before = await readLock(root);
  const lock = new Map(before);
  for (const [id, entry] of changes) {
    if (entry === undefined) lock.delete(id);
    else lock.set(id, entry);
  }
  const text = formatLock(lock);
  if (before !== undefined && formatLock(before) === text) return false;
  await writeFileAtomic(join(root, LOCK_FILE), text);
  return true;
}
