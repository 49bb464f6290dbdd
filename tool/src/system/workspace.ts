import type { Buildah } from './buildah.ts';
import type { Exec } from './command.ts';

/**
 * What a builder or publisher of one layer in one run gets to work with. `run/` makes it; whoever holds it can reach
 * the outside only through it, so that locks, logs, cancellation and time measurement hold everywhere.
 */
export interface Workspace {
  readonly runId: string;
  /** Absolute root of the tree; relative paths of layer files start here. */
  readonly root: string;
  /** Absolute folder of this layer in this run, empty at first, removed afterwards whatever happened. */
  readonly temporary: string;
  /** Absolute folder for package caches, shared between layers and runs. */
  readonly caches: string;
  readonly signal: AbortSignal;
  readonly exec: Exec;
  readonly buildah: Buildah;
  /** A named step of the layer (`packages`, `cmds`, `push`): shown, timed and logged. */
  step<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Says which container the layer grows in: kept when the build fails, where the user wants that. */
  growsIn(container: string): void;
  /** Says that these parts of the layer are taken from what was built before, at `builtAt` (ISO 8601). */
  startsFrom(parts: readonly string[], builtAt: string): void;
  /** A line for the layer's log, and for the terminal's last-line column. */
  say(line: string): void;
  /** Something the user should see in the summary. */
  warn(message: string): void;
  /** Leaves a file beside the layer's log, called after it (`<log>.<name>`); for what was found out, also when the layer fails. */
  keep(name: string, content: Uint8Array): void;
  /** Progress within a step: `done` of `total` (tasks, bytes); total may be unknown. */
  progress(text: string, done?: number, total?: number): void;
}
