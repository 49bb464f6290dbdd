import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import path from 'node:path';
import type { Checkpoint, CheckpointKey } from '../recipe/checkpoint.ts';
import { writeFileAtomic } from '../system/files.ts';
import { decodeChecked, encodeChecked } from './checked-json.ts';
import { type CheckpointUser, type LastCheckpoint, openLastCheckpoints } from './last-checkpoints.ts';
import { imageFolder } from './local-memory.ts';

/** A checkpoint as `prune` and `shell` look at it. */
interface ListedCheckpoint extends Checkpoint {
  /** ISO 8601: when a build last made it or started from it. */
  readonly usedAt: string;
  /** Whether its image is still in storage. */
  readonly isThere: boolean;
  /** Trees and layers whose last build made it or started from it. */
  readonly users: readonly Pick<CheckpointUser, 'tree' | 'layer'>[];
  /** It is nobody's last one, and a later one of the same layer and part has been made or used since. */
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
  keep(checkpoint: Checkpoint, maker: CheckpointUser): Promise<void>;
  /** Notes that a build starts from it. */
  use(checkpoint: Checkpoint, user: CheckpointUser): void;
  /** What builds of a layer made or started from last, one for each tree and part, the latest first. */
  lastOf(layer: string): readonly LastCheckpoint[];
  /** The latest used first. `isKnown`: of which trees it is told what they built last. */
  list(isKnown?: (tree: string) => boolean): ListedCheckpoint[];
  /** Forgets what a tree built last. */
  leave(tree: string): void;
  /** Forgets it; its image is the caller's to remove, by its name (`run/kept-name.ts`), and not during a run. */
  remove(key: CheckpointKey): void;
}

export function openCheckpoints(graphRoot: string): Checkpoints {
  const folder = path.join(graphRoot, 'layers-checkpoints');
  const fileOf = (key: string) => path.join(folder, `${key}.json`);
  const isThere = ({ image }: Checkpoint) => existsSync(imageFolder(image));
  const last = openLastCheckpoints(path.join(folder, 'last'));
  return {
    find(key) {
      const checkpoint = read(fileOf(key), key);
      return checkpoint !== undefined && isThere(checkpoint) ? checkpoint : undefined;
    },
    async keep(checkpoint, maker) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      await writeFileAtomic(fileOf(checkpoint.key), encodeChecked(checkpoint), { mode: 0o600 });
      last.note(checkpoint, maker);
    },
    use(checkpoint, user) {
      const now = new Date();
      last.note(checkpoint, user);
      try {
        utimesSync(fileOf(checkpoint.key), now, now);
      } catch {
        // A storage that cannot be written to: it only looks older than it is.
      }
    },
    lastOf: (layer) =>
      last
        .all()
        .filter((one) => one.layer === layer)
        .toSorted((a, b) => b.at - a.at),
    list(isKnown = () => true) {
      const latest = new Set<string>();
      const noted = last.all().filter(({ tree }) => isKnown(tree));
      const usersOf = Map.groupBy(noted, ({ key }) => key);
      return namesIn(folder)
        .flatMap((key) => {
          const checkpoint = read(fileOf(key), key);
          if (checkpoint === undefined) return [];
          return [{ ...checkpoint, usedAt: statSync(fileOf(key)).mtime.toISOString(), isThere: isThere(checkpoint) }];
        })
        .toSorted((a, b) => (a.usedAt < b.usedAt ? 1 : -1))
        .map((one) => {
          const place = JSON.stringify([one.layer, one.part]);
          // Earlier versions noted no layer: it was mostly that of the checkpoint.
          const users = (usersOf.get(one.key) ?? []).map(({ tree, layer }) => ({ tree, layer: layer || one.layer }));
          const isSuperseded = latest.has(place) && users.length === 0;
          if (one.isThere) latest.add(place);
          return { ...one, users, isSuperseded };
        });
    },
    leave: (tree) => last.leave(tree),
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
