import { randomUUID } from 'node:crypto';

/**
 * Under chroot isolation buildah passes on what a program prints by a goroutine that nobody waits for (chroot/run_common.go, 1.28 to
 * 1.43): where the machine is busy, buildah is over before the last of it is out. Whoever calls it cannot see that anything is missing.
 *
 * So the program is run by a shell that, after it, fills both pipes: once a pipe has taken more than it can hold, all that came before was
 * read; and as the relay writes out what it read before it reads again, twice its buffer on top of that makes sure that it was
 * passed on. A mark before the filling says where the program's own output ends.
 */
export interface Relay {
  readonly mark: string;
  /** argv of the shell that runs argv and marks the end. */
  readonly argv: readonly string[];
}

/** Begins what the shell itself has to say: of a program that is not there. */
export const SHELL = 'layers-run';

/** Of a pipe: 16 pages, which an arm64 kernel may have of 64 KiB; and the relay reads 8 KiB at a time. */
const FILLING = (process.arch === 'arm64' ? 1024 * 1024 : 64 * 1024) + 2 * 8192;

const SCRIPT = [
  'layers_mark=$1; shift; unset layers_code',
  // A process group of its own has the terminal: of buildah's, Ctrl-C ends all at once. Nobody could continue what is stopped in there.
  'test -t 0 && set -m && trap "" TSTP',
  // bash gives up all that would follow a program that Ctrl-C ended.
  `trap 'end; exit "\${layers_code-130}"' EXIT`,
  `end() { printf '%s%${FILLING}s' "$layers_mark" ''; printf '%s%${FILLING}s' "$layers_mark" '' >&2; }`,
  // What everybody is told is for the program; a trap, unlike what is ignored, is not passed on to it.
  'trap : INT QUIT',
  '(exec "$@"); layers_code=$?; exit $layers_code',
].join('\n');

/** Begins with a character that hardly any output has, so that few bytes are held back on the way. */
export function relayed(argv: readonly string[]): Relay {
  const mark = `\x1elayers-end-${randomUUID()}\x1e`;
  return { mark, argv: ['/bin/sh', '-c', SCRIPT, SHELL, mark, ...argv] };
}

/** Passes on what comes before the mark, as it comes, and keeps what comes after it: buildah's own words. */
export class RelayEnd {
  readonly #mark: Buffer | undefined;
  readonly #pass: (bytes: Buffer) => void;
  /** What may be the beginning of the mark. */
  #held: Buffer = Buffer.alloc(0);
  #after: string | undefined;

  /** Without a mark all is passed on. */
  constructor(mark: string | undefined, pass: (bytes: Buffer) => void) {
    this.#mark = mark === undefined ? undefined : Buffer.from(mark);
    this.#pass = pass;
  }

  push(chunk: Buffer): void {
    const mark = this.#mark;
    if (mark === undefined) {
      this.#pass(chunk);
      return;
    }
    if (this.#after !== undefined) {
      this.#keep(chunk);
      return;
    }
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const at = bytes.indexOf(mark);
    const end = at === -1 ? beginningOf(mark, bytes) : at;
    this.#held = bytes.subarray(end);
    if (end > 0) this.#pass(bytes.subarray(0, end));
    if (at === -1) return;
    this.#after = '';
    this.#keep(bytes.subarray(at));
    this.#held = Buffer.alloc(0);
  }

  /** Nothing comes any more: gives the lines after the mark, without the filling that may be in the midst of them. */
  end(): readonly string[] {
    if (this.#after === undefined && this.#held.length > 0) this.#pass(this.#held);
    this.#held = Buffer.alloc(0);
    if (this.#mark === undefined || this.#after === undefined) return [];
    const lines = this.#after.replaceAll(this.#mark.toString(), '').split(/\r?\n/);
    return lines.map((line) => line.trim()).filter((line) => line !== '');
  }

  #keep(bytes: Buffer): void {
    // Of the filling no more is kept than keeps words apart.
    this.#after = `${this.#after}${bytes.toString('utf8')}`.replaceAll(/ {2,}/g, ' ');
  }
}

/** Where a mark may begin at the end of the bytes; their length if nowhere. */
function beginningOf(mark: Buffer, bytes: Buffer): number {
  const first = mark[0] as number;
  let at = bytes.indexOf(first, Math.max(0, bytes.length - mark.length + 1));
  while (at !== -1) {
    if (mark.subarray(0, bytes.length - at).equals(bytes.subarray(at))) return at;
    at = bytes.indexOf(first, at + 1);
  }
  return bytes.length;
}
