import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** An image in local storage that this tool made or pulled. */
interface OwnImage {
  readonly id: string;
  /** State folder of the tree that it was last made for. */
  readonly tree: string;
  /** Milliseconds since the epoch: when it was last made. */
  readonly madeAt: number;
}

/**
 * Which images of a container storage are ours, in `<graphRoot>/layers-images`, a file each: most have no name of their own (a commit before
 * it gets its labels, what is pushed under human tags), and others' images have none either.
 */
export interface OwnImages {
  /** Never throws: an image that is not noted is never taken away, no more. */
  note(id: string, tree: string): void;
  all(): ReadonlyMap<string, OwnImage>;
  forget(id: string): void;
}

export function openOwnImages(graphRoot: string): OwnImages {
  const folder = path.join(graphRoot, 'layers-images');
  return {
    note(id, tree) {
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        writeFileSync(path.join(folder, id), `${tree}\n`, { mode: 0o600 });
      } catch {
        // A storage that cannot be written to has not got the image either.
      }
    },
    all() {
      const found = new Map<string, OwnImage>();
      for (const id of namesIn(folder)) {
        const file = path.join(folder, id);
        const tree = readFileSync(file, 'utf8').trim();
        found.set(id, { id, tree, madeAt: statSync(file).mtimeMs });
      }
      return found;
    },
    forget: (id) => rmSync(path.join(folder, id), { force: true }),
  };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /^[0-9a-f]{64}$/.test(name));
  } catch {
    return [];
  }
}
