import { type LineKind, LineSplitter } from './lines.ts';

const TAIL_LINES = 40;
const TAIL_LINE_LENGTH = 2000;
const MAX_COLLECTED = 64 * 1024 * 1024;

type Stream = 'stdout' | 'stderr';

export interface OutputOptions {
  readonly collect: boolean;
  readonly redact: (text: string) => string;
  /** Each line of both streams; a progress line may be overwritten by the next one. */
  readonly onLine: (line: string, stream: Stream, kind: LineKind) => void;
}

/** What a child printed, kept in bounded memory however much it is. */
export class CommandOutput {
  readonly #options: OutputOptions;
  readonly #splitters: Record<Stream, LineSplitter>;
  readonly #tail: string[] = [];
  #next = 0;
  #collected: Buffer[] = [];
  #collectedBytes = 0;

  constructor(options: OutputOptions) {
    this.#options = options;
    this.#splitters = { stdout: this.#splitter('stdout'), stderr: this.#splitter('stderr') };
  }

  push(chunk: Buffer, stream: Stream): void {
    if (stream === 'stdout' && this.#options.collect) this.#collect(chunk);
    this.#splitters[stream].push(chunk);
  }

  end(): void {
    this.#splitters.stdout.end();
    this.#splitters.stderr.end();
  }

  get stdout(): string {
    return Buffer.concat(this.#collected).toString('utf8');
  }

  /** The last lines, oldest first. */
  get tail(): string[] {
    return [...this.#tail.slice(this.#next), ...this.#tail.slice(0, this.#next)];
  }

  #splitter(stream: Stream): LineSplitter {
    return new LineSplitter((raw, kind) => {
      const line = this.#options.redact(raw);
      if (kind === 'line') this.#remember(line);
      this.#options.onLine(line, stream, kind);
    });
  }

  /** A ring: appending to and shifting from an array costs too much at millions of lines. */
  #remember(line: string): void {
    this.#tail[this.#next] = line.length > TAIL_LINE_LENGTH ? line.slice(0, TAIL_LINE_LENGTH) : line;
    this.#next = (this.#next + 1) % TAIL_LINES;
  }

  #collect(chunk: Buffer): void {
    const kept = chunk.subarray(0, MAX_COLLECTED - this.#collectedBytes);
    if (kept.length === 0) return;
    this.#collected.push(kept);
    this.#collectedBytes += kept.length;
  }
}

/** A function that puts `***` for each secret. Secrets of several lines are also found line by line. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const words = [...new Set(secrets.flatMap((secret) => [secret, ...secret.split('\n')]))]
    .filter((word) => word.trim() !== '')
    .sort((a, b) => b.length - a.length);
  if (words.length === 0) return (text) => text;
  return (text) => words.reduce((redacted, word) => redacted.replaceAll(word, '***'), text);
}
