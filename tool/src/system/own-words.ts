import { SHELL } from './relay.ts';

/** Whole lines, and how they begin. */
interface Words {
  readonly lines: readonly RegExp[];
  readonly beginnings: readonly string[];
}

/** How buildah tells on standard error how a program ended that it ran; the program's own output may come before it. */
const LINES = [
  /^subprocess exited (with status \d+|on \w[\w ]*)$/,
  /^(Error: )?(error )?(while running (container|runtime): )?exit status \d+$/,
  /^process failed to start with error: /,
];
export const OF_BUILDAH: Words = {
  lines: LINES,
  beginnings: ['subprocess exited ', 'Error: ', 'error while', 'exit status ', 'process failed to start'],
};

/** What the shell says that runs the program (relay.ts): it is not there, or cannot be executed. */
export const OF_SHELL: Words = { lines: [new RegExp(`^${SHELL}: `)], beginnings: [`${SHELL}: `] };

/**
 * Passes on what a program prints, byte by byte, and holds back lines that are somebody else's until something follows them: those at the
 * very end are not the program's.
 */
export class OwnWords {
  readonly #write: (bytes: Buffer) => void;
  readonly #words: Words;
  #held: string[] = [];
  /** The beginning of a line that may become one of those. */
  #rest = '';
  #isMidLine = false;

  constructor(write: (bytes: Buffer) => void, words: Words = OF_BUILDAH) {
    this.#write = write;
    this.#words = words;
  }

  push(bytes: Buffer): void {
    // A character a byte, whatever they are.
    const lines = (this.#rest + bytes.toString('latin1')).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!this.#isMidLine && isOwn(line, this.#words)) this.#held.push(line);
      else this.#pass(`${line}\n`);
      this.#isMidLine = false;
    }
    if (this.#rest !== '' && (this.#isMidLine || !mayBeOwn(this.#rest, this.#words))) {
      this.#pass(this.#rest);
      this.#rest = '';
      this.#isMidLine = true;
    }
  }

  /** Nothing comes any more: gives the lines that were held back. */
  end(): readonly string[] {
    if (this.#rest !== '' && !isOwn(this.#rest, this.#words)) this.#pass(this.#rest);
    else if (this.#rest !== '') this.#held.push(this.#rest);
    this.#rest = '';
    return this.#held;
  }

  #pass(text: string): void {
    const held = this.#held.map((line) => `${line}\n`).join('');
    this.#held = [];
    this.#write(Buffer.from(held + text, 'latin1'));
  }
}

/** Whether a line is not the program's but about it. */
export function isOwn(line: string, { lines }: Words = OF_BUILDAH): boolean {
  return lines.some((own) => own.test(line));
}

function mayBeOwn(text: string, { beginnings }: Words): boolean {
  return beginnings.some((beginning) => beginning.startsWith(text) || text.startsWith(beginning));
}
