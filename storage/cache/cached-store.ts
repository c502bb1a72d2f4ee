import type { Conversation, ConversationState } from '../../src/domain/conversation.ts';
import type { LogEvent } from '../../src/domain/event.ts';
import type { ConversationId, ParticipantId, TurnId } from '../../src/domain/ids.ts';
import type { Message } from '../../src/domain/message.ts';
import { ok, type Result } from '../../src/domain/result.ts';
import type { Turn } from '../../src/domain/turn.ts';
import type { DocumentStore } from '../document-store.ts';
import type { MessageIndex } from '../message-index.ts';
import type {
  Append,
  AppendAnswer,
  AppendFailure,
  CreateFailure,
  EventPage,
  Head,
  ListPage,
  MessagePage,
  Store,
  TurnPage,
} from '../store.ts';
import { submit, submitted } from '../submit.ts';
import { wellFormedState, wellFormedText } from '../text.ts';
import type { Unavailable } from '../unavailable.ts';
import type { VectorSpaces } from '../vector-spaces.ts';
import { CachedConversation, type TailLimits } from './cached-conversation.ts';
import { CachedConversations, type CacheLimits } from './cached-conversations.ts';
import { HeadReads } from './head-reads.ts';
import { Overlaps } from './overlaps.ts';
import { type AppendEnded, Remembering } from './remembering.ts';

export interface CacheStats {
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
  readonly bytes: number;
  readonly conversations: number;
}

/** Newest events kept of a conversation: what a reconnect after a short while asks for. */
const TAIL_EVENTS = 256;
/** One conversation takes no more than this part of the bytes. */
const TAIL_SHARE = 1 / 8;

/**
 * A write-through cache around any store: heads, states, newest events and recent keys.
 *
 * Owns: what is remembered, and its bounds. Does not own: the truth. Of a store that is not shared it takes itself
 * for the only writer, as far as reads go; a `head_conflict` tells it otherwise and the conversation is forgotten.
 *
 * Of a shared store it remembers events alone, and uses them after the store said where the log stands (C5): what
 * they are follows from that, because whoever edits or erases appends an event that says so. States and keys are
 * read from the store each time, which costs no more than to ask where the log stands.
 *
 * Invariants:
 * C1. Nothing is remembered before the inner store answered ok.
 * C2. A read that ran at the same time as a write of its conversation fills nothing; of two writes at the same
 *     time, neither does (`Overlaps`). So no answer is older than the last write that was answered.
 * C3. After an erasure, a removal, a `head_conflict`, or an outcome that is not known, the conversation is forgotten.
 * C4. That something is not there is never remembered, but follows from a tail that reaches back to seq 1.
 * C5. Of a shared store, an entry answers a read only when its epoch, first seq and head are those that the store
 *     gave after the read began.
 */
export class CachedStore implements Store {
  readonly #inner: Store;
  readonly #tailLimits: TailLimits;
  readonly #entries: CachedConversations;
  readonly #overlaps = new Overlaps();
  /** Of a shared store only. */
  readonly #headReads: HeadReads | undefined;
  #hits = 0;
  #misses = 0;

  constructor(inner: Store, limits: CacheLimits) {
    this.#inner = inner;
    if (inner.isShared) this.#headReads = new HeadReads((ids) => inner.heads(ids));
    const bytes = limits.maxBytes * TAIL_SHARE;
    const { tailEvents: events = TAIL_EVENTS } = limits;
    this.#tailLimits = { events, bytes, keepsUnread: inner.isShared };
    this.#entries = new CachedConversations(limits);
  }

  get label(): string {
    return this.#inner.label;
  }

  get isShared(): boolean {
    return this.#inner.isShared;
  }

  get documents(): DocumentStore {
    return this.#inner.documents;
  }

  get index(): MessageIndex {
    return this.#inner.index;
  }

  get spaces(): VectorSpaces {
    return this.#inner.spaces;
  }

  get audit(): Store['audit'] {
    return this.#inner.audit;
  }

  get ledger(): Store['ledger'] {
    return this.#inner.ledger;
  }

  get orders(): Store['orders'] {
    return this.#inner.orders;
  }

  stats(): CacheStats {
    return {
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#entries.evictions,
      bytes: this.#entries.bytes,
      conversations: this.#entries.count,
    };
  }

  create(
    state: ConversationState,
    events: readonly LogEvent[],
  ): Promise<Result<void, CreateFailure>> {
    const { id, epoch, firstSeq } = state.conversation;
    return this.#write(
      id,
      () => this.#inner.create(state, events),
      () => {
        const entry = new CachedConversation(
          { epoch, firstSeq, headSeq: firstSeq - 1 },
          this.#tailLimits,
        );
        if (this.#headReads === undefined) entry.state = wellFormedState(state);
        entry.extend(events);
        return entry;
      },
    );
  }

  append(batch: Append): Promise<Result<void, AppendFailure>> {
    return submitted((answer) => this.submit(batch, answer));
  }

  submit(batch: Append, answer: AppendAnswer): void {
    this.#overlaps.beginWrite(batch.id);
    submit(this.#inner, batch, new Remembering(batch, answer, this.#appendEnded));
  }

  /** Undefined for an append that broke. */
  readonly #appendEnded: AppendEnded = (batch, result) => {
    const { id } = batch;
    const wasAlone = this.#overlaps.endWrite(id);
    if (wasAlone && result?.ok === true) {
      const known = this.#entries.peek(id);
      if (known !== undefined) this.#entries.keep(id, followed(batch, known), known);
    } else this.#ended(id, wasAlone, result);
  };

  remove(id: ConversationId): Promise<Result<boolean, Unavailable>> {
    return this.#write(
      id,
      () => this.#inner.remove(id),
      () => undefined,
    );
  }

  async load(id: ConversationId): Promise<Result<ConversationState | undefined, Unavailable>> {
    return this.#read(id, {
      hit: (entry) => (this.#headReads === undefined ? entry.state : undefined),
      miss: () => this.#inner.load(id),
      fill: (state, entry) => {
        if (state === undefined) return undefined;
        const filled = entry?.isAt(state.conversation) ? entry : this.#entryAt(state.conversation);
        if (this.#headReads === undefined) filled.state = state;
        return filled;
      },
    });
  }

  async readEvents(
    id: ConversationId,
    page: EventPage,
  ): Promise<Result<readonly LogEvent[], Unavailable>> {
    return this.#read<readonly LogEvent[]>(id, {
      hit: (entry) => entry.events(page),
      miss: () => this.#inner.readEvents(id, page),
      fill: (events, entry) => {
        if (isBeyond(events.at(-1)?.seq, entry)) return undefined;
        entry?.widen(events);
        return entry;
      },
    });
  }

  async readMessages(
    id: ConversationId,
    page: MessagePage,
  ): Promise<Result<readonly Message[], Unavailable>> {
    return this.#read<readonly Message[]>(id, {
      hit: (entry) => entry.messages(page),
      miss: () => this.#inner.readMessages(id, page),
      fill: (_messages, entry) => entry,
    });
  }

  async findKey(
    id: ConversationId,
    sender: ParticipantId,
    key: string,
  ): Promise<Result<number | undefined, Unavailable>> {
    const known =
      this.#headReads === undefined
        ? this.#entries.get(id)?.seqOfKey(sender, wellFormedText(key))
        : undefined;
    if (known !== undefined) {
      this.#hits += 1;
      return ok(known === 'none' ? undefined : known);
    }
    return this.#missed(id, {
      miss: () => this.#inner.findKey(id, sender, key),
      fill: (seq, entry) => (isBeyond(seq, entry) ? undefined : entry),
    });
  }

  listConversations(
    participant: ParticipantId,
    page: ListPage,
  ): Promise<Result<readonly Conversation[], Unavailable>> {
    return this.#inner.listConversations(participant, page);
  }

  listAll(page: ListPage): Promise<Result<readonly ConversationId[], Unavailable>> {
    return this.#inner.listAll(page);
  }

  heads(
    ids: readonly ConversationId[],
  ): Promise<Result<ReadonlyMap<ConversationId, Head>, Unavailable>> {
    return this.#inner.heads(ids);
  }

  readTurn(id: ConversationId, turn: TurnId): Promise<Result<Turn | undefined, Unavailable>> {
    return this.#inner.readTurn(id, turn);
  }

  readTurns(id: ConversationId, page: TurnPage): Promise<Result<readonly Turn[], Unavailable>> {
    return this.#inner.readTurns(id, page);
  }

  readOpenTurns(id: ConversationId): Promise<Result<readonly Turn[], Unavailable>> {
    return this.#inner.readOpenTurns(id);
  }

  readSummary(id: ConversationId): ReturnType<Store['readSummary']> {
    return this.#inner.readSummary(id);
  }

  listConversationsWithOpenTurns(): Promise<Result<readonly ConversationId[], Unavailable>> {
    return this.#inner.listConversationsWithOpenTurns();
  }

  secret(name: string, make: () => Uint8Array): Promise<Result<Uint8Array, Unavailable>> {
    return this.#inner.secret(name, make);
  }

  probe(): Promise<Result<void, Unavailable>> {
    return this.#inner.probe();
  }

  close(): Promise<void> {
    this.#entries.clear();
    return this.#inner.close();
  }

  async #read<T>(id: ConversationId, read: CachedRead<T>): Promise<Result<T, Unavailable>> {
    const entry = this.#entries.get(id);
    const known = entry && read.hit(entry);
    if (known === undefined) return this.#missed(id, read);
    if (this.#headReads !== undefined) return this.#checked(id, read, this.#headReads);
    this.#hits += 1;
    return ok(known);
  }

  /** C5. Where the log stands, and only then the answer. */
  async #checked<T>(
    id: ConversationId,
    read: CachedRead<T>,
    heads: HeadReads,
  ): Promise<Result<T, Unavailable>> {
    const overlap = this.#overlaps.beginRead(id);
    try {
      const asked = await heads.ask(id);
      if (!asked.ok) return asked;
      const entry = this.#entries.get(id);
      if (asked.value !== undefined && entry?.isAt(asked.value)) {
        const known = read.hit(entry);
        if (known !== undefined) {
          this.#hits += 1;
          return ok(known);
        }
      } else if (!overlap.isStale) {
        this.#entries.keep(id, asked.value && this.#entryAt(asked.value));
      }
    } finally {
      this.#overlaps.endRead(id, overlap);
    }
    return this.#missed(id, read);
  }

  async #missed<T>(
    id: ConversationId,
    read: Pick<CachedRead<T>, 'miss' | 'fill'>,
  ): Promise<Result<T, Unavailable>> {
    this.#misses += 1;
    const overlap = this.#overlaps.beginRead(id);
    try {
      const result = await read.miss();
      if (result.ok && !overlap.isStale)
        this.#entries.keep(id, read.fill(result.value, this.#entries.get(id)));
      return result;
    } finally {
      this.#overlaps.endRead(id, overlap);
    }
  }

  /** `remember` gives what stands after a write that was ok and alone; undefined forgets the conversation. */
  async #write<T, F extends CreateFailure | AppendFailure>(
    id: ConversationId,
    write: () => Promise<Result<T, F>>,
    remember: () => CachedConversation | undefined,
  ): Promise<Result<T, F>> {
    this.#overlaps.beginWrite(id);
    let result: Result<T, F> | undefined;
    try {
      result = await write();
      return result;
    } finally {
      const wasAlone = this.#overlaps.endWrite(id);
      if (wasAlone && result?.ok === true) this.#entries.keep(id, remember());
      else this.#ended(id, wasAlone, result);
    }
  }

  /** A write was not alone, or has no ok for its result. */
  #ended<T>(
    id: ConversationId,
    wasAlone: boolean,
    result: Result<T, CreateFailure | AppendFailure> | undefined,
  ): void {
    if (!wasAlone || isUncertain(result)) this.#entries.keep(id, undefined);
  }

  #entryAt(head: Head): CachedConversation {
    return new CachedConversation(head, this.#tailLimits);
  }
}

/** The entry after an append that was stored; undefined when nothing of it may be kept. */
function followed(
  { expectedHead, events, effects }: Append,
  entry: CachedConversation,
): CachedConversation | undefined {
  if (entry.head !== expectedHead) return undefined;
  entry.extend(events);
  return effects.every((effect) => entry.follow(effect)) ? entry : undefined;
}

interface CachedRead<T> {
  /** The answer, when the entry has it. */
  readonly hit: (entry: CachedConversation) => T | undefined;
  readonly miss: () => Promise<Result<T, Unavailable>>;
  /** What to remember after the inner store answered. */
  readonly fill: (
    value: T,
    entry: CachedConversation | undefined,
  ) => CachedConversation | undefined;
}

/** Somebody else wrote what an entry does not know. */
function isBeyond(seq: number | undefined, entry: CachedConversation | undefined): boolean {
  return seq !== undefined && entry !== undefined && seq > entry.head;
}

/** The inner store may hold something else than was thought. */
function isUncertain<T>(result: Result<T, CreateFailure | AppendFailure> | undefined): boolean {
  if (result === undefined) return true;
  if (result.ok) return false;
  const { failure } = result;
  if (failure.reason === 'storage_unavailable') return failure.outcome === 'unknown';
  return failure.reason === 'head_conflict';
}
