const LEAST_MS = 1_000;
const MOST_MS = 15_000;

/** Waits that double from one second to a quarter of a minute while something fails, each by chance up to a quarter shorter. */
export class Backoff {
  #failures = 0;

  /** Milliseconds until the next try; `atLeastMs` is what the other side asked for. */
  next(atLeastMs = 0): number {
    const ms = Math.min(LEAST_MS * 2 ** Math.min(this.#failures, 16), MOST_MS);
    this.#failures += 1;
    return Math.max(ms * (1 - Math.random() / 4), Math.min(atLeastMs, MOST_MS));
  }

  reset(): void {
    this.#failures = 0;
  }
}
