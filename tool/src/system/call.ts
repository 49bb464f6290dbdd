import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ResultPromise } from 'execa';
import { CommandFailure, type CommandFailureReason, type CommandOptions, type CommandResult } from './command.ts';
import type { ExecSettings } from './exec.ts';
import { failureMessage } from './failure-message.ts';
import { CommandOutput, redactor } from './output.ts';
import { endProcesses, findProcesses, groupExists, link } from './processes.ts';

const GRACE_MS = 5000;
/** How long the pipes of an ended child are read on, when a process that could not be ended keeps them open. */
const DRAIN_MS = 1000;
/**
 * Descriptor, in the child, of a socket that nobody uses: all that descends from the child inherits it, and it closes
 * at our end when the last of them has gone. It costs nothing, and `setsid` does not shake it off.
 */
const LIFELINE = 3;

type Exit = [code: number | null, signal: string | null];

/** One program's run: its output, its limits and its end. */
export class Call {
  readonly #settings: ExecSettings;
  readonly #argv: readonly string[];
  readonly #options: CommandOptions;
  readonly #mark: string;
  readonly #output: CommandOutput;
  readonly #start = performance.now();
  /** Resolves when the run is stopped before its own end. */
  readonly #stop = Promise.withResolvers<void>();
  #stopped: CommandFailureReason | undefined;
  #exit: Exit = [null, null];
  #end: () => Promise<unknown> = () => Promise.resolve();

  /** `mark`: `NAME=value` of a variable that only this child has. */
  constructor(settings: ExecSettings, argv: readonly string[], options: CommandOptions, mark: string) {
    const redact = redactor(options.secrets ?? []);
    this.#settings = settings;
    this.#argv = argv.map(redact);
    this.#options = options;
    this.#mark = mark;
    this.#output = new CommandOutput({
      collect: options.collect ?? true,
      mark: options.relay?.mark,
      redact,
      onLine: (line, stream) => {
        if (options.quiet !== true) settings.log?.(line, stream);
        options.onLine?.(line, stream);
      },
    });
  }

  /** Takes the child that was just started; gives the result or throws CommandFailure. */
  async run(started: ResultPromise): Promise<CommandResult> {
    const child = started.nodeChildProcess;
    const { pid } = child;
    if (pid === undefined) throw this.#notStarted(await started);
    // How it ended is read from events: execa's promise also waits for pipes that a grandchild keeps open.
    started.catch(() => undefined);
    this.#end = this.#ending(pid);
    const exited = once(child, 'exit') as Promise<Exit>;
    const lifeline = closed(child, LIFELINE);
    const limits = this.#startLimits();
    const streams = this.#read(child, limits.idle);
    this.#write(child);
    try {
      this.#exit = await Promise.race([exited, this.#stop.promise.then(() => this.#ended(exited))]);
      // The socket's end is told a few turns of the event loop after the exit.
      const alone = await Promise.race([lifeline.then(() => true), sleep(50, false)]);
      if (!alone || groupExists(pid)) await this.#end();
      await Promise.race([streams, sleep(DRAIN_MS, undefined, { ref: false })]);
    } finally {
      limits.clear();
      for (const stream of child.stdio) stream?.destroy();
      this.#output.end();
      this.#settings.onChild?.({ start: this.#start, end: performance.now() });
    }
    return this.#result();
  }

  /** The failure of this call as things stand. */
  failure(reason: CommandFailureReason, cause?: unknown): CommandFailure {
    const result = this.#commandResult();
    return new CommandFailure(reason, result, failureMessage(reason, result, this.#options, cause), cause);
  }

  #result(): CommandResult {
    const [code, signal] = this.#exit;
    if (this.#stopped !== undefined) throw this.failure(this.#stopped);
    if (signal !== null) throw this.failure('signal');
    if (!(this.#options.accept ?? [0]).includes(code ?? -1)) throw this.failure('exit');
    return this.#commandResult();
  }

  /** A function that ends everything that belongs to the child, once. */
  #ending(pid: number): () => Promise<unknown> {
    const target = link(pid, `fd/${LIFELINE}`);
    const openFile = target?.startsWith('socket:') ? { openFile: target } : {};
    const find = () => findProcesses({ leader: pid, environment: this.#mark, ...openFile });
    let ending: Promise<unknown> | undefined;
    return () => {
      ending ??= endProcesses(find, this.#settings.graceMs ?? GRACE_MS);
      return ending;
    };
  }

  /** The exit of a child that was stopped; one that is stuck in the kernel is given up. */
  async #ended(exited: Promise<Exit>): Promise<Exit> {
    await this.#end();
    return Promise.race([exited, sleep(DRAIN_MS, [null, 'SIGKILL'] satisfies Exit, { ref: false })]);
  }

  #startLimits() {
    const signals = [this.#settings.signal, this.#options.signal].filter((one) => one !== undefined);
    const stop = (reason: CommandFailureReason) => {
      this.#stopped ??= reason;
      this.#stop.resolve();
    };
    const cancel = () => stop('cancelled');
    for (const signal of signals) signal.addEventListener('abort', cancel, { once: true });
    if (signals.some((signal) => signal.aborted)) cancel();
    const { idleMs, totalMs } = this.#options;
    const idle = idleMs === undefined ? undefined : setTimeout(stop, idleMs, 'idle');
    const total = totalMs === undefined ? undefined : setTimeout(stop, totalMs, 'timeout');
    const clear = () => {
      clearTimeout(idle);
      clearTimeout(total);
      for (const signal of signals) signal.removeEventListener('abort', cancel);
    };
    return { idle, clear };
  }

  #write(child: ChildProcess): void {
    // A child that ends without having read its input is no error of ours.
    child.stdin?.on('error', () => undefined);
    const { input } = this.#options;
    if (input instanceof Readable) {
      if (child.stdin !== null) input.pipe(child.stdin);
    } else if (input !== undefined) child.stdin?.end(input);
  }

  async #read(child: ChildProcess, idle: NodeJS.Timeout | undefined): Promise<void> {
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.on('data', (chunk: Buffer) => {
        idle?.refresh();
        this.#output.push(chunk, name);
      });
    }
    await Promise.all([closed(child, 1), closed(child, 2)]);
  }

  #notStarted(result: object): CommandFailure {
    const { code, cause } = result as { code?: string; cause?: Error };
    this.#settings.onChild?.({ start: this.#start, end: performance.now() });
    // A working folder that is not there gives ENOENT as well.
    const missing = code === 'ENOENT' && this.#options.cwd === undefined;
    return this.failure(missing ? 'not-found' : 'spawn', cause ?? result);
  }

  #commandResult(): CommandResult {
    const [exitCode, signal] = this.#exit;
    const { stdout, tail } = this.#output;
    return { argv: this.#argv, exitCode, signal, durationMs: performance.now() - this.#start, stdout, tail };
  }
}

/** Resolves when a descriptor of the child has no more readers and writers at the other end. */
function closed(child: ChildProcess, descriptor: number): Promise<void> {
  const stream = child.stdio[descriptor] as NodeJS.ReadableStream | null | undefined;
  if (stream === null || stream === undefined) return Promise.resolve();
  stream.on('error', () => undefined);
  stream.resume();
  return new Promise((resolve) => stream.once('close', () => resolve()));
}
