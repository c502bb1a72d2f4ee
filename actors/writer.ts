import { isDeepStrictEqual } from 'node:util';
import { type LogEvent, redactBody } from '../src/domain/event.ts';
import { type Failure, failure } from '../src/domain/failure.ts';
import type { ConversationId } from '../src/domain/ids.ts';
import { err, ok } from '../src/domain/result.ts';
import type { Append, AppendFailure, Store, TakenKey, Unavailable } from '../storage/store.ts';
import type { Clock } from './clock.ts';
import type { CommitTick } from './commit-tick.ts';
import type { Draft, Outcome } from './draft.ts';
import { Mailbox } from './mailbox.ts';
import { type Staged, type StageView, stage } from './stage.ts';

export interface WriterHost {
  readonly id: ConversationId;
  readonly store: Store;
  readonly clock: Clock;
  readonly tick: CommitTick;
  readonly mailboxCapacity: number;
  view(): StageView;
  /** The batch is durable: move the head, answer the senders by `settleCommitted`, tell the readers. */
  committed(staged: Staged): void;
  /** Nothing was stored and the head is not what we thought: read it again. The drafts wait. */
  stale(): void;
  /** The store does not answer. */
  failed(cause: unknown): void;
  /** All that was taken in is settled. */
  emptied(): void;
  /** A broken invariant. */
  crashed(cause: unknown): void;
}

/**
 * Takes drafts and makes them durable, a batch at a time.
 *
 * Owns: the mailbox and the one append in flight. Does not own: the head, the members, the readers.
 * Invariants: W1. One append is in flight. W2. Every draft that was taken is settled once. W3. An ok is settled
 * only after the commit; a 429 or 503 only when nothing was stored.
 */
export class Writer {
  readonly #host: WriterHost;
  readonly #mailbox: Mailbox<Draft>;
  readonly #commit = () => this.#writeBatch();
  #inFlight: Staged | undefined;
  /** A batch of which nobody knows whether it was stored. */
  #unsure: Staged | undefined;
  #isOn = false;
  #isDue = false;
  lastWriteAt: number;

  constructor(host: WriterHost) {
    this.#host = host;
    this.#mailbox = new Mailbox(host.mailboxCapacity);
    this.lastWriteAt = host.clock.now();
  }

  get depth(): number {
    return this.#mailbox.size;
  }

  /** Nothing waits and nothing is on its way. */
  get isEmpty(): boolean {
    return this.#mailbox.size === 0 && this.#inFlight === undefined && this.#unsure === undefined;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** Takes the draft, or says why not: then nothing was taken. */
  offer(draft: Draft): Failure | undefined {
    if (!this.#mailbox.offer(draft)) {
      return failure('mailbox_full', { retryAfterMs: this.#mailbox.retryAfterMs() });
    }
    if (this.#isOn) this.#wake();
    return undefined;
  }

  turnOn(): void {
    this.#isOn = true;
    this.#wake();
  }

  turnOff(): void {
    this.#isOn = false;
  }

  /** Answers everything that waits. What is in flight is settled by its own outcome. */
  refuseAll(reason: Failure): void {
    for (const draft of this.#mailbox.takeAll()) draft.settle(err(reason));
  }

  /** Decides about a batch with an unknown outcome, once the head could be read again. */
  async resolveUnsure(): Promise<void> {
    const staged = this.#unsure;
    if (staged === undefined) return;
    const read = await this.#host.store.readEvents(this.#host.id, {
      afterSeq: staged.expectedHead,
      limit: Math.max(staged.numbered.length, 1),
    });
    if (!read.ok) return;
    this.#unsure = undefined;
    const wasStored =
      staged.numbered.length > 0 &&
      staged.numbered.every(({ event }, at) => isSameEvent(event, read.value[at]));
    if (wasStored) settleCommitted(staged);
    else settleAll(staged, err(failure('storage_unavailable')));
  }

  /** It can't be known in time: says so to those who wait. */
  giveUpUnsure(): void {
    const staged = this.#unsure;
    this.#unsure = undefined;
    if (staged !== undefined) {
      const message = 'It is not known whether this was stored; send it again with the same key.';
      settleAll(staged, err(failure('internal', { message })));
    }
  }

  #wake(): void {
    if (this.#isDue || this.#inFlight !== undefined || this.#mailbox.size === 0) return;
    this.#isDue = true;
    this.#host.tick.request(this.#commit);
  }

  #writeBatch(): void {
    this.#isDue = false;
    if (!this.#isOn || this.#inFlight !== undefined) return;
    const drafts = this.#mailbox.takeAll();
    if (drafts.length > 0) this.#write(drafts);
  }

  #write(drafts: readonly Draft[]): void {
    let staged: Staged;
    try {
      staged = stage(this.#host.view(), drafts, this.#host.clock.now());
    } catch (cause) {
      for (const draft of drafts) draft.settle(err(failure('internal')));
      this.#host.crashed(cause);
      return;
    }
    for (const { draft, outcome } of staged.answered) draft.settle(outcome);
    if (staged.numbered.length === 0 && staged.effects.length === 0) {
      for (const draft of staged.silent) draft.settle(err(failure('internal')));
      this.#afterBatch();
      return;
    }
    this.#inFlight = staged;
    const startedAt = this.#host.clock.now();
    this.#host.store.append(toAppend(this.#host.id, staged)).then(
      (result) => {
        this.#inFlight = undefined;
        if (result.ok) this.#onCommitted(staged, startedAt);
        else this.#onFailed(staged, result.failure);
      },
      (cause) => {
        this.#inFlight = undefined;
        settleAll(staged, err(failure('internal')));
        this.#host.crashed(cause);
      },
    );
  }

  #onCommitted(staged: Staged, startedAt: number): void {
    const now = this.#host.clock.now();
    this.lastWriteAt = now;
    this.#mailbox.drained(draftsOf(staged).length, now - startedAt);
    try {
      this.#host.committed(staged);
    } catch (cause) {
      this.#host.crashed(cause);
    }
    this.#afterBatch();
  }

  #onFailed(staged: Staged, reason: AppendFailure): void {
    switch (reason.reason) {
      case 'keys_taken':
        void this.#answerTaken(staged, reason.taken);
        return;
      case 'head_conflict':
        this.#mailbox.putBack(draftsOf(staged));
        this.#host.stale();
        return;
      case 'storage_unavailable':
        if (reason.outcome === 'unknown') this.#unsure = staged;
        else settleAll(staged, err(failure('storage_unavailable', { cause: reason.cause })));
        this.#host.failed(reason.cause);
        return;
      default:
        reason satisfies never;
    }
  }

  /** Senders of taken keys get their old receipt; the rest of the batch is numbered anew. */
  async #answerTaken(staged: Staged, taken: readonly TakenKey[]): Promise<void> {
    this.#inFlight = staged;
    const answered = new Set<Draft>();
    for (const { index, seq } of taken) {
      const numbered = staged.numbered[index];
      if (numbered === undefined) continue;
      const outcomeOf = await this.#oldReceipt(seq);
      for (const draft of [numbered.draft, ...numbered.twins]) {
        answered.add(draft);
        draft.settle(outcomeOf(draft));
      }
    }
    this.#inFlight = undefined;
    const rest = draftsOf(staged).filter((draft) => !answered.has(draft));
    if (rest.length > 0) this.#mailbox.putBack(rest);
    this.#afterBatch();
  }

  async #oldReceipt(seq: number): Promise<(draft: Draft) => Outcome> {
    const read = await this.#host.store.readEvents(this.#host.id, { afterSeq: seq - 1, limit: 1 });
    if (!read.ok) return () => err(unavailable(read.failure));
    const [event] = read.value;
    return (draft) => receiptOf(draft, event, seq);
  }

  #afterBatch(): void {
    if (this.isEmpty) this.#host.emptied();
    else if (this.#isOn) this.#wake();
  }
}

function toAppend(id: ConversationId, staged: Staged): Append {
  return {
    id,
    expectedHead: staged.expectedHead,
    events: staged.numbered.map(({ event }) => event),
    effects: staged.effects,
  };
}

/** The drafts of a batch that are not answered yet, in their order. */
function draftsOf(staged: Staged): Draft[] {
  const numbered = staged.numbered.flatMap(({ draft, twins }) => [draft, ...twins]);
  return [...numbered, ...staged.silent];
}

function settleAll(staged: Staged, outcome: Outcome): void {
  for (const draft of draftsOf(staged)) draft.settle(outcome);
}

/** Answers the senders of a durable batch. */
export function settleCommitted(staged: Staged): void {
  for (const { draft, event, twins } of staged.numbered) {
    const { seq, createdAt } = event;
    draft.settle(ok({ seq, createdAt, duplicate: false }));
    for (const twin of twins) twin.settle(receiptOf(twin, event, seq));
  }
  const { headSeq: seq, updatedAt: createdAt } = staged.conversation;
  for (const draft of staged.silent) draft.settle(ok({ seq, createdAt, duplicate: false }));
}

/** The answer to a key that was stored as `event`, which is absent when it was trimmed since. */
function receiptOf(draft: Draft, event: LogEvent | undefined, seq: number): Outcome {
  if (event !== undefined && !isSameRequest(draft, event)) return err(failure('key_reused'));
  return ok({ seq, createdAt: event?.createdAt ?? 0, duplicate: true });
}

/** Whether the draft asks for what the event is. What was erased can't be compared, and counts as the same. */
function isSameRequest(draft: Draft, event: LogEvent): boolean {
  if (draft.kind !== event.kind) return false;
  if (!('body' in draft) || draft.body === event.body) return true;
  const before = JSON.parse(event.body) as { deleted?: true };
  if (before.deleted === true && draft.kind !== 'message.deleted') {
    return draft.kind === 'message'
      ? redactBody('message', draft.body) === event.body
      : redactBody('message.edited', draft.body) === event.body;
  }
  return isDeepStrictEqual(JSON.parse(draft.body), before);
}

function isSameEvent(event: LogEvent, stored: LogEvent | undefined): boolean {
  return (
    stored !== undefined &&
    stored.seq === event.seq &&
    stored.kind === event.kind &&
    stored.createdAt === event.createdAt &&
    stored.author.id === event.author.id &&
    stored.key === event.key &&
    stored.body === event.body
  );
}

function unavailable({ cause }: Unavailable): Failure {
  return failure('storage_unavailable', { cause });
}
