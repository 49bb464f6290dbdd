import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layer } from '../config/layer.ts';
import { chosenEnvironment } from '../inputs/environment-inputs.ts';
import { openOwnImages } from '../records/own-images.ts';
import type { Buildah } from '../system/buildah.ts';
import { createBuildah } from '../system/buildah-cli.ts';
import type { Exec } from '../system/command.ts';
import { createExec } from '../system/exec.ts';
import { removeContainers } from '../system/sweep.ts';
import type { Workspace } from '../system/workspace.ts';
import type { NewRunEvent } from './events.ts';
import type { LayerLog } from './run-folder.ts';

/** What all layers of a run share. */
export interface RunPlace {
  readonly runId: string;
  /** Absolute. */
  readonly root: string;
  readonly temporary: string;
  readonly caches: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly isolation: Buildah['isolation'];
  /** Folder of the container storage, where it is known. */
  readonly graphRoot?: string;
  /** Absolute: what tells this tree from others that build into the same storage. */
  readonly stateDir: string;
  readonly signal: AbortSignal;
  /** Aborted by a second Ctrl-C: cleaning up is given up, the next run sweeps. */
  readonly forced: AbortSignal;
  /** Locks of the whole run (of the storage it builds into), which live until its last orphan ends. */
  readonly lockFds: readonly number[];
  emit(event: NewRunEvent): void;
}

/** A workspace, what came up in it, and how to leave it. */
export interface OpenWorkspace extends Workspace {
  readonly warnings: readonly string[];
  /** The container that the layer grew in, and the step that was not finished. */
  readonly unfinished: { readonly container?: string; readonly step?: string };
  /** Time in which at least one child of this layer ran, in milliseconds. */
  childrenMs(): number;
  /** Removes containers and temporary files, also after an abort. */
  close(): Promise<void>;
}

/**
 * Opens the workspace of one layer. `lockFd` is inherited by every child, and the run's by those that change the storage, so that the locks
 * live until the last orphan ends.
 */
export function openWorkspace(place: RunPlace, layer: Layer, log: LayerLog, lockFd: number): OpenWorkspace {
  const { id } = layer;
  const temporary = join(place.temporary, encodeURIComponent(id));
  mkdirSync(join(temporary, 'tmp'), { recursive: true, mode: 0o700 });
  const warnings: string[] = [];
  const unfinished: { container?: string; step?: string } = {};
  const intervals: { start: number; end: number }[] = [];
  const env = { ...place.environment, TMPDIR: join(temporary, 'tmp'), LAYERS_RUN_ID: place.runId };
  const say = (line: string): void => {
    log.line(line);
    place.emit({ type: 'output', id, line });
  };
  const onChild = (child: { start: number; end: number }) => intervals.push(child);
  // Package managers on this machine make folders by it, and an image is the same whoever builds it.
  const common = { env, lockFds: [lockFd], onChild, umask: 0o022 };
  const chosen = chosenEnvironment(layer, place.environment);
  const exec = logged(createExec({ ...common, log: say, signal: place.signal }), log, chosen);
  // Not more for all of them: mmdebstrap writes to its next free descriptor by a shell that knows only those below 10.
  const storing = { ...common, lockFds: [lockFd, ...place.lockFds] };
  const changing = logged(createExec({ ...storing, log: say, signal: place.signal }), log, chosen);
  const containers = { runId: place.runId, layer: id };
  const { graphRoot, stateDir } = place;
  const own = graphRoot === undefined ? undefined : openOwnImages(graphRoot);
  const made = async (id: string) => own?.note(id, stateDir);
  const buildah = createBuildah(changing, { ...containers, isolation: place.isolation, temporary, made });
  return {
    runId: place.runId,
    root: place.root,
    temporary,
    caches: place.caches,
    signal: place.signal,
    exec,
    buildah,
    warnings,
    unfinished,
    growsIn(container) {
      unfinished.container = container;
    },
    say,
    warn(message) {
      warnings.push(message);
      log.line(`warning: ${message}`);
      place.emit({ type: 'warning', id, message });
    },
    startsFrom(parts, builtAt) {
      log.line(`${parts.join(', ')}: from the checkpoint of ${builtAt}`);
      place.emit({ type: 'checkpoint', id, parts, builtAt });
    },
    keep: (name, content) => log.keep(name, content),
    progress(text, done, total) {
      const numbers = { ...(done === undefined ? {} : { done }), ...(total === undefined ? {} : { total }) };
      place.emit({ type: 'progress', id, text, ...numbers });
    },
    async step(name, work) {
      place.signal.throwIfAborted();
      log.line(`=== ${name}`);
      place.emit({ type: 'step-started', id, step: name });
      const started = performance.now();
      unfinished.step = name;
      const result = await work();
      place.emit({ type: 'step-finished', id, step: name, durationMs: Math.round(performance.now() - started) });
      return result;
    },
    childrenMs: () => covered(intervals),
    async close() {
      // The run's signal may be aborted already; what has begun must be taken away all the same.
      const cleaning = createExec({ ...storing, log: (line) => log.line(line), signal: place.forced });
      await removeContainers(cleaning, containers);
      await rm(temporary, { recursive: true, force: true });
    },
  };
}

/** argv of every command that changes something goes into the log before its output. `chosen`: variables that the layer lets through. */
function logged(exec: Exec, log: LayerLog, chosen: Readonly<Record<string, string>>): Exec {
  return async (file, args, options) => {
    if (options?.quiet !== true) {
      const secrets = options?.secrets ?? [];
      log.line(
        `$ ${[file, ...(options?.relay?.shown ?? args)].map((word) => (secrets.includes(word) ? '***' : word)).join(' ')}`,
      );
    }
    return exec(file, args, { ...options, env: { ...chosen, ...options?.env } });
  };
}

/** Length of the union of intervals: two children at a time count once. */
function covered(intervals: readonly { start: number; end: number }[]): number {
  let total = 0;
  let until = Number.NEGATIVE_INFINITY;
  for (const { start, end } of intervals.toSorted((a, b) => a.start - b.start)) {
    total += Math.max(0, end - Math.max(start, until));
    until = Math.max(until, end);
  }
  return total;
}
