import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LayerId } from '../config/layer.ts';
import { writeFileAtomic } from '../system/files.ts';
import { decodeChecked, encodeChecked } from './checked-json.ts';

/** The container that was kept of a layer's failed build, as `layers shell LAYER --at failed` finds it. Plain JSON; no secrets. */
export interface FailedBuild {
  readonly version: 1;
  /** Layer id. */
  readonly id: string;
  /** Name of the container, in the storage whose folder is `graphRoot`. */
  readonly container: string;
  readonly graphRoot: string;
  readonly runId: string;
  /** ISO 8601: when it failed. */
  readonly at: string;
  /** The step that failed. */
  readonly step: string;
  /** One line. */
  readonly message: string;
  /** Of what was being built; not known of an Ansible layer's first build. */
  readonly recipeKey?: string;
  /** ISO 8601: when somebody was last in it. Since then it need not be what failed any more. */
  readonly enteredAt?: string;
  /** ISO 8601: when the layer was built well while somebody was in it. It only waits for him to leave. */
  readonly builtAt?: string;
}

/** One of a layer: a later one takes its place. What cannot be read counts as none. */
export interface FailedBuilds {
  read(id: LayerId): FailedBuild | undefined;
  all(): readonly FailedBuild[];
  /** Durable when it resolves. */
  write(failed: FailedBuild): Promise<void>;
  remove(id: string): Promise<void>;
}

/** Under `<stateDir>/failed`. Nothing is created before the first write. */
export function openFailedBuilds(stateDir: string): FailedBuilds {
  const folder = join(stateDir, 'failed');
  const fileOf = (id: string) => join(folder, `${encodeURIComponent(id)}.json`);
  return {
    read: (id) => read(fileOf(id)),
    all: () => filesIn(folder).flatMap((file) => read(join(folder, file)) ?? []),
    async write(failed) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      await writeFileAtomic(fileOf(failed.id), encodeChecked(failed), { mode: 0o600 });
    },
    remove: (id) => rm(fileOf(id), { force: true }),
  };
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /^[^.].*\.json$/.test(name));
  } catch {
    return [];
  }
}

function read(file: string): FailedBuild | undefined {
  try {
    const failed = decodeChecked(readFileSync(file, 'utf8')) as FailedBuild | undefined;
    return failed?.version === 1 ? failed : undefined;
  } catch {
    return undefined;
  }
}
