import { setTimeout as sleep } from 'node:timers/promises';
import type { StoreBreaker } from './store-breaker.ts';

/** Between two trials of which the first went well. */
const NEXT_TRIAL_MS = 5;

/**
 * Finds out that a database which was away is back: tries it whenever the breaker's time has come, until that closes.
 *
 * Owns: when it is tried. Does not own: for how long the breaker rests, and what a trial is. One trial is under way at
 * a time.
 */
export class Comeback {
  readonly #breaker: StoreBreaker;
  readonly #trial: () => Promise<void>;
  readonly #stopped = new AbortController();
  #isTrying = false;

  constructor(breaker: StoreBreaker, trial: () => Promise<void>) {
    this.#breaker = breaker;
    this.#trial = trial;
  }

  /** The breaker has opened. */
  begin(): void {
    if (this.#isTrying || this.#stopped.signal.aborted) return;
    this.#isTrying = true;
    // Only `stop` ends it early.
    this.#tryUntilClosed().catch(() => {});
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #tryUntilClosed(): Promise<void> {
    const { signal } = this.#stopped;
    try {
      while (!this.#breaker.isClosed) {
        const waitMs = Math.max(this.#breaker.restMs, NEXT_TRIAL_MS);
        await sleep(waitMs, undefined, { signal, ref: false });
        await this.#trial();
      }
    } finally {
      this.#isTrying = false;
    }
  }
}
