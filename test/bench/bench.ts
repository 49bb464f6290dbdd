import type { Figure } from './measure.ts';

/** What a bench gives: figures, or why there are none. */
export interface Table {
  readonly title: string;
  readonly figures?: readonly Figure[];
  readonly skipped?: string;
}

interface Settings {
  readonly runs: number;
  /** Sizes of synthetic trees, in layers. */
  readonly sizes: readonly number[];
}

/** One file a bench exports one. */
export interface Bench {
  readonly name: string;
  /** Builds real images, in minutes: only when named, or with --all. */
  readonly isSlow?: boolean;
  run(settings: Settings): Promise<Table[]>;
}
