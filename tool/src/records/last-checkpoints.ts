import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { BuildStamp, Checkpoint, CheckpointKey } from '../recipe/checkpoint.ts';

/** Whose build made a checkpoint or started from it. */
export interface CheckpointUser {
  /** State folder. */
  readonly tree: string;
  /** Layer id: not always that of the checkpoint, which another layer of the same packages may have made. */
  readonly layer: string;
  readonly build: BuildStamp;
}

export interface LastCheckpoint extends CheckpointUser {
  readonly key: CheckpointKey;
  /** When it was noted, in milliseconds. */
  readonly at: number;
}

/**
 * Which checkpoint of a layer and part each tree made or started from last, a file each: two checkouts of one repository have the same layer
 * ids, and the next build of either begins at its own.
 */
export interface LastCheckpoints {
  /** Never throws: one that is not noted is only thought to be older than it is. */
  note(checkpoint: Pick<Checkpoint, 'key' | 'part'>, user: CheckpointUser): void;
  all(): readonly LastCheckpoint[];
  leave(tree: string): void;
}

export function openLastCheckpoints(folder: string): LastCheckpoints {
  const all = () => filesIn(folder).flatMap((file) => read(file) ?? []);
  return {
    note({ key, part }, { tree, layer, build }) {
      const name = createHash('sha256')
        .update(JSON.stringify([tree, layer, part]))
        .digest('hex')
        .slice(0, 32);
      const file = path.join(folder, `${name}.json`);
      const starting = `${file}.${process.pid}`;
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        // Whole at any time: a full disk leaves the earlier one.
        writeFileSync(starting, JSON.stringify({ tree, layer, build, key }), { mode: 0o600 });
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
    const { tree, key, layer, build } = JSON.parse(readFileSync(file, 'utf8')) as Partial<LastCheckpoint>;
    if (tree === undefined || key === undefined) return undefined;
    // Earlier versions noted tree and key alone: such a one is of no layer.
    return { tree, key, layer: layer ?? '', build: build ?? ('' as BuildStamp), at: statSync(file).mtimeMs, file };
  } catch {
    return undefined;
  }
}
