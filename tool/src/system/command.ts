import type { Readable } from 'node:stream';

/** How a child process ended, in one shape for success and failure. */
export interface CommandResult {
  /** argv as run, with secrets replaced. */
  readonly argv: readonly string[];
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly durationMs: number;
  /** Whole standard output when `collect` was set (bounded: 64 MiB), else empty. Invalid UTF-8 is replaced. */
  readonly stdout: string;
  /** The last lines of both streams together, as they came (at most 40 lines of at most 2,000 characters). */
  readonly tail: readonly string[];
}

export interface CommandOptions {
  readonly cwd?: string;
  /** Added to the tool's clean environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Standard input. A stream stays the child's until it ends. */
  readonly input?: string | Uint8Array | Readable;
  /** Keep standard output for the caller. Default true; false for chatty commands. */
  readonly collect?: boolean;
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
  /** Exit codes that are not a failure. Default [0]. */
  readonly accept?: readonly number[];
  /** Ends the whole process group when nothing was printed for so long. */
  readonly idleMs?: number;
  readonly totalMs?: number;
  /** Ends the whole process group when aborted, as the door's own signal does. */
  readonly signal?: AbortSignal;
  /** Words of argv to show as `***` in errors and logs. */
  readonly secrets?: readonly string[];
  /** Lines go only to the result, not to the layer's log (queries such as `buildah images --json`). */
  readonly quiet?: boolean;
  /** Of a program whose output passes through a relay: what ends it on each stream, and argv without what prints that. */
  readonly relay?: { readonly mark: string; readonly shown: readonly string[] };
}

/** Runs one program by argv, in a process group of its own, which is ended whole on abort or time-out. */
export type Exec = (file: string, args: readonly string[], options?: CommandOptions) => Promise<CommandResult>;

export type CommandFailureReason = 'exit' | 'signal' | 'idle' | 'timeout' | 'cancelled' | 'not-found' | 'spawn';

/** A child that did not do its work. `message` is one line; `result.tail` the end of its output. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly reason: CommandFailureReason;
  readonly result: CommandResult;
  constructor(reason: CommandFailureReason, result: CommandResult, message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
    this.result = result;
  }
}

const NO_SPACE = /no space left on device|ENOSPC|disk quota exceeded/i;

/** Whether something failed because a file system is full. */
export function isOutOfSpace(error: unknown): boolean {
  if (error instanceof CommandFailure) return NO_SPACE.test(error.result.tail.join('\n'));
  return error instanceof Error && NO_SPACE.test(error.message);
}
