import type { LayerId } from '../config/layer.ts';

interface Tail {
  readonly lines: string[];
  total: number;
}

/** The last `limit` lines of each layer that runs: bounded, whatever the children print. The rest is in the log. */
export class OutputTails {
  readonly #limit: number;
  readonly #tails = new Map<LayerId, Tail>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(id: LayerId, line: string): void {
    let tail = this.#tails.get(id);
    if (tail === undefined) {
      tail = { lines: [], total: 0 };
      this.#tails.set(id, tail);
    }
    tail.lines[tail.total % this.#limit] = line;
    tail.total += 1;
  }

  /** The lines kept for `id`, oldest first, and how many were before them. Forgets both. */
  take(id: LayerId): { readonly lines: readonly string[]; readonly dropped: number } {
    const tail = this.#tails.get(id);
    this.#tails.delete(id);
    if (tail === undefined) return { lines: [], dropped: 0 };
    if (tail.total <= this.#limit) return { lines: tail.lines, dropped: 0 };
    const oldest = tail.total % this.#limit;
    return {
      lines: [...tail.lines.slice(oldest), ...tail.lines.slice(0, oldest)],
      dropped: tail.total - this.#limit,
    };
  }
}
