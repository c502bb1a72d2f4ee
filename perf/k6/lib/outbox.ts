/** One send, from the time it was due until its `ack` and its own event are here. */
export interface Pending {
  readonly key: string;
  readonly content: string;
  /** When it should have been sent, milliseconds since 1970. */
  readonly dueAt: number;
  /** When it went out, the last time. */
  sentAt: number;
  ackSeq: number | undefined;
  eventSeq: number | undefined;
}

/** Settled sends that are remembered, to notice a message that is stored twice. */
const REMEMBERED = 1_000;

/**
 * The sends of one participant, by key. Each must get an `ack`, and its own event with the same seq, once.
 * Pure. Bound: what is unsettled, and the last 1,000 that were settled.
 */
export class Outbox {
  readonly #open = new Map<string, Pending>();
  readonly #settled = new Map<string, number>();
  /** Answers that contradict another: an `ack` and an event with different seqs, or a message stored twice. */
  mismatches = 0;

  add(pending: {
    readonly key: string;
    readonly content: string;
    readonly dueAt: number;
  }): Pending {
    const whole = { ...pending, sentAt: pending.dueAt, ackSeq: undefined, eventSeq: undefined };
    this.#open.set(pending.key, whole);
    return whole;
  }

  get(key: string): Pending | undefined {
    return this.#open.get(key);
  }

  /** Gives the send that this is the first `ack` of. */
  acked(key: string, seq: number): Pending | undefined {
    const pending = this.#open.get(key);
    if (pending === undefined) {
      this.#compare(this.#settled.get(key), seq);
      return undefined;
    }
    if (pending.ackSeq !== undefined) {
      this.#compare(pending.ackSeq, seq);
      return undefined;
    }
    pending.ackSeq = seq;
    this.#settle(pending);
    return pending;
  }

  /** The sender's own event came. */
  seen(key: string, seq: number): void {
    const pending = this.#open.get(key);
    if (pending === undefined) {
      this.#compare(this.#settled.get(key), seq);
      return;
    }
    this.#compare(pending.eventSeq ?? seq, seq);
    pending.eventSeq = seq;
    this.#settle(pending);
  }

  /** It was refused for good: nothing more is expected. */
  giveUp(key: string): void {
    this.#open.delete(key);
  }

  /** Those without an `ack`, in the order they were due. */
  unacked(): readonly Pending[] {
    return [...this.#open.values()].filter(({ ackSeq }) => ackSeq === undefined);
  }

  /** Those with an `ack` whose own event has not come. */
  unseen(): readonly Pending[] {
    return [...this.#open.values()].filter(
      ({ ackSeq, eventSeq }) => ackSeq !== undefined && eventSeq === undefined,
    );
  }

  get size(): number {
    return this.#open.size;
  }

  #settle({ key, ackSeq, eventSeq }: Pending): void {
    if (ackSeq === undefined || eventSeq === undefined) return;
    this.#compare(ackSeq, eventSeq);
    this.#open.delete(key);
    this.#settled.set(key, ackSeq);
    if (this.#settled.size <= REMEMBERED) return;
    for (const oldest of this.#settled.keys()) {
      this.#settled.delete(oldest);
      break;
    }
  }

  /** A key that was forgotten proves nothing. */
  #compare(known: number | undefined, seq: number): void {
    if (known !== undefined && known !== seq) this.mismatches += 1;
  }
}
