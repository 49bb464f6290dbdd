import { SHELL } from './relay.ts';

/** How buildah tells on standard error how a program ended that it ran; the program's own output may come before it. */
const OWN = [
  /^subprocess exited (with status \d+|on \w[\w ]*)$/,
  /^(Error: )?(error )?(while running (container|runtime): )?exit status \d+$/,
  /^process failed to start with error: /,
  // The shell's that runs the program (relay.ts): it is not there, or cannot be executed.
  new RegExp(`^${SHELL}: `),
];
const BEGINNINGS = [
  'subprocess exited ',
  'Error: ',
  'error while',
  'exit status ',
  'process failed to start',
  `${SHELL}: `,
];

/**
 * Passes on what a program prints, byte by byte, and holds back lines that are buildah's own until something follows them: those at the
 * very end are not the program's.
 */
export class OwnWords {
  readonly #write: (bytes: Buffer) => void;
  #held: string[] = [];
  /** The beginning of a line that may become one of those. */
  #rest = '';
  #isMidLine = false;

  constructor(write: (bytes: Buffer) => void) {
    this.#write = write;
  }

  push(bytes: Buffer): void {
    // A character a byte, whatever they are.
    const lines = (this.#rest + bytes.toString('latin1')).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!this.#isMidLine && isOwn(line)) this.#held.push(line);
      else this.#pass(`${line}\n`);
      this.#isMidLine = false;
    }
    if (this.#rest !== '' && (this.#isMidLine || !mayBeOwn(this.#rest))) {
      this.#pass(this.#rest);
      this.#rest = '';
      this.#isMidLine = true;
    }
  }

  /** Nothing comes any more: gives the lines that were held back. */
  end(): readonly string[] {
    if (this.#rest !== '' && !isOwn(this.#rest)) this.#pass(this.#rest);
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
export function isOwn(line: string): boolean {
  return OWN.some((own) => own.test(line));
}

function mayBeOwn(text: string): boolean {
  return BEGINNINGS.some((beginning) => beginning.startsWith(text) || text.startsWith(beginning));
}
