import type { PublishedReference } from '../config/destinations.ts';
import type { LayerId } from '../config/layer.ts';
import type { PlannedLayer } from '../plan/planned-layer.ts';

/** Why a layer failed, closed and tagged; each has a stable `code`. */
export interface Failure {
  readonly code: 'command' | 'build' | 'publish' | 'inputs-changed' | 'lock' | 'cancelled' | 'internal';
  readonly message: string;
  readonly hint?: string;
  /** Its container was kept, as this step left it. */
  readonly kept?: { readonly step: string };
  /** argv of the child that failed, secrets replaced. */
  readonly command?: readonly string[];
  /** End of its output. */
  readonly tail?: readonly string[];
}

export type LayerOutcome = 'built' | 'reused' | 'published' | 'unchanged' | 'failed' | 'skipped' | 'cancelled';

export interface LayerSummary {
  readonly id: LayerId;
  readonly name: string;
  readonly outcome: LayerOutcome;
  /** Milliseconds from its start to its end; 0 for layers that had nothing to do. */
  readonly durationMs: number;
  /** Part of it in which at least one child process ran: the rest is the tool's own cost. */
  readonly childrenMs?: number;
  /** Bytes of the image in storage, where known. */
  readonly size?: number;
  readonly references: readonly PublishedReference[];
  readonly failure?: Failure;
  /** Path of the layer's log relative to the root, where there is one. */
  readonly log?: string;
  readonly warnings: readonly string[];
  /** Why it was built or published, as the plan says it; why it was skipped (`parent debian/base failed`). */
  readonly reasons: readonly string[];
}

export interface RunSummary {
  readonly runId: string;
  readonly durationMs: number;
  readonly layers: readonly LayerSummary[];
  /** Records were believed (false) or destinations asked (true). */
  readonly verified: boolean;
  /** A signal, or the key that ends a watch. */
  readonly interrupted?: 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'q';
}

/**
 * All that happens in a run, in order, as loggers see it and as `.layers/runs/ID/events.jsonl` keeps it. `at`: milliseconds
 * since the epoch.
 */
export type RunEvent = { readonly at: number } & (
  | {
      readonly type: 'run-started';
      readonly runId: string;
      readonly jobs: number;
      readonly plan: readonly PlannedLayer[];
    }
  | {
      readonly type: 'layer-started';
      readonly id: LayerId;
      readonly action: 'build' | 'reuse' | 'publish';
      readonly reasons: readonly string[];
    }
  /** In watch: what runs for the layer is being ended; it begins again, or is left. */
  | { readonly type: 'layer-cancelled'; readonly id: LayerId; readonly cause: string }
  /** In watch: the playbooks ran over the last good container; the clean build comes later. */
  | { readonly type: 'converged'; readonly id: LayerId; readonly durationMs: number }
  /** In watch: they failed there. That is not the layer's failure, which the clean build decides: it comes later all the same. */
  | {
      readonly type: 'converge-failed';
      readonly id: LayerId;
      readonly durationMs: number;
      readonly failure: Failure;
    }
  | { readonly type: 'step-started'; readonly id: LayerId; readonly step: string }
  | { readonly type: 'step-finished'; readonly id: LayerId; readonly step: string; readonly durationMs: number }
  /** The layer begins with parts that were built before; `builtAt`: ISO 8601, when the oldest of them was. */
  | {
      readonly type: 'checkpoint';
      readonly id: LayerId;
      readonly parts: readonly string[];
      readonly builtAt: string;
    }
  | { readonly type: 'output'; readonly id: LayerId; readonly line: string }
  | {
      readonly type: 'progress';
      readonly id: LayerId;
      readonly text: string;
      readonly done?: number;
      readonly total?: number;
    }
  | { readonly type: 'warning'; readonly id: LayerId | null; readonly message: string }
  | { readonly type: 'layer-finished'; readonly id: LayerId; readonly summary: LayerSummary }
  /** Said once when a signal or a failure stops new work; what runs is being ended or finished. */
  | { readonly type: 'stopping'; readonly reason: 'interrupted' | 'failed' | 'forced'; readonly message: string }
  | { readonly type: 'run-finished'; readonly summary: RunSummary }
);

/** `Omit` that keeps a union's members apart. */
type WithoutTime<T> = T extends unknown ? Omit<T, 'at'> : never;
export type NewRunEvent = WithoutTime<RunEvent>;

/** What `report/` gives to `run/`. Must not throw; `end` leaves the terminal as it was found. */
export interface Reporter {
  event(event: RunEvent): void;
  end(): Promise<void>;
}
