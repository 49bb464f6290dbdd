import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ansibleBuilder } from '../build/ansible.ts';
import type { BuildReport, BuildTarget } from '../build/builder.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import { resolveSource } from '../inputs/copyfiles.ts';
import { createExec } from '../system/exec.ts';
import { createLocked } from '../system/lock.ts';
import { removeContainers } from '../system/sweep.ts';
import type { TurnPlace } from './layer-control.ts';
import { makeTemporary, newRunId } from './run-folder.ts';
import type { LayerWork } from './work-on-layer.ts';
import { type OpenWorkspace, openWorkspace } from './workspace.ts';

/** Runs playbooks over the last good containers of layers, which stay open in between: nothing that comes of it is recorded or published. */
export interface Converger {
  /** Throws what the builder throws. */
  converge(work: LayerWork, layer: Layer, image: string, turn: TurnPlace): Promise<BuildReport>;
  /** Takes all containers and temporary files away. */
  close(): Promise<void>;
}

interface Places {
  /** Absolute folder of the locks. */
  readonly locks: string;
  readonly temporaryRoot: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

interface Open {
  /** The image that it was made from. */
  readonly image: string;
  readonly container: string;
  readonly mountPoint: string;
}

/** Its containers carry an id with a lock of its own, as those of a run do: after a SIGKILL the next run sweeps them. */
export function openConverger({ locks, temporaryRoot, environment }: Places): Converger {
  const runId = newRunId(new Date());
  const temporary = makeTemporary(temporaryRoot, runId);
  const lock = createLocked(join(locks, 'runs', `${runId}.lock`), {
    host: hostname(),
    pid: process.pid,
    runId,
    temporary,
  });
  const containers = new Map<LayerId, Open>();

  async function open(layer: Layer, image: string, workspace: OpenWorkspace): Promise<Open> {
    const known = containers.get(layer.id);
    if (known?.image === image) return known;
    if (known !== undefined) await discard(layer.id, workspace);
    const container = await workspace.buildah.from(image, { pull: 'never' });
    const opened = { image, container, mountPoint: await workspace.buildah.mount(container) };
    containers.set(layer.id, opened);
    return opened;
  }

  async function discard(id: LayerId, workspace: OpenWorkspace): Promise<void> {
    containers.delete(id);
    await workspace.close();
    mkdirSync(join(workspace.temporary, 'tmp'), { recursive: true, mode: 0o700 });
  }

  return {
    async converge(work, layer, image, { log, lockFd }) {
      // Its container stays open between runs, and what serves that would hold the storage's lock; its image counts as in use.
      const place = { ...work.place, runId, temporary, lockFds: [] };
      const workspace = openWorkspace(place, layer, log, lockFd);
      try {
        const { container, mountPoint } = await open(layer, image, workspace);
        const target: BuildTarget = {
          // Scans of the result are the clean build's.
          layer: {
            ...layer,
            options: { ...layer.options, install_scap: false, scap_benchmark: false, oval_eval: false },
          },
          container,
          mountPoint,
          fromScratch: false,
          resolve: (file) => resolveSource(workspace.root, layer.file, file),
        };
        return await ansibleBuilder.build(target, workspace);
      } catch (error) {
        // What was broken off, or failed half way, may be in any state: the next change begins on the last good image again.
        await discard(layer.id, workspace);
        throw error;
      }
    },
    async close() {
      await removeContainers(createExec({ env: { ...environment, LAYERS_RUN_ID: runId } }), { runId });
      await rm(temporary, { recursive: true, force: true });
      lock.release();
    },
  };
}
