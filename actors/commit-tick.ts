/**
 * Gathers the conversations that have mail, and lets them all write in one turn of the event loop, after
 * the sockets of this turn were read: their batches then meet in one group commit of the store.
 */
export class CommitTick {
  readonly #schedule: (fn: () => void) => void;
  #waiting: Array<() => void> = [];

  constructor(schedule: (fn: () => void) => void = setImmediate) {
    this.#schedule = schedule;
  }

  /** Calls `write` in the next tick. It must not throw. */
  request(write: () => void): void {
    if (this.#waiting.push(write) === 1) this.#schedule(() => this.#run());
  }

  #run(): void {
    const due = this.#waiting;
    this.#waiting = [];
    for (const write of due) write();
  }
}
