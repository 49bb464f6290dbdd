import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { LayerId } from '../config/layer.ts';
import { createBuildah } from '../system/buildah-cli.ts';
import { createExec } from '../system/exec.ts';
import { createLocked } from '../system/lock.ts';
import { sweepRun } from '../system/sweep.ts';
import type { Workspace } from '../system/workspace.ts';
import { makeTemporary, newRunId } from './run-folder.ts';
import type { RunPlace } from './workspace.ts';

/**
 * A place for looking into images that leaves nothing: neither records nor logs. It holds a run's lock, so that the next run sweeps what is left
 * when it is killed.
 */
export interface Throwaway extends AsyncDisposable {
  /** `lockFds`: descriptors of locks that its programs inherit, and for which it must be left before they are released. */
  workspace(id: LayerId, lockFds?: readonly number[]): Workspace;
}

export function openThrowaway(
  place: Pick<RunPlace, 'root' | 'environment' | 'isolation' | 'signal' | 'forced'>,
  stateDir: string,
  temporaryRoot: string,
): Throwaway {
  const runId = newRunId(new Date());
  const temporary = makeTemporary(temporaryRoot, runId);
  const holder = { host: hostname(), pid: process.pid, runId, temporary };
  const lock = createLocked(join(stateDir, 'locks', 'runs', `${runId}.lock`), holder);
  const env = { ...place.environment, TMPDIR: join(temporary, 'tmp'), LAYERS_RUN_ID: runId };
  mkdirSync(env.TMPDIR, { mode: 0o700 });
  return {
    workspace(id, lockFds = []) {
      const exec = createExec({ env, signal: place.signal, lockFds });
      const own = join(temporary, encodeURIComponent(id));
      mkdirSync(own, { recursive: true, mode: 0o700 });
      return {
        runId,
        root: place.root,
        temporary: own,
        // Not the shared ones: nothing of a look stays.
        caches: join(own, 'caches'),
        signal: place.signal,
        exec,
        buildah: createBuildah(exec, { isolation: place.isolation, runId, layer: id, temporary: own }),
        step: (_, work) => work(),
        growsIn: () => undefined,
        say: () => undefined,
        startsFrom: () => undefined,
        warn: () => undefined,
        keep: () => undefined,
        progress: () => undefined,
      };
    },
    async [Symbol.asyncDispose]() {
      await sweepRun(runId, { exec: createExec({ env: place.environment, signal: place.forced }), temporary });
      if (place.forced.aborted) lock.abandon();
      else lock.release();
    },
  };
}
