import type { EventFrame } from '../../src/protocol/server-frames.ts';
import type { Answer } from '../support/wire-client.ts';

/** A change that somebody asked for, with a key, and what is known of it. */
export interface Order {
  readonly conversation: string;
  readonly sender: string;
  readonly key: string;
  readonly content: string;
  /** The message that this one edits; a new message where there is none. */
  readonly target: number | undefined;
  /** From its first ack on. */
  seq: number | undefined;
  /** The last answer was that nothing was stored. */
  isRefused?: boolean;
}

/** An event of a log, as a replay or REST shows it. */
type Stored = Pick<EventFrame, 'seq' | 'event_id' | 'kind'> & {
  readonly content?: string | undefined;
};

/**
 * What the world outside the server knows: every order, every ack, every event that anybody ever
 * saw. The log after a crash is held against it.
 *
 * Owns: what was promised. Does not own: connections; it is fed.
 */
export class Ledger {
  readonly orders: Order[] = [];
  readonly violations: string[] = [];
  readonly #seen = new Map<string, Map<number, string>>();

  /** Orders whose answer never came. */
  get open(): readonly Order[] {
    return this.orders.filter((order) => order.seq === undefined);
  }

  /** Notes an answer while the store is away: 429 and 503 say that nothing was stored, 500 that nobody knows. */
  refused(order: Order, answer: Answer & { readonly type: 'error' }): void {
    const { code, reason, retry_after_ms } = answer;
    const isNothing = code === 503 || code === 429;
    order.isRefused = isNothing;
    if (isNothing ? retry_after_ms !== undefined : reason === 'internal') return;
    this.violations.push(`${order.key}: ${JSON.stringify(answer)}`);
  }

  get acked(): readonly Order[] {
    return this.orders.filter((order) => order.seq !== undefined);
  }

  /** Notes the answer to an order. `isStored`: whether the log is known to have it already. */
  answered(order: Order, answer: Answer, isStored?: boolean): void {
    const what = `${order.key} in ${order.conversation}`;
    if (answer.type !== 'ack') {
      this.violations.push(`${what}: ${JSON.stringify(answer)}`);
      return;
    }
    if (order.seq !== undefined && order.seq !== answer.seq) {
      this.violations.push(`${what}: acked with ${order.seq}, then with ${answer.seq}`);
    }
    if (isStored !== undefined && answer.duplicate !== isStored) {
      this.violations.push(`${what}: duplicate ${answer.duplicate}, but stored is ${isStored}`);
    }
    order.seq ??= answer.seq;
    order.isRefused = false;
  }

  /** Notes what a reader was shown; everybody must be shown the same. */
  saw(event: EventFrame): void {
    const seen = this.#seen.get(event.conversation_id) ?? new Map<number, string>();
    this.#seen.set(event.conversation_id, seen);
    const print = printOf(event);
    const before = seen.get(event.seq);
    if (before !== undefined && before !== print) {
      this.violations.push(`${event.conversation_id} ${event.seq} was ${before}, now is ${print}`);
    }
    seen.set(event.seq, print);
  }

  /** Holds the whole log of a conversation against everything that is known of it. */
  audit(conversation: string, log: readonly Stored[]): void {
    const flaw = (text: string) => this.violations.push(`${conversation}: ${text}`);
    for (const [index, { seq }] of log.entries()) {
      if (seq !== index + 1) flaw(`seq ${seq} where ${index + 1} was due`);
    }
    for (const [seq, print] of this.#seen.get(conversation) ?? []) {
      const stored = log[seq - 1];
      if (!stored) flaw(`${print} at ${seq} was seen, and is not there`);
      else if (printOf(stored) !== print)
        flaw(`${print} at ${seq} was seen, ${printOf(stored)} is there`);
    }
    const bySeq = new Map(log.map((event) => [event.seq, event]));
    const seqsOf = new Map<string, number[]>();
    for (const { content, seq } of log) {
      if (content !== undefined) seqsOf.set(content, [...(seqsOf.get(content) ?? []), seq]);
    }
    for (const order of this.orders) {
      if (order.conversation !== conversation) continue;
      const seqs = seqsOf.get(order.content) ?? [];
      if (order.isRefused && seqs.length > 0) flaw(`${order.key} was refused, and is there`);
      if (seqs.length > 1) flaw(`${order.key} is stored at ${seqs.join(' and ')}`);
      if (order.seq === undefined) continue;
      const event = bySeq.get(order.seq);
      if (event?.content !== order.content)
        flaw(`${order.key}, acked at ${order.seq}, is not there`);
      const kind = order.target === undefined ? 'message' : 'message.edited';
      if (event && event.kind !== kind) flaw(`${order.key} is a ${event.kind}, not a ${kind}`);
    }
  }

  /** Whether a log has the order in it. */
  static isIn(log: readonly Stored[], order: Order): boolean {
    return log.some(({ content }) => content === order.content);
  }
}

function printOf({ kind, event_id, ...event }: Pick<Stored, 'kind' | 'event_id'>): string {
  const content = 'content' in event ? String(event.content) : '';
  return `${kind} ${event_id} ${content.slice(0, 60)}`;
}
