import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A tree whose images are in a storage. */
interface StorageTree {
  /** Absolute. */
  readonly root: string;
  readonly stateDir: string;
}

/** Trees that build into one container storage, in `<graphRoot>/layers-trees`: what their records name is needed, whoever prunes. */
export interface StorageTrees {
  /** Never throws. Costs one look where it is known. */
  note(tree: StorageTree): void;
  /** Those that are still there; the others are forgotten. */
  all(): readonly StorageTree[];
}

export function openStorageTrees(graphRoot: string): StorageTrees {
  const folder = path.join(graphRoot, 'layers-trees');
  const nameOf = (stateDir: string) => `${createHash('sha256').update(stateDir).digest('hex').slice(0, 32)}.json`;
  return {
    note({ root, stateDir }) {
      const file = path.join(folder, nameOf(stateDir));
      try {
        if (existsSync(file)) return;
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        writeFileSync(file, JSON.stringify({ root, stateDir }), { mode: 0o600 });
      } catch {
        // A storage that cannot be written to keeps no images of this tree.
      }
    },
    all() {
      return filesIn(folder).flatMap((file) => {
        const tree = read(file);
        if (tree !== undefined && existsSync(tree.root) && existsSync(tree.stateDir)) return [tree];
        rmSync(file, { force: true });
        return [];
      });
    },
  };
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => path.join(folder, name));
  } catch {
    return [];
  }
}

function read(file: string): StorageTree | undefined {
  try {
    const { root, stateDir } = JSON.parse(readFileSync(file, 'utf8')) as Partial<StorageTree>;
    return root === undefined || stateDir === undefined ? undefined : { root, stateDir };
  } catch {
    return undefined;
  }
}
