import { createLineOutput, type OutputStream } from './output.ts';
import type { PrintingReporter } from './printing-reporter.ts';

/** One event a line, as `.layers/runs/ID/events.jsonl` keeps them, and nothing else. */
export function createJsonReporter(stdout: OutputStream): PrintingReporter {
  const output = createLineOutput(stdout);
  return {
    event: (event) => output.write([jsonLine(event)]),
    // What is for people only.
    print: () => {},
    end: () => output.flush(),
  };
}

// JSON leaves these as they are, and a terminal takes some of them for the beginning of a control sequence.
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\x7f-\x9f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
