import { setTimeout as sleep } from 'node:timers/promises';

export interface RetryPolicy {
  /** All tries, the first included. */
  readonly attempts: number;
  /** Milliseconds before the second try; doubled for each later one. */
  readonly baseMs: number;
  readonly capMs: number;
}

export interface RetryOptions {
  readonly policy: RetryPolicy;
  readonly signal?: AbortSignal;
  /** Whether another try may help. */
  readonly retryable: (error: unknown) => boolean;
  /** Milliseconds that the other side asked for (Retry-After), where it did. */
  readonly askedMs?: (error: unknown) => number | undefined;
  readonly onRetry?: (error: unknown, attempt: number, delayMs: number) => void;
}

/** Longest wait that a Retry-After may impose: a server that asks for hours is a failure to report, not to sit through. */
const LONGEST_ASKED_MS = 120_000;

/**
 * Runs `work` until it succeeds, fails in a way that no retry mends, or the attempts are used up; then its last error is
 * thrown. Aborting the signal ends the wait at once.
 */
export async function retry<T>(work: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      if (attempt >= options.policy.attempts || options.signal?.aborted || !options.retryable(error)) throw error;
      const asked = options.askedMs?.(error);
      if (asked !== undefined && asked > LONGEST_ASKED_MS) throw error;
      const delayMs = Math.max(asked ?? 0, backoff(options.policy, attempt));
      options.onRetry?.(error, attempt, delayMs);
      await sleep(delayMs, undefined, options.signal ? { signal: options.signal } : {});
    }
  }
}

/** Doubled each time, capped, and between half and all of it, so that many clients do not come back together. */
export function backoff(policy: RetryPolicy, attempt: number): number {
  const full = Math.min(policy.capMs, policy.baseMs * 2 ** (attempt - 1));
  return Math.round(full * (0.5 + Math.random() / 2));
}
