import { setTimeout as sleep } from 'node:timers/promises';

const SHORTEST_MS = 50;
const LONGEST_MS = 2_000;

/**
 * Waits after a write to a tag. A registry has no "only if absent": who looked before this write will have written when as much time
 * has passed again as ours took from its look (`started`, as of `performance.now()`); then all see the same one, the last.
 */
export async function settled(started: number, signal: AbortSignal | undefined): Promise<void> {
  const ms = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, 2 * (performance.now() - started)));
  await sleep(ms, undefined, signal ? { signal } : {});
}
