import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import path from 'node:path';
import type { Checkpoint, CheckpointKey } from '../recipe/checkpoint.ts';
import { writeFileAtomic } from '../system/files.ts';
import { decodeChecked, encodeChecked } from './checked-json.ts';
import { imageFolder } from './local-memory.ts';

/** A checkpoint as `prune` and `shell` look at it. */
interface ListedCheckpoint extends Checkpoint {
  /** ISO 8601: when a build last made it or started from it. */
  readonly usedAt: string;
  /** Whether its image is still in storage. */
  readonly isThere: boolean;
  /** A later one of the same layer and part has been made or used since. */
  readonly isSuperseded: boolean;
}

/**
 * Checkpoints of the container storage of this machine, a file each in `<graphRoot>/layers-checkpoints`: beside the images, as they
 * live and go with them. What is damaged counts as not there.
 */
export interface Checkpoints {
  /** The one under a key, if its image is there. */
  find(key: CheckpointKey): Checkpoint | undefined;
  /** Durable when it resolves. Its image is complete by then; another one under the key is replaced. */
  keep(checkpoint: Checkpoint): Promise<void>;
  /** Notes that a build starts from it. */
  use(key: CheckpointKey): void;
  /** The latest used first. */
  list(): ListedCheckpoint[];
  /** Forgets it; its image is the caller's to remove, by its name (`run/kept-name.ts`), and not during a run. */
  remove(key: CheckpointKey): void;
}

export function openCheckpoints(graphRoot: string): Checkpoints {
  const folder = path.join(graphRoot, 'layers-checkpoints');
  const fileOf = (key: string) => path.join(folder, `${key}.json`);
  const isThere = ({ image }: Checkpoint) => existsSync(imageFolder(image));
  return {
    find(key) {
      const checkpoint = read(fileOf(key), key);
      return checkpoint !== undefined && isThere(checkpoint) ? checkpoint : undefined;
    },
    async keep(checkpoint) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      await writeFileAtomic(fileOf(checkpoint.key), encodeChecked(checkpoint), { mode: 0o600 });
    },
    use(key) {
      const now = new Date();
      try {
        utimesSync(fileOf(key), now, now);
      } catch {
        // A storage that cannot be written to: it only looks older than it is.
      }
    },
    list() {
      const latest = new Set<string>();
      return namesIn(folder)
        .flatMap((key) => {
          const checkpoint = read(fileOf(key), key);
          if (checkpoint === undefined) return [];
          return [{ ...checkpoint, usedAt: statSync(fileOf(key)).mtime.toISOString(), isThere: isThere(checkpoint) }];
        })
        .toSorted((a, b) => (a.usedAt < b.usedAt ? 1 : -1))
        .map((one) => {
          const place = JSON.stringify([one.layer, one.part]);
          const isSuperseded = latest.has(place);
          if (one.isThere) latest.add(place);
          return { ...one, isSuperseded };
        });
    },
    remove: (key) => rmSync(fileOf(key), { force: true }),
  };
}

function namesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => (/^[0-9a-f]{64}\.json$/.test(name) ? [name.slice(0, -5)] : []));
}

function read(file: string, key: string): Checkpoint | undefined {
  try {
    const checkpoint = decodeChecked(readFileSync(file, 'utf8')) as Checkpoint | null | undefined;
    return checkpoint?.version === 1 && checkpoint.key === key ? checkpoint : undefined;
  } catch {
    return undefined;
  }
}
