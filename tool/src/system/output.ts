import { CommandFailure } from './command.ts';
import { type LineKind, LineSplitter } from './lines.ts';
import { isOwn } from './own-words.ts';
import { RelayEnd } from './relay.ts';

const TAIL_LINES = 40;
const TAIL_LINE_LENGTH = 2000;
const MAX_COLLECTED = 64 * 1024 * 1024;

/** A shorter line of a secret is too ordinary: `fi` of a script would turn `file` into `***le`. */
const MIN_SECRET_LINE = 12;

type Stream = 'stdout' | 'stderr';

export interface OutputOptions {
  readonly collect: boolean;
  /** What comes after it, on either stream, is not the program's. */
  readonly mark?: string | undefined;
  readonly redact: (text: string) => string;
  /** Each line of both streams; a progress line may be overwritten by the next one. */
  readonly onLine: (line: string, stream: Stream, kind: LineKind) => void;
}

/** What a child printed, kept in bounded memory however much it is. */
export class CommandOutput {
  readonly #options: OutputOptions;
  readonly #splitters: Record<Stream, LineSplitter>;
  readonly #ends: Record<Stream, RelayEnd>;
  readonly #tail: string[] = [];
  #next = 0;
  #collected: Buffer[] = [];
  #collectedBytes = 0;
  #isCut = false;

  constructor(options: OutputOptions) {
    this.#options = options;
    this.#splitters = { stdout: this.#splitter('stdout'), stderr: this.#splitter('stderr') };
    const endOf = (stream: Stream) => new RelayEnd(options.mark, (bytes) => this.#take(bytes, stream));
    this.#ends = { stdout: endOf('stdout'), stderr: endOf('stderr') };
  }

  push(chunk: Buffer, stream: Stream): void {
    this.#ends[stream].push(chunk);
  }

  end(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const after = this.#ends[stream].end();
      this.#splitters[stream].end();
      // How the program ended is told by its exit code; trouble that buildah itself had afterwards is not.
      for (const line of after.filter((text) => !isOwn(text))) this.#emit(line, stream, 'line');
    }
  }

  #take(chunk: Buffer, stream: Stream): void {
    if (stream === 'stdout' && this.#options.collect) this.#collect(chunk);
    this.#splitters[stream].push(chunk);
  }

  /** Throws CommandFailure when it was more than is kept: who collects would take a part for the whole. */
  get stdout(): string {
    if (this.#isCut) {
      const result = { argv: [], exitCode: null, signal: null, durationMs: 0, stdout: '', tail: this.tail };
      throw new CommandFailure('exit', result, 'a program that was asked something printed more than 64 MiB');
    }
    return Buffer.concat(this.#collected).toString('utf8');
  }

  /** The last lines, oldest first. */
  get tail(): string[] {
    return [...this.#tail.slice(this.#next), ...this.#tail.slice(0, this.#next)];
  }

  #splitter(stream: Stream): LineSplitter {
    return new LineSplitter((raw, kind) => this.#emit(raw, stream, kind));
  }

  #emit(raw: string, stream: Stream, kind: LineKind): void {
    const line = this.#options.redact(raw);
    if (kind === 'line') this.#remember(line);
    this.#options.onLine(line, stream, kind);
  }

  /** A ring: appending to and shifting from an array costs too much at millions of lines. */
  #remember(line: string): void {
    this.#tail[this.#next] = line.length > TAIL_LINE_LENGTH ? line.slice(0, TAIL_LINE_LENGTH) : line;
    this.#next = (this.#next + 1) % TAIL_LINES;
  }

  #collect(chunk: Buffer): void {
    this.#isCut ||= this.#collectedBytes + chunk.length > MAX_COLLECTED;
    // What there is so far is of no use then.
    if (this.#isCut) this.#collected = [];
    else this.#collected.push(chunk);
    this.#collectedBytes += chunk.length;
  }
}

/** A function that puts `***` for each secret. Of one of several lines, long lines are also found alone. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const words = [...new Set(secrets.flatMap((secret) => [secret, secret.trim(), ...longLines(secret)]))]
    .filter((word) => word.trim() !== '')
    .sort((a, b) => b.length - a.length);
  if (words.length === 0) return (text) => text;
  return (text) => words.reduce((redacted, word) => redacted.replaceAll(word, '***'), text);
}

function longLines(secret: string): string[] {
  const lines = secret.split('\n').map((line) => line.trim());
  return lines.filter((line) => line.length >= MIN_SECRET_LINE);
}
