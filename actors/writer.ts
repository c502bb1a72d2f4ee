import { type Failure, failure } from '../src/domain/failure.ts';
import type { ConversationId } from '../src/domain/ids.ts';
import { err, ok, type Result } from '../src/domain/result.ts';
import type { Append, AppendAnswer, AppendFailure, Store, TakenKey } from '../storage/store.ts';
import { submit } from '../storage/submit.ts';
import type { Unavailable } from '../storage/unavailable.ts';
import type { Clock } from './clock.ts';
import type { CommitTick } from './commit-tick.ts';
import type { Draft, Outcome } from './draft.ts';
import { Mailbox } from './mailbox.ts';
import { PlainBatch, plainBatch, type Standing } from './plain-batch.ts';
import { isStored, settleAll, settleCommitted } from './receipts.ts';
import { type Staged, type StageView, stage } from './stage.ts';
import { storedOutcome, storedReceipt, unavailable } from './stored-receipts.ts';
import { Waiting } from './waiting.ts';

export interface WriterHost extends Standing {
  readonly id: ConversationId;
  readonly store: Store;
  readonly clock: Clock;
  readonly tick: CommitTick;
  readonly mailboxCapacity: number;
  view(): StageView;
  /** The batch is durable: move the head and tell the readers. Its senders are answered after that. */
  committed(staged: Staged): void;
  /** They are answered, too. */
  said(): void;
  /** Nothing was stored and the head is not what we thought: read it again. The drafts wait. */
  stale(): void;
  /** The store does not answer. */
  failed(cause: unknown): void;
  /** All that was taken in is settled. */
  emptied(): void;
  /** A broken invariant. */
  crashed(cause: unknown): void;
}

/** Milliseconds after which senders of a batch with an unknown outcome are told so. */
const UNSURE_MS = 10_000;
const UNKNOWN = 'It is not known whether this was stored; send it again with the same key.';

/** A batch of which nobody knows whether it was stored. */
interface Unsure {
  readonly staged: Staged;
  /** When it was first given to the store. */
  readonly since: number;
  /** Its senders were told that nobody knows. */
  isTold: boolean;
}

/**
 * Takes drafts and makes them durable, a batch at a time.
 *
 * Owns: the mailbox and the one append in flight. Does not own: the head, the members, the readers.
 * Invariants: W1. One append is in flight. W2. Every draft that was taken is settled once. W3. Nothing is settled
 * before the batch that it was judged in is durable, or known not to be: an ok only after the commit, a 429 or 503
 * only when nothing was stored. W4. A batch with an unknown outcome is written again, the very same, until the store
 * says what became of it, and nothing else is written before: reading would not tell, for the lost write may still be
 * on its way to the store and land after the read. Written again, one of the two lands, and the other finds the head
 * moved, or its keys taken, for good. Only a batch without events, which moves no head, may land a second time: then
 * a turn's record is an older one until it is written next.
 */
export class Writer implements AppendAnswer {
  readonly #host: WriterHost;
  readonly #mailbox: Mailbox<Draft>;
  readonly #commit = () => this.#writeBatch();
  #inFlight: Staged | undefined;
  /** When it was given to the store. */
  #startedAt = 0;
  /** The store has yet to say what became of it. */
  #isLanding = false;
  readonly #landed = new Waiting();
  #unsure: Unsure | undefined;
  /** Refused drafts whose keys are being looked up. */
  #recalling = 0;
  /** Why nothing is written any more. */
  #closed: Failure | undefined;
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
    const isIdle = this.#inFlight === undefined && this.#recalling === 0;
    return isIdle && this.#mailbox.size === 0 && this.#unsure === undefined;
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

  /** Until it resolves, the stored head may be one that the outcome of an append has yet to bring. */
  get landing(): Promise<void> | undefined {
    return this.#isLanding ? this.#landed.wait() : undefined;
  }

  /** Answers everything that waits. What is in flight is settled by its own outcome. */
  refuseAll(reason: Failure): void {
    for (const draft of this.#mailbox.takeAll()) draft.settle(err(this.refusalOf(draft, reason)));
  }

  /** What a draft that is not taken is told: of one that may be stored already, under its key, that nobody knows. */
  refusalOf({ author, key }: Draft, reason: Failure): Failure {
    const mayBeStored =
      key !== null &&
      this.#unsure?.staged.numbered.some(
        ({ draft }) => draft.key === key && draft.author.id === author.id,
      );
    return mayBeStored === true ? failure('internal', { message: UNKNOWN }) : reason;
  }

  /** For good: what waits gets the reason, and so does what comes back unwritten. */
  close(reason: Failure): void {
    this.#isOn = false;
    this.#closed = reason;
    this.refuseAll(reason);
    this.giveUpUnsure();
    this.#unsure = undefined;
  }

  /**
   * Brings a batch with an unknown outcome to its end, before the head is read anew (W4). It is the answer when it is
   * stored: then its senders wait for `settleUnsure`. When it is not, they are answered here.
   */
  async decideUnsure(): Promise<Result<Staged | undefined, Unavailable>> {
    const unsure = this.#unsure;
    if (unsure === undefined) return ok(undefined);
    const { staged } = unsure;
    const again = await this.#host.store.append(toAppend(this.#host.id, staged));
    if (this.#unsure !== unsure) return ok(undefined);
    if (again.ok) return ok(staged);
    switch (again.failure.reason) {
      case 'storage_unavailable':
        return err(again.failure);
      case 'head_conflict':
        return this.#findUnsure(unsure);
      case 'keys_taken':
        this.#dropUnsure(unsure);
        return ok(undefined);
      default:
        return again.failure satisfies never;
    }
  }

  /** The head has moved: by this batch, or by another writer's. */
  async #findUnsure(unsure: Unsure): Promise<Result<Staged | undefined, Unavailable>> {
    const { expectedHead, numbered } = unsure.staged;
    const page = { afterSeq: expectedHead, limit: Math.max(numbered.length, 1) };
    const read = await this.#host.store.readEvents(this.#host.id, page);
    if (this.#unsure !== unsure) return ok(undefined);
    if (!read.ok) return read;
    if (isStored(unsure.staged, read.value)) return ok(unsure.staged);
    const heads = await this.#host.store.heads([this.#host.id]);
    if (this.#unsure !== unsure) return ok(undefined);
    if (!heads.ok) return heads;
    // Whatever was there may have been trimmed since.
    const firstSeq = heads.value.get(this.#host.id)?.firstSeq ?? 0;
    if (firstSeq > expectedHead + 1) this.giveUpUnsure();
    this.#dropUnsure(unsure);
    return ok(undefined);
  }

  #dropUnsure(unsure: Unsure): void {
    this.#unsure = undefined;
    if (!unsure.isTold) settleAll(unsure.staged.drafts, err(failure('storage_unavailable')));
  }

  /** The batch that was written again is durable, and the head is after it. */
  settleUnsure(): void {
    const unsure = this.#unsure;
    this.#unsure = undefined;
    if (unsure !== undefined && !unsure.isTold) this.#settle(unsure.staged);
  }

  /** It can't be known in time: says so to those who wait. The batch is still looked for. */
  giveUpUnsure(): void {
    const unsure = this.#unsure;
    if (unsure === undefined || unsure.isTold) return;
    unsure.isTold = true;
    settleAll(unsure.staged.drafts, err(failure('internal', { message: UNKNOWN })));
  }

  /** Tells those who have waited too long for what nobody knows. */
  sweep(now: number): void {
    if (this.#unsure !== undefined && now - this.#unsure.since >= UNSURE_MS) this.giveUpUnsure();
  }

  #wake(): void {
    if (this.#isDue) {
      this.#host.tick.gotMore();
      return;
    }
    if (this.#inFlight !== undefined || this.#mailbox.size === 0) return;
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
    const now = this.#host.clock.now();
    try {
      staged = plainBatch(this.#host, drafts, now) ?? stage(this.#host.view(), drafts, now);
    } catch (cause) {
      settleAll(drafts, err(failure('internal')));
      this.#host.crashed(cause);
      return;
    }
    if (staged.events.length === 0 && staged.effects.length === 0) {
      this.#settle(staged);
      this.#afterBatch();
      return;
    }
    this.#inFlight = staged;
    this.#startedAt = now;
    this.#isLanding = true;
    submit(this.#host.store, toAppend(this.#host.id, staged), this);
  }

  /** The store's answer to the append in flight. */
  answered(result: Result<void, AppendFailure>): void {
    this.#land((staged) => {
      if (result.ok) this.#onCommitted(staged, this.#startedAt);
      else this.#onFailed(staged, result.failure, this.#startedAt);
    });
  }

  /** The store broke under the append in flight. */
  broke(cause: unknown): void {
    this.#land(({ drafts }) => this.#onBroken(drafts, cause));
  }

  /** Throws nothing: the store has others to answer. */
  #land(take: (staged: Staged) => void): void {
    const staged = this.#inFlight;
    this.#inFlight = undefined;
    this.#isLanding = false;
    try {
      if (staged === undefined) throw new Error('an append was answered twice');
      take(staged);
    } catch (cause) {
      this.#host.crashed(cause);
    }
    this.#landed.tell();
  }

  #onCommitted(staged: Staged, startedAt: number): void {
    const now = this.#host.clock.now();
    this.lastWriteAt = now;
    this.#mailbox.drained(staged.drafts.length, now - startedAt);
    try {
      this.#host.committed(staged);
    } catch (cause) {
      this.#host.crashed(cause);
    }
    this.#settle(staged);
    this.#host.said();
    this.#afterBatch();
  }

  #onFailed(staged: Staged, reason: AppendFailure, startedAt: number): void {
    switch (reason.reason) {
      case 'keys_taken':
        this.#inFlight = staged;
        this.#answerTaken(staged, reason.taken);
        return;
      case 'head_conflict':
        this.#putBack(staged.drafts);
        if (this.#closed === undefined) this.#host.stale();
        return;
      case 'storage_unavailable':
        if (reason.outcome === 'unknown')
          this.#unsure = { staged, since: startedAt, isTold: false };
        else settleAll(staged.drafts, unavailable(reason));
        if (this.#closed === undefined) this.#host.failed(reason.cause);
        else this.close(this.#closed);
        return;
      default:
        reason satisfies never;
    }
  }

  #onBroken(drafts: Iterable<Draft>, cause: unknown): void {
    this.#inFlight = undefined;
    settleAll(drafts, err(failure('internal')));
    this.#host.crashed(cause);
  }

  /** Senders of taken keys get their old receipt; the rest of the batch is numbered anew. */
  #answerTaken(staged: Staged, taken: readonly TakenKey[]): void {
    const rest = new Set(staged.drafts);
    this.#tellTaken(staged, { taken, rest }).then(
      () => {
        this.#inFlight = undefined;
        this.#putBack([...rest]);
        this.#afterBatch();
      },
      (cause) => this.#onBroken(rest, cause),
    );
  }

  async #tellTaken(
    { numbered }: Staged,
    { taken, rest }: { taken: readonly TakenKey[]; rest: Set<Draft> },
  ): Promise<void> {
    for (const { index, seq } of taken) {
      const repeated = numbered[index];
      if (repeated === undefined) continue;
      const outcomeOf = await storedReceipt(this.#host, seq);
      for (const draft of [repeated.draft, ...repeated.twins]) {
        rest.delete(draft);
        draft.settle(outcomeOf(draft));
      }
    }
  }

  /** The batch is durable, or had nothing to store. */
  #settle(staged: Staged): void {
    settleCommitted(staged);
    for (const { draft, outcome } of staged.answered) {
      if (outcome.ok || draft.key === null) draft.settle(outcome);
      else this.#recall(draft, draft.key, outcome);
    }
  }

  /** What may not be said now may have been said before: a key that was stored has its receipt, for ever. */
  #recall(draft: Draft, key: string, refusal: Outcome): void {
    this.#recalling += 1;
    const settle = (outcome: Outcome) => {
      this.#recalling -= 1;
      draft.settle(outcome);
      this.#afterBatch();
    };
    storedOutcome(this.#host, draft, key).then(
      (old) => settle(old ?? refusal),
      (cause) => {
        settle(err(failure('internal')));
        this.#host.crashed(cause);
      },
    );
  }

  /** In front of what waits, in their order. */
  #putBack(drafts: readonly Draft[]): void {
    this.#mailbox.putBack(drafts);
    if (this.#closed !== undefined) this.refuseAll(this.#closed);
  }

  #afterBatch(): void {
    if (this.isEmpty) this.#host.emptied();
    else if (this.#isOn) this.#wake();
  }
}

function toAppend(id: ConversationId, staged: Staged): Append {
  if (staged instanceof PlainBatch) return staged;
  const { expectedHead, events, effects } = staged;
  return { id, expectedHead, events, effects };
}
