import type { Reporter } from '../run/events.ts';

/** A reporter that others may speak through while it holds the terminal. */
export interface PrintingReporter extends Reporter {
  /** Lines for people, that stay. */
  print(lines: readonly string[]): void;
}
