import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomic } from '../system/files.ts';
import { type FileState, isSettled, sameState, stateOf } from './file-state.ts';
import { oncePerTurn } from './once-per-turn.ts';
import { createTreeView, type TreeView } from './tree-view.ts';

interface Scanned {
  readonly seen: Readonly<Record<string, FileState>>;
  readonly result: unknown;
}

/** Results of scans, which hold while all that the scan looked at is in the same state. */
export interface ScanCache {
  /**
   * The result under `key`, or a new one from `scan`.
   * @param key all that decides the result besides files
   * @param scan gives plain JSON, or bytes in it where the view's `seen` says undefined
   */
  scan<T>(key: string, scan: (view: TreeView) => Promise<T>): Promise<T>;
  /** Never throws. */
  save(): Promise<void>;
}

/** `now`: the clock of the file system, for the racy rule. */
export function openScanCache(file: string, root: string, now: () => number): ScanCache {
  const saved = load(file);
  const fresh = new Map<string, Scanned>();
  const used = new Set<string>();
  const current = oncePerTurn(stateOf);
  const isValid = ({ seen }: Scanned) => Object.entries(seen).every(([name, state]) => sameState(current(name), state));

  return {
    async scan<T>(key: string, scan: (view: TreeView) => Promise<T>): Promise<T> {
      const known = fresh.get(key) ?? saved[key];
      used.add(key);
      if (known !== undefined && isValid(known)) return known.result as T;
      const view = createTreeView(root);
      const started = now();
      const result = await scan(view);
      const seen = view.seen();
      const isLasting = seen !== undefined && Object.values(seen).every((state) => isSettled(state, started));
      if (isLasting) fresh.set(key, { seen, result });
      return result;
    },
    async save() {
      if (fresh.size === 0) return;
      const unused = Object.entries(saved).filter(([key]) => !used.has(key));
      const kept = unused.length > 4 * used.size + 100 ? [] : unused;
      const still = Object.entries(saved).filter(([key]) => used.has(key) && !fresh.has(key));
      await write(file, Object.fromEntries([...kept, ...still, ...fresh]));
    },
  };
}

function load(file: string): Readonly<Record<string, Scanned>> {
  try {
    const saved = JSON.parse(readFileSync(file, 'utf8')) as { version: number; scans: Record<string, Scanned> };
    const isWhole = saved.version === 1 && Object.values(saved.scans).every((one) => typeof one.seen === 'object');
    return isWhole ? saved.scans : {};
  } catch {
    return {};
  }
}

async function write(file: string, scans: Readonly<Record<string, Scanned>>): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFileAtomic(file, JSON.stringify({ version: 1, scans }));
  } catch {
    // The next run scans again.
  }
}
