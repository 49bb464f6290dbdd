import { ProcessOutput } from 'listr2';

const CURSOR_HIDE = '\x1b[?25l';
const CURSOR_SHOW = '\x1b[?25h';

/** listr2's hold on the streams, without what its cursor library says to stderr at every frame: that would be kept forever. */
export class QuietOutput extends ProcessOutput {
  readonly #stderr: NodeJS.WriteStream;

  constructor(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream) {
    super(stdout, stderr);
    this.#stderr = stderr;
  }

  get taken(): boolean {
    return this.active;
  }

  override hijack(): void {
    super.hijack();
    const keep = this.#stderr.write;
    this.#stderr.write = ((chunk: string | Uint8Array, ...rest: []) => {
      if (chunk === CURSOR_HIDE) return true;
      return chunk === CURSOR_SHOW ? this.toStdout(CURSOR_SHOW, false) : keep.call(this.#stderr, chunk, ...rest);
    }) as typeof keep;
  }
}
