import type { LayerId } from '../config/layer.ts';

interface Turn {
  readonly controller: AbortController;
  readonly resumed: PromiseWithResolvers<boolean>;
}

/** Layers that are being worked on, each of which can be ended alone and begin again. */
export class LayerTurns {
  readonly #turns = new Map<LayerId, Turn>();

  /** A go begins; the signal ends it. */
  begin(id: LayerId): AbortSignal {
    const turn = { controller: new AbortController(), resumed: Promise.withResolvers<boolean>() };
    this.#turns.set(id, turn);
    return turn.controller.signal;
  }

  /** @param cause told with what was ended */
  cancel(id: LayerId, cause: string): void {
    this.#turns.get(id)?.controller.abort(cause);
  }

  /** Whether the layer that was ended begins again: resolves when somebody knows. */
  again(id: LayerId): Promise<boolean> {
    return this.#turns.get(id)?.resumed.promise ?? Promise.resolve(false);
  }

  resume(id: LayerId, again: boolean): void {
    this.#turns.get(id)?.resumed.resolve(again);
  }

  /** Nobody begins again any more. */
  leaveAll(): void {
    for (const { resumed } of this.#turns.values()) resumed.resolve(false);
  }
}
