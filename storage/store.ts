import type { Conversation, ConversationState } from '../src/domain/conversation.ts';
import type { LogEvent } from '../src/domain/event.ts';
import type { ConversationId, Epoch, ParticipantId, TurnId } from '../src/domain/ids.ts';
import type { Message } from '../src/domain/message.ts';
import type { Member } from '../src/domain/participant.ts';
import type { Result } from '../src/domain/result.ts';
import type { Summary } from '../src/domain/summary.ts';
import type { Turn } from '../src/domain/turn.ts';
import type { AuditLog } from './audit-log.ts';
import type { DocumentStore } from './document-store.ts';
import type { Ledger } from './ledger.ts';
import type { MessageIndex } from './message-index.ts';
import type { TurnOrders } from './turn-orders.ts';
import type { Unavailable } from './unavailable.ts';
import type { VectorSpaces } from './vector-spaces.ts';

/**
 * The storage port. One contract suite (`tests/contract/store.ts`) says what each backend promises;
 * a backend is one folder here and one row in `storage/open.ts`.
 *
 * Invariants of every backend:
 * S1. The events of a conversation are `firstSeq … headSeq` without a gap or a duplicate, at every moment and after every crash.
 * S2. `append` is all or nothing, and durable when it answers ok. It compares the stored head with `expectedHead` in the same transaction.
 * S3. At most one event of a conversation has a given sender and key, for ever.
 * S4. After an `erased` effect no read, of any method, gives back what was erased.
 * S5. After a `trimmed` effect no read gives back an event below `firstSeq`; its sender and key stay taken (S3).
 *
 * Text: bodies, settings, turns and metadata come back exactly as given (they are JSON, where a lone surrogate and
 * U+0000 are escapes). Names, keys, and the titles, media types and chunks of documents come back well-formed
 * (`storage/text.ts`): a lone surrogate and U+0000 become U+FFFD in every backend alike, because a UTF-8 file
 * cannot hold the one, and Postgres not the other.
 *
 * Ids are ASCII, and what comes by id comes in the order of their characters' codes: `B` before `a`.
 *
 * A caller's mistake (events not numbered on `expectedHead`, a value of a wrong type) is a broken invariant and
 * rejects the promise; everything that can happen to a correct caller is a value.
 */
export interface Store {
  /** What it is, in a line for the operator, without secrets: `sqlite:./data/colloquy.db`. */
  readonly label: string;

  /** Other processes may write to it at the same time: what is remembered of it must be asked for anew. */
  readonly isShared: boolean;

  readonly documents: DocumentStore;
  readonly index: MessageIndex;
  readonly spaces: VectorSpaces;
  readonly audit: AuditLog;
  readonly ledger: Ledger;

  /** Where servers ask each other; of a shared store only. */
  readonly orders?: TurnOrders | undefined;

  /**
   * Stores a new conversation with its first members and events. They are `firstSeq … headSeq` of `state`: 1, 2, …
   * unless the log was trimmed where it comes from.
   */
  create(
    state: ConversationState,
    events: readonly LogEvent[],
  ): Promise<Result<void, CreateFailure>>;

  /** The conversation and its members, in the order they first joined; undefined when there is none. One read. */
  load(id: ConversationId): Promise<Result<ConversationState | undefined, Unavailable>>;

  /** Appends to one conversation. The store gathers the appends of all conversations into one commit. */
  append(batch: Append): Promise<Result<void, AppendFailure>>;

  /**
   * The same without a promise, for who appends for each message there is; `submit` (storage/submit.ts) does it with
   * any store. `answer` is told once, after this has returned.
   */
  submit?(batch: Append, answer: AppendAnswer): void;

  /** The events after `afterSeq`, ascending, as the log has them now (erased content gone). */
  readEvents(
    id: ConversationId,
    page: EventPage,
  ): Promise<Result<readonly LogEvent[], Unavailable>>;

  /** Messages as they stand now, ascending: the oldest ones after `afterSeq`, or with `beforeSeq` the newest ones before it. */
  readMessages(
    id: ConversationId,
    page: MessagePage,
  ): Promise<Result<readonly Message[], Unavailable>>;

  /** The seq of the event that this sender stored with this key. */
  findKey(
    id: ConversationId,
    sender: ParticipantId,
    key: string,
  ): Promise<Result<number | undefined, Unavailable>>;

  /** The conversations this participant is a member of, by id, after `afterId`. */
  listConversations(
    participant: ParticipantId,
    page: ListPage,
  ): Promise<Result<readonly Conversation[], Unavailable>>;

  /** Every conversation there is, by id, after `afterId`: for export and sweeps. */
  listAll(page: ListPage): Promise<Result<readonly ConversationId[], Unavailable>>;

  /** Where the logs of these conversations stand, read from where they are; those that are not there are left out. One read. */
  heads(
    ids: readonly ConversationId[],
  ): Promise<Result<ReadonlyMap<ConversationId, Head>, Unavailable>>;

  /** Erases a conversation: events, keys, members, turns, summary, index, its share of documents. False when there was none. */
  remove(id: ConversationId): Promise<Result<boolean, Unavailable>>;

  /** One turn, if it belongs to this conversation. */
  readTurn(id: ConversationId, turn: TurnId): Promise<Result<Turn | undefined, Unavailable>>;

  /** The turns of a conversation in the order they were first stored, after the one named. */
  readTurns(id: ConversationId, page: TurnPage): Promise<Result<readonly Turn[], Unavailable>>;

  /** The turns of a conversation that have not ended, in the order they were first stored. */
  readOpenTurns(id: ConversationId): Promise<Result<readonly Turn[], Unavailable>>;

  /** The conversations that have a turn which has not ended. Read once, at start. */
  listConversationsWithOpenTurns(): Promise<Result<readonly ConversationId[], Unavailable>>;

  /** The summary that was put last, while it holds. */
  readSummary(id: ConversationId): Promise<Result<Summary | undefined, Unavailable>>;

  /** A secret of this store, made by `make` when there is none yet; the same bytes for ever after. */
  secret(name: string, make: () => Uint8Array): Promise<Result<Uint8Array, Unavailable>>;

  /** A cheap round trip to where the data is, for readiness. */
  probe(): Promise<Result<void, Unavailable>>;

  /** Finishes what was accepted, then lets go of files and connections. Idempotent. */
  close(): Promise<void>;
}

export interface Append {
  readonly id: ConversationId;
  /** The head this batch was numbered on. */
  readonly expectedHead: number;
  /** Numbered `expectedHead + 1 …`; may be empty when there are effects. */
  readonly events: readonly LogEvent[];
  /** Changes of what is derived from the log, in the same transaction, in this order. */
  readonly effects: readonly Effect[];
}

/** Where the answer to an append goes: one of the two is called, once. Neither may throw. */
export interface AppendAnswer {
  answered(result: Result<void, AppendFailure>): void;
  /** A broken invariant: what rejects the promise of `append`. */
  broke(error: unknown): void;
}

export type Effect =
  /** Joins, or has a new name or role. */
  | { readonly kind: 'member'; readonly member: Member }
  | { readonly kind: 'member_gone'; readonly participantId: ParticipantId }
  /** The settings and `updatedAt` of the conversation as given; ids, epoch and seqs in it are ignored. */
  | { readonly kind: 'settings'; readonly conversation: Conversation }
  /** The event at `seq` (which may be in this batch) is the newest edit of the message at `targetSeq`. */
  | { readonly kind: 'edited'; readonly targetSeq: number; readonly seq: number }
  /**
   * Redacts (see `redactBody`) the message at `targetSeq` and every edit of it, also those that are left when the message
   * itself was trimmed. Comes with the event that says so, like an edit: other servers learn of it by the head.
   */
  | { readonly kind: 'erased'; readonly targetSeq: number }
  /** Inserts or replaces the record of a turn; one that has ended is not opened again, by a write that comes late. */
  | { readonly kind: 'turn'; readonly turn: Turn }
  /**
   * Puts a summary in the place of the one before. It is gone as soon as a message that it covers is edited or erased,
   * or anything is trimmed: put on the head up to which its messages were read, it never says what is no longer so.
   */
  | { readonly kind: 'summary'; readonly summary: Summary }
  /**
   * The log begins at `firstSeq` from now on, `head + 1` at most; a smaller one than it has changes nothing. Events
   * below are gone, but for sender and key (S5).
   */
  | { readonly kind: 'trimmed'; readonly firstSeq: number };

/** Where a log begins and ends, and which life of the conversation it is. */
export interface Head {
  readonly epoch: Epoch;
  readonly firstSeq: number;
  readonly headSeq: number;
}

/** One commit, as it is told to who measures. */
export interface Commit {
  readonly rows: number;
  /** Appends, creations and removals that shared it. */
  readonly requests: number;
  readonly seconds: number;
}

export interface EventPage {
  readonly afterSeq: number;
  /** Events at most, 1 or more. */
  readonly limit: number;
  /** Characters of body at most, but at least one event; no bound when absent. */
  readonly maxChars?: number;
}

export interface MessagePage {
  readonly afterSeq?: number;
  readonly beforeSeq?: number;
  readonly limit: number;
}

export interface TurnPage {
  readonly afterId?: TurnId;
  readonly limit: number;
}

export interface ListPage {
  readonly afterId?: ConversationId;
  readonly limit: number;
}

export type CreateFailure = Unavailable | { readonly reason: 'already_exists' };

export type AppendFailure =
  | Unavailable
  /** The conversation is gone, or its stored head is not `expectedHead`. Nothing was written. */
  | { readonly reason: 'head_conflict' }
  /**
   * Some events carry a key that their sender stored before, at `seq`. Nothing was written. The mailbox keeps a
   * batch free of twins; a second event with the key of an earlier one in the same batch is named here too, with
   * the seq the first would have had.
   */
  | { readonly reason: 'keys_taken'; readonly taken: readonly TakenKey[] };

export interface TakenKey {
  /** The index in `Append.events`. */
  readonly index: number;
  /** Where the key was stored. */
  readonly seq: number;
}
