import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Checkpoint, CheckpointKey } from '../recipe/checkpoint.ts';

interface LastCheckpoint {
  /** State folder. */
  readonly tree: string;
  readonly key: CheckpointKey;
}

/**
 * Which checkpoint of a layer and part each tree made or started from last, a file each: two checkouts of one repository have the same layer
 * ids, and the next build of either begins at its own.
 */
export interface LastCheckpoints {
  /** Never throws: one that is not noted is only thought to be older than it is. */
  note(checkpoint: Pick<Checkpoint, 'key' | 'layer' | 'part'>, tree: string): void;
  all(): readonly LastCheckpoint[];
  leave(tree: string): void;
}

export function openLastCheckpoints(folder: string): LastCheckpoints {
  const all = () => filesIn(folder).flatMap((file) => read(file) ?? []);
  return {
    note({ key, layer, part }, tree) {
      const name = createHash('sha256')
        .update(JSON.stringify([tree, layer, part]))
        .digest('hex')
        .slice(0, 32);
      const file = path.join(folder, `${name}.json`);
      const starting = `${file}.${process.pid}`;
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        // Whole at any time: a full disk leaves the earlier one.
        writeFileSync(starting, JSON.stringify({ tree, key }), { mode: 0o600 });
        renameSync(starting, file);
      } catch {
        rmSync(starting, { force: true });
      }
    },
    all,
    leave(tree) {
      for (const { file } of all().filter((one) => one.tree === tree)) rmSync(file, { force: true });
    },
  };
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).flatMap((name) => (name.endsWith('.json') ? [path.join(folder, name)] : []));
  } catch {
    return [];
  }
}

function read(file: string): (LastCheckpoint & { readonly file: string }) | undefined {
  try {
    const { tree, key } = JSON.parse(readFileSync(file, 'utf8')) as Partial<LastCheckpoint>;
    return tree === undefined || key === undefined ? undefined : { tree, key, file };
  } catch {
    return undefined;
  }
}
