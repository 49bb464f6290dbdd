import type { LineOutput } from './output.ts';

/** Lines with the time of day before them, for what goes on for days. */
export function stamped(output: LineOutput, now: () => Date = () => new Date()): LineOutput {
  return {
    write: (lines) => output.write(lines.map((line) => (line === '' ? line : `${timeOfDay(now())} ${line}`))),
    flush: () => output.flush(),
  };
}

/** `14:03:09`, local. */
export function timeOfDay(at: Date): string {
  return at.toTimeString().slice(0, 8);
}
