/**
 * Owns: what was said and is not yet known to be stored; keys, order, tries and waits.
 * Does not own: the connection, nor the log.
 *
 * 1. one key: a draft keeps its key through every try, so that the server stores it at most once.
 * 2. order: drafts leave in the order of the calls. One that was refused holds back those that have not left;
 *    those that had left before the refusal may be stored first.
 * 3. bounded: so many drafts, so many of them on their way.
 */
import { atLeastMs, backoffMs } from './backoff.ts';
import type { ColloquyError } from './colloquy-error.ts';
import { localError } from './colloquy-error.ts';
import type { Change, Draft, DraftState, Receipt } from './draft.ts';
import { questionOf } from './draft.ts';
import type { Stop } from './environment.ts';
import { newKey } from './environment.ts';
import type { Answer, Link } from './link.ts';
import type { LogEvent } from './wire.ts';

const MAX_DRAFTS = 1_000;
/** Failed drafts that wait for a person; the oldest give way. */
const MAX_FAILED = 50;
const MAX_IN_FLIGHT = 32;
/** A 500 may be for ever; 429 and 503 are not counted. */
const MAX_TRIES_AFTER_INTERNAL = 5;

interface Entry {
  draft: Draft;
  receipt: Promise<Receipt>;
  resolve: (receipt: Receipt) => void;
  reject: (error: ColloquyError) => void;
}

export interface OutboxParts {
  readonly conversationId: string;
  readonly link: Link;
  /** The seq of the newest event that was delivered. */
  readonly position: () => number;
  readonly onChange: () => void;
}

export class Outbox {
  readonly #parts: OutboxParts;
  /** By key, in the order of the calls. */
  readonly #entries = new Map<string, Entry>();
  #drafts: readonly Draft[] | undefined;
  #isOpen = false;
  /** Halved by a refusal, one more with each success: a full mailbox is not met with a burst again. */
  #window = MAX_IN_FLIGHT;
  #inFlight = 0;
  #heldUntilMs = 0;
  #stopTimer: Stop = () => undefined;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  /** In the order of the calls. The array is the same object until something changes. */
  get drafts(): readonly Draft[] {
    this.#drafts ??= Array.from(this.#entries.values(), ({ draft }) => draft);
    return this.#drafts;
  }

  /**
   * Takes a change; the promise is kept when it is durable, and broken when it never will be. A key that is
   * already here gives the promise it had.
   */
  add(change: Change, key: string = newKey()): Promise<Receipt> {
    const known = this.#entries.get(key);
    if (known !== undefined && known.draft.state.kind !== 'failed') return known.receipt;
    if (this.#entries.size >= MAX_DRAFTS) return Promise.reject(localError('outbox_full'));
    const createdAtMs = this.#parts.link.clock.now();
    const entry = newEntry({ key, change, createdAtMs, state: { kind: 'pending' } });
    this.#entries.set(key, entry);
    this.#changed();
    this.#flush();
    return entry.receipt;
  }

  /** Sends a failed draft again, or a refused one now. */
  retry(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    if (entry.draft.state.kind === 'failed') {
      this.#entries.delete(key);
      void this.add(entry.draft.change, key).catch(() => undefined);
    } else if (entry.draft.state.kind === 'refused') {
      this.#heldUntilMs = 0;
      this.#flush();
    }
  }

  /** Takes a draft back. One that is on its way may be stored all the same; it is only no longer sent again. */
  discard(key: string): void {
    this.#settle(key, ({ reject }) => reject(localError('discarded')));
  }

  /** The conversation is joined: what waits goes out. */
  open(): void {
    this.#isOpen = true;
    this.#flush();
  }

  /** The connection is gone: what was on its way is `pending` again once its question is answered. */
  shut(): void {
    this.#isOpen = false;
  }

  /** The log tells which drafts are stored: it has the key on events of our own, and ack may never come. */
  heard(event: LogEvent): void {
    const key = 'key' in event ? event.key : undefined;
    if (key !== undefined) {
      const receipt = { key, seq: event.seq, createdAt: event.created_at, isDuplicate: false };
      this.#settle(key, ({ resolve }) => resolve(receipt));
      return;
    }
    for (const { draft } of [...this.#entries.values()]) {
      if (draft.state.kind === 'stored' && draft.state.seq <= event.seq) this.#remove(draft.key);
    }
  }

  /** Nothing more will be sent. */
  close(error: ColloquyError): void {
    this.#stopTimer();
    this.#isOpen = false;
    for (const entry of this.#entries.values()) entry.reject(error);
    this.#entries.clear();
    this.#changed();
  }

  #flush(): void {
    if (!this.#isOpen) return;
    const { clock } = this.#parts.link;
    const waitMs = this.#heldUntilMs - clock.now();
    if (waitMs > 0) {
      this.#stopTimer();
      this.#stopTimer = clock.after(waitMs, () => this.#flush());
      return;
    }
    for (const entry of [...this.#entries.values()]) {
      if (this.#inFlight >= this.#window || !this.#isOpen) return;
      const { state } = entry.draft;
      if (state.kind === 'pending') this.#send(entry, 0);
      else if (state.kind === 'refused') this.#send(entry, state.refusals);
      if (this.#heldUntilMs > clock.now()) return;
    }
  }

  #send(entry: Entry, refusals: number): void {
    this.#inFlight += 1;
    this.#enter(entry, { kind: 'sending', refusals });
    this.#parts.link.ask(questionOf(this.#parts.conversationId, entry.draft), (answer) => {
      this.#inFlight -= 1;
      if (this.#entries.get(entry.draft.key) === entry) this.#answered(entry, refusals, answer);
      this.#flush();
    });
  }

  #answered(entry: Entry, refusals: number, answer: Answer): void {
    if (answer.ok) {
      if (answer.frame.type === 'ack') this.#stored(entry, answer.frame.seq, answer.frame);
      return;
    }
    const { error } = answer;
    if (error.reason === 'disconnected') {
      this.#isOpen = false;
      this.#enter(entry, { kind: 'pending' });
    } else if (isWorthWaiting(error, refusals)) {
      this.#hold(entry, refusals, error);
    } else {
      this.#fail(entry, error);
    }
  }

  #hold(entry: Entry, refusals: number, error: ColloquyError): void {
    const { clock, random } = this.#parts.link;
    this.#window = Math.max(1, Math.floor(this.#window / 2));
    const waitMs =
      error.retryAfterMs === undefined
        ? backoffMs(refusals, random())
        : atLeastMs(error.retryAfterMs, random());
    const retryAtMs = clock.now() + waitMs;
    this.#heldUntilMs = Math.max(this.#heldUntilMs, retryAtMs);
    this.#enter(entry, { kind: 'refused', error, refusals: refusals + 1, retryAtMs });
  }

  #stored(entry: Entry, seq: number, ack: { created_at: string; duplicate: boolean }): void {
    this.#window = Math.min(MAX_IN_FLIGHT, this.#window + 1);
    const { key } = entry.draft;
    // Until its event comes it is shown as it was typed; an old one, stored by an earlier try, has come already.
    if (seq <= this.#parts.position()) this.#remove(key);
    else this.#enter(entry, { kind: 'stored', seq });
    entry.resolve({ key, seq, createdAt: ack.created_at, isDuplicate: ack.duplicate });
  }

  #fail(entry: Entry, error: ColloquyError): void {
    this.#enter(entry, { kind: 'failed', error });
    entry.reject(error);
    const failed = this.drafts.filter(({ state }) => state.kind === 'failed');
    const oldest = failed[0];
    if (failed.length > MAX_FAILED && oldest !== undefined) this.#remove(oldest.key);
  }

  #settle(key: string, how: (entry: Entry) => void): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    how(entry);
    this.#remove(key);
    this.#flush();
  }

  #remove(key: string): void {
    this.#entries.delete(key);
    this.#changed();
  }

  #enter(entry: Entry, state: DraftState): void {
    entry.draft = { ...entry.draft, state };
    this.#changed();
  }

  #changed(): void {
    this.#drafts = undefined;
    this.#parts.onChange();
  }
}

function newEntry(draft: Draft): Entry {
  let resolve: Entry['resolve'] = () => undefined;
  let reject: Entry['reject'] = () => undefined;
  const receipt = new Promise<Receipt>((keep, breakIt) => {
    resolve = keep;
    reject = breakIt;
  });
  // Who does not await it is told by the draft's state, not by the end of the process.
  receipt.catch(() => undefined);
  return { draft, receipt, resolve, reject };
}

function isWorthWaiting(error: ColloquyError, refusals: number): boolean {
  if (!error.retryable) return false;
  if (error.code === 429 || error.code === 503 || error.reason === 'head_conflict') return true;
  return error.code === 500 && refusals < MAX_TRIES_AFTER_INTERNAL;
}
