/** Milliseconds after which what is gathered is written, whatever still comes in. */
const LONGEST_MS = 1;

/**
 * Gathers the conversations that have mail, and lets them all write in one turn of the event loop, after
 * the sockets of this turn were read: their batches then meet in one group commit of the store.
 *
 * It waits while turns bring more, and writes after the first that brings nothing: people who were answered
 * together speak again together, but not all in one turn. A batch that is half as large costs a commit and a
 * write to each listener as the whole one does (perf/README.md). Bound: `LONGEST_MS` and a turn.
 */
export class CommitTick {
  readonly #schedule: (fn: () => void) => void;
  readonly #now: () => number;
  readonly #turn = () => this.#writeUnlessMoreCame();
  #waiting: Array<() => void> = [];
  /** When the first that waits came. */
  #since = 0;
  #hasMore = false;

  constructor(
    schedule: (fn: () => void) => void = setImmediate,
    now: () => number = () => performance.now(),
  ) {
    this.#schedule = schedule;
    this.#now = now;
  }

  /** Calls `write` in the next tick. It must not throw. */
  request(write: () => void): void {
    this.#hasMore = true;
    if (this.#waiting.push(write) > 1) return;
    this.#since = this.#now();
    this.#schedule(this.#turn);
  }

  /** One that has requested the tick has more to write than it had. */
  gotMore(): void {
    this.#hasMore = true;
  }

  #writeUnlessMoreCame(): void {
    if (this.#hasMore && this.#now() - this.#since < LONGEST_MS) {
      this.#hasMore = false;
      this.#schedule(this.#turn);
      return;
    }
    this.#hasMore = false;
    const due = this.#waiting;
    this.#waiting = [];
    for (const write of due) write();
  }
}
