import { setTimeout as sleep } from 'node:timers/promises';

/** Opens when nothing has changed for a while. */
export class IdleGate {
  readonly #ms: number;
  #until = 0;
  #opened = Promise.withResolvers<void>();

  /** @param ms milliseconds without a change */
  constructor(ms: number) {
    this.#ms = ms;
  }

  /** Something changed. */
  touch(): void {
    this.#until = performance.now() + this.#ms;
  }

  /** Whoever waits now waits no longer. */
  open(): void {
    this.#opened.resolve();
    this.#opened = Promise.withResolvers<void>();
  }

  /** Rejects with the signal's abort. */
  async wait(signal: AbortSignal): Promise<void> {
    this.touch();
    const { promise } = this.#opened;
    let isOpen = false;
    const opened = promise.then(() => {
      isOpen = true;
    });
    while (!isOpen && performance.now() < this.#until) {
      await Promise.race([sleep(Math.max(1, this.#until - performance.now()), undefined, { signal }), opened]);
    }
  }
}
