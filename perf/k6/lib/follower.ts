/** How an event stands to those before it. */
export type Place = 'next' | 'gap' | 'duplicate';

/**
 * Holds one connection's view of one conversation to the contract: after a join at `after_seq` come
 * `after_seq + 1`, `after_seq + 2`, …, each once. Pure: feed it frames, add up what it gives back.
 */
export class Follower {
  #last = 0;
  #asked: number | undefined;
  #hasJoined = false;

  /** The seq of the last event seen: the position to resume from; undefined before the first `joined`. */
  get position(): number | undefined {
    return this.#hasJoined ? this.#last : undefined;
  }

  /** Tells it of a join before it is sent. */
  joins(afterSeq: number | undefined): void {
    this.#asked = afterSeq;
  }

  /**
   * Gives the number of events that the server has beyond those seen so far: a replay, or, where all that was
   * sent to this connection is here by now, what was never delivered.
   */
  joined(headSeq: number): number {
    const from = this.#asked ?? headSeq;
    const seen = this.#hasJoined ? this.#last : from;
    this.#last = from;
    this.#hasJoined = true;
    return headSeq - seen;
  }

  /** After a gap it goes on from the event that came, so that one loss is counted once. */
  event(seq: number): { readonly place: Place; readonly missing: number } {
    const missing = seq - this.#last - 1;
    if (missing < 0) return { place: 'duplicate', missing: 0 };
    this.#last = seq;
    return { place: missing > 0 ? 'gap' : 'next', missing };
  }
}
