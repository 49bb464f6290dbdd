/** Longest line passed on, in bytes; what is longer is cut there. */
const MAX_LINE = 64 * 1024;
/** Progress lines (ended by `\r`) passed on, at most one in so many milliseconds. */
const PROGRESS_INTERVAL_MS = 100;

const NEWLINE = 0x0a;
const RETURN = 0x0d;

export type LineKind = 'line' | 'progress';

/**
 * Cuts a byte stream into lines in bounded memory. Invalid UTF-8 is replaced. What a program overwrites with `\r`
 * (progress bars) comes as `progress`, thinned out; the last text before the newline is the line.
 */
export class LineSplitter {
  readonly #emit: (line: string, kind: LineKind) => void;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  /** The cursor is back at the line's start: what comes next overwrites, unless it is the newline of `\r\n`. */
  #returned = false;
  #overwriting = false;
  #lastProgress = Number.NEGATIVE_INFINITY;

  constructor(emit: (line: string, kind: LineKind) => void) {
    this.#emit = emit;
  }

  /** Takes the next bytes; calls back for each line that they complete. */
  push(chunk: Buffer): void {
    const plain = !chunk.includes(RETURN);
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      if (plain && this.#pendingBytes === 0 && !this.#returned) {
        this.#emit(chunk.toString('utf8', start, Math.min(end, start + MAX_LINE)), 'line');
      } else {
        this.#write(chunk.subarray(start, end));
        this.#endLine();
      }
      start = end + 1;
    }
    this.#write(chunk.subarray(start));
    this.#showProgress();
  }

  /** Emits a last line that had no newline. */
  end(): void {
    if (this.#pendingBytes > 0) this.#endLine();
  }

  #write(piece: Buffer): void {
    let end = piece.length;
    while (end > 0 && piece[end - 1] === RETURN) end -= 1;
    const start = piece.lastIndexOf(RETURN, end - 1) + 1;
    if (end > start) {
      if (this.#returned || start > 0) this.#clear();
      this.#overwriting ||= this.#returned || start > 0 || end < piece.length;
      this.#returned = false;
      this.#keep(piece.subarray(start, end));
    }
    if (end < piece.length) this.#returned = true;
  }

  #keep(piece: Buffer): void {
    const kept = piece.subarray(0, Math.max(0, MAX_LINE - this.#pendingBytes));
    if (kept.length === 0) return;
    this.#pending.push(kept);
    this.#pendingBytes += kept.length;
  }

  #clear(): void {
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  #text(): string {
    const [only] = this.#pending;
    const bytes = this.#pending.length === 1 && only !== undefined ? only : Buffer.concat(this.#pending);
    return bytes.toString('utf8');
  }

  #endLine(): void {
    const text = this.#text();
    this.#clear();
    this.#returned = false;
    this.#overwriting = false;
    this.#emit(text, 'line');
  }

  /** A progress bar is shown while it moves: its newline may come an hour later. */
  #showProgress(): void {
    if (!this.#overwriting || this.#pendingBytes === 0) return;
    const now = performance.now();
    if (now - this.#lastProgress < PROGRESS_INTERVAL_MS) return;
    this.#lastProgress = now;
    this.#emit(this.#text(), 'progress');
  }
}
