/** Bounds of what a full mailbox tells its senders, milliseconds. */
const SHORTEST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 10_000;
/** Weight of the newest batch in the drain rate: a handful of batches decide, one does not. */
const NEWEST = 0.2;

/** Shared by all that are empty, and so never added to. */
const NOTHING: never[] = [];

/**
 * The bounded queue in front of a conversation.
 *
 * Owns: what waits, and how fast it drains. Does not own: the batch that is being written.
 * Invariant M1: never more than `capacity` wait; what was taken in is taken out in the same order, once.
 */
export class Mailbox<T> {
  readonly #capacity: number;
  #waiting: T[] = NOTHING;
  /** Items a millisecond; 0 before the first batch. */
  #rate = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** False, and nothing taken, when it is full. */
  offer(item: T): boolean {
    if (this.#waiting.length >= this.#capacity) return false;
    // Most wait alone: an array with room for more would be ten times as large.
    if (this.#waiting.length === 0) this.#waiting = [item];
    else this.#waiting.push(item);
    return true;
  }

  /** Empties it: all that waits, oldest first. */
  takeAll(): T[] {
    const taken = this.#waiting;
    this.#waiting = NOTHING;
    return taken;
  }

  /** What was taken and could not be written goes back to the front, over the capacity if need be. */
  putBack(items: readonly T[]): void {
    if (items.length > 0) this.#waiting = [...items, ...this.#waiting];
  }

  /** A batch was written in so many milliseconds. */
  drained(count: number, tookMs: number): void {
    const rate = count / Math.max(tookMs, 0.1);
    this.#rate = this.#rate === 0 ? rate : this.#rate * (1 - NEWEST) + rate * NEWEST;
  }

  /** Milliseconds until what waits now should be written, from the drain rate. */
  retryAfterMs(): number {
    const wait = this.#rate === 0 ? 0 : this.#waiting.length / this.#rate;
    return Math.ceil(Math.min(Math.max(wait, SHORTEST_WAIT_MS), LONGEST_WAIT_MS));
  }
}
