import type { Writable } from 'node:stream';

/** What reporters write to. `columns` and `rows` as terminals have them. */
export type OutputStream = Writable & { readonly columns?: number; readonly rows?: number };

/** Whole lines to a stream. Never throws: where a reader went away (`layers build | head`), the entry point ends the run in order. */
export interface LineOutput {
  write(lines: readonly string[]): void;
  /** Resolves when everything is with the operating system, or nobody reads any more. */
  flush(): Promise<void>;
}

export function createLineOutput(stream: OutputStream): LineOutput {
  const output = outputs.get(stream) ?? openOutput(stream);
  outputs.set(stream, output);
  return output;
}

/** One a stream: a watch has many reporters, and each would leave a listener. */
const outputs = new WeakMap<OutputStream, LineOutput>();

function openOutput(stream: OutputStream): LineOutput {
  let gone = false;
  stream.on('error', () => {
    gone = true;
  });
  return {
    write(lines) {
      if (!gone && !stream.destroyed && lines.length > 0) stream.write(`${lines.join('\n')}\n`);
    },
    async flush() {
      if (gone || stream.destroyed || stream.writableLength === 0) return;
      await new Promise<void>((resolve) => {
        stream.write('', () => resolve());
      });
    },
  };
}
