import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A tree whose images are in a storage. */
interface StorageTree {
  /** Absolute. */
  readonly root: string;
  readonly stateDir: string;
}

export interface NotedTree extends StorageTree {
  /** Whether its folders can be seen: they may lie on a disk that is not mounted now, or be those of another container. */
  readonly isThere: boolean;
  /** Milliseconds since the epoch: when it last built here, or was there when somebody pruned. */
  readonly seenAt: number;
}

/** Trees that build into one container storage, in `<graphRoot>/layers-trees`: what their records name is needed, whoever prunes. */
export interface StorageTrees {
  /** It is there now. Never throws. */
  note(tree: StorageTree): void;
  /** All that were noted and not forgotten. Changes nothing. */
  all(): readonly NotedTree[];
  forget(tree: StorageTree): void;
}

export function openStorageTrees(graphRoot: string): StorageTrees {
  const folder = path.join(graphRoot, 'layers-trees');
  const fileOf = ({ stateDir }: StorageTree) =>
    path.join(folder, `${createHash('sha256').update(stateDir).digest('hex').slice(0, 32)}.json`);
  return {
    note({ root, stateDir }) {
      const file = fileOf({ root, stateDir });
      const starting = `${file}.${process.pid}`;
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        // Whole at any time: a full disk leaves the earlier one.
        writeFileSync(starting, JSON.stringify({ root, stateDir }), { mode: 0o600 });
        renameSync(starting, file);
      } catch {
        // A storage that cannot be written to gets no images of this tree.
        rmSync(starting, { force: true });
      }
    },
    all: () => filesIn(folder).flatMap((file) => read(file) ?? []),
    forget: (tree) => rmSync(fileOf(tree), { force: true }),
  };
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).flatMap((name) => (name.endsWith('.json') ? [path.join(folder, name)] : []));
  } catch {
    return [];
  }
}

function read(file: string): NotedTree | undefined {
  try {
    const { root, stateDir } = JSON.parse(readFileSync(file, 'utf8')) as Partial<StorageTree>;
    if (root === undefined || stateDir === undefined) return undefined;
    const isThere = existsSync(root) && existsSync(stateDir);
    return { root, stateDir, isThere, seenAt: statSync(file).mtimeMs };
  } catch {
    return undefined;
  }
}
