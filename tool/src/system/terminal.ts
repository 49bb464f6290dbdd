import { spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { cleanEnvironment } from './environment.ts';
import { isOwn, OF_BUILDAH, OF_SHELL, OwnWords } from './own-words.ts';
import { findProcesses, link } from './processes.ts';
import { RelayEnd } from './relay.ts';

/** The terminal, or pipes, of whoever started us. */
export interface Streams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

export interface TerminalSettings extends Streams {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends, on each stream, what the program itself prints; undefined: nothing is added to its output. */
  readonly end: string | undefined;
  /** `NAME=value` in the environment of all that is started. */
  readonly mark: string;
  /** What a terminal itself tells the program (SIGINT) is not told twice; by anything else the program is ended. */
  readonly signal: AbortSignal;
}

export interface TerminalEnd {
  /** As a shell would report it: 128 and more for a signal. */
  readonly code: number;
  /** Last lines of what started the program, buildah or a shell, in latin1: they may be the program's own if they look like that. */
  readonly own: readonly string[];
}

/** Whether a program that is started now can be talked to by a person. */
export function isInteractive({ stdin, stdout }: Streams): boolean {
  return stdin.isTTY === true && stdout.isTTY === true;
}

/**
 * Runs `buildah run` with our own standard input and process group, so that a terminal's keys reach it; its output comes through as it
 * is. What buildah adds to the other program's last words is kept apart. Throws what `spawn` throws.
 */
export async function runInTerminal(args: readonly string[], settings: TerminalSettings): Promise<TerminalEnd> {
  const { stdin, stdout, stderr, signal } = settings;
  signal.throwIfAborted();
  const restore = rememberTerminal(stdin);
  const env = cleanEnvironment(settings.env);
  const child = spawn('buildah', args, {
    env,
    stdio: ['inherit', settings.end === undefined ? 'inherit' : 'pipe', 'pipe'],
  });
  // What buildah says comes after the mark, where there is one; beside a terminal, nobody else writes here.
  const kind = settings.end === undefined || isInteractive(settings) ? OF_BUILDAH : OF_SHELL;
  const words = new OwnWords((bytes) => void stderr.write(bytes), kind);
  const errors = new RelayEnd(settings.end, (bytes) => words.push(bytes));
  child.stderr?.on('data', (bytes: Buffer) => {
    // What buildah then complains of is no news.
    if (!reader.hasGone) errors.push(bytes);
  });
  // Nobody reads on: buildah itself would go on without an end.
  const reader = passOn(child.stdout, stdout, settings.end, () => child.kill('SIGTERM'));
  const onAbort = () => {
    if (signal.reason !== 'SIGINT' || stdin.isTTY !== true)
      child.kill(signal.reason === 'SIGINT' ? 'SIGINT' : 'SIGTERM');
  };
  const onResize = () => resizeInside(settings.mark, stdout);
  signal.addEventListener('abort', onAbort, { once: true });
  if (isInteractive(settings)) stdout.on('resize', onResize);
  try {
    const [code, name] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (...end) => resolve(end));
    });
    const after = errors.end();
    const own = [...words.end(), ...after.filter((line) => isOwn(line))];
    for (const line of after.filter((text) => !isOwn(text))) stderr.write(`${line}\n`);
    if (reader.hasGone) return { code: 128 + constants.signals.SIGPIPE, own };
    return { code: signalIn(own) ?? code ?? 128 + constants.signals[name ?? 'SIGKILL'], own };
  } finally {
    signal.removeEventListener('abort', onAbort);
    stdout.off('resize', onResize);
    reader.end();
    restore();
  }
}

/** Takes a child's output to ours as fast as ours takes it. */
function passOn(from: Readable | null, to: NodeJS.WriteStream, mark: string | undefined, onGone: () => void) {
  const reader = { hasGone: false, end: () => void to.off('error', onError) };
  function onError(): void {
    reader.hasGone = true;
    from?.destroy();
    onGone();
  }
  to.on('error', onError);
  const end = new RelayEnd(mark, (bytes) => {
    if (reader.hasGone || to.write(bytes)) return;
    from?.pause();
    to.once('drain', () => from?.resume());
  });
  from?.on('data', (bytes: Buffer) => end.push(bytes));
  from?.once('end', () => end.end());
  return reader;
}

/** buildah ends with 1 when the program was ended by a signal, and says which in Go's words. */
function signalIn(own: readonly string[]): number | undefined {
  const text = own.join('\n');
  const known = { killed: 'SIGKILL', interrupt: 'SIGINT', terminated: 'SIGTERM', hangup: 'SIGHUP' } as const;
  const found = /^subprocess exited on (\w+)/m.exec(text)?.[1] as keyof typeof known | undefined;
  return found === undefined || known[found] === undefined ? undefined : 128 + constants.signals[known[found]];
}

/** A program that is killed while it has the terminal leaves it raw. */
function rememberTerminal(stdin: NodeJS.ReadStream): () => void {
  if (stdin.isTTY !== true) return () => undefined;
  const stty = (...args: string[]) =>
    spawnSync('stty', args, { stdio: ['inherit', 'pipe', 'ignore'], encoding: 'utf8' });
  const before = stty('-g').stdout?.trim();
  return () => {
    if (before !== undefined && before !== '' && stty('-g').stdout?.trim() !== before) stty(before);
  };
}

/**
 * buildah gives the inner terminal its size when it starts and not again (seen with 1.28, chroot): it is told here, by the file of
 * whoever has another terminal than ours.
 */
function resizeInside(mark: string, { rows, columns }: NodeJS.WriteStream): void {
  const ours = link(process.pid, 'fd/1');
  const inner = new Map<string, number>();
  for (const { pid } of findProcesses({ environment: mark })) {
    const target = link(pid, 'fd/0');
    if (target?.startsWith('/dev/pts/') && target !== ours) inner.set(target, pid);
  }
  for (const pid of inner.values()) {
    spawnSync('stty', ['-F', `/proc/${pid}/fd/0`, 'rows', String(rows), 'cols', String(columns)], { stdio: 'ignore' });
  }
}
