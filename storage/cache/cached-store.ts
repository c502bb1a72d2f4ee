import { LRUCache } from 'lru-cache';
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
  AppendFailure,
  CreateFailure,
  Effect,
  EventPage,
  Head,
  ListPage,
  MessagePage,
  Store,
  TurnPage,
} from '../store.ts';
import { wellFormedState, wellFormedText } from '../text.ts';
import type { Unavailable } from '../unavailable.ts';
import type { VectorSpaces } from '../vector-spaces.ts';
import { CachedConversation, type TailLimits } from './cached-conversation.ts';
import { Overlaps } from './overlaps.ts';

export interface CacheLimits {
  readonly maxBytes: number;
  readonly maxConversations: number;
}

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
 * Owns: what is remembered, and its bounds. Does not own: the truth. It takes itself for the only writer, as far
 * as reads go; a `head_conflict` tells it otherwise and the conversation is forgotten.
 *
 * Invariants:
 * C1. Nothing is remembered before the inner store answered ok.
 * C2. A read that ran at the same time as a write of its conversation fills nothing; of two writes at the same
 *     time, neither does (`Overlaps`). So no answer is older than the last write that was answered.
 * C3. After an erasure, a removal, a `head_conflict`, or an outcome that is not known, the conversation is forgotten.
 * C4. That something is not there is never remembered, but follows from a tail that reaches back to seq 1.
 */
export class CachedStore implements Store {
  readonly #inner: Store;
  readonly #limits: CacheLimits;
  readonly #tailLimits: TailLimits;
  readonly #entries: LRUCache<ConversationId, CachedConversation>;
  readonly #overlaps = new Overlaps();
  #bytes = 0;
  #hits = 0;
  #misses = 0;
  #evictions = 0;

  constructor(inner: Store, limits: CacheLimits) {
    this.#inner = inner;
    this.#limits = limits;
    this.#tailLimits = { events: TAIL_EVENTS, bytes: limits.maxBytes * TAIL_SHARE };
    this.#entries = new LRUCache({
      max: limits.maxConversations,
      dispose: (entry, _id, reason) => {
        this.#bytes -= entry.countedBytes;
        entry.countedBytes = 0;
        if (reason === 'evict') this.#evictions += 1;
      },
    });
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

  stats(): CacheStats {
    return {
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
      bytes: this.#bytes,
      conversations: this.#entries.size,
    };
  }

  create(
    state: ConversationState,
    events: readonly LogEvent[],
  ): Promise<Result<void, CreateFailure>> {
    const { id, firstSeq } = state.conversation;
    return this.#write(
      id,
      () => this.#inner.create(state, events),
      () => {
        const entry = new CachedConversation(firstSeq - 1, this.#tailLimits);
        entry.state = wellFormedState(state);
        entry.extend(events);
        return entry;
      },
    );
  }

  append(batch: Append): Promise<Result<void, AppendFailure>> {
    return this.#write(
      batch.id,
      () => this.#inner.append(batch),
      (entry) => this.#appended(batch, entry),
    );
  }

  remove(id: ConversationId): Promise<Result<boolean, Unavailable>> {
    return this.#write(
      id,
      () => this.#inner.remove(id),
      () => undefined,
    );
  }

  async load(id: ConversationId): Promise<Result<ConversationState | undefined, Unavailable>> {
    return this.#read(id, {
      hit: (entry) => entry.state,
      miss: () => this.#inner.load(id),
      fill: (state, entry) => {
        if (state === undefined) return undefined;
        const head = state.conversation.headSeq;
        const filled =
          entry?.head === head ? entry : new CachedConversation(head, this.#tailLimits);
        filled.state = state;
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
    const seq = this.#entries.get(id)?.seqOfKey(sender, wellFormedText(key));
    if (seq === undefined) {
      this.#misses += 1;
      return this.#inner.findKey(id, sender, key);
    }
    this.#hits += 1;
    return ok(seq === 'none' ? undefined : seq);
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
    if (known !== undefined) {
      this.#hits += 1;
      return ok(known);
    }
    this.#misses += 1;
    const overlap = this.#overlaps.beginRead(id);
    try {
      const result = await read.miss();
      if (result.ok && !overlap.isStale)
        this.#keep(id, read.fill(result.value, this.#entries.get(id)));
      return result;
    } finally {
      this.#overlaps.endRead(id, overlap);
    }
  }

  /**
   * `remember` gives what stands after a write that was ok and alone; undefined forgets the conversation. No
   * `async`: this is on the way of every append.
   */
  #write<T, F extends CreateFailure | AppendFailure>(
    id: ConversationId,
    write: () => Promise<Result<T, F>>,
    remember: (entry: CachedConversation | undefined) => CachedConversation | undefined,
  ): Promise<Result<T, F>> {
    this.#overlaps.beginWrite(id);
    return write().then(
      (result) => {
        const wasAlone = this.#overlaps.endWrite(id);
        if (wasAlone && result.ok) this.#keep(id, remember(this.#entries.get(id)));
        else if (!wasAlone || isUncertain(result)) this.#keep(id, undefined);
        return result;
      },
      (error: unknown) => {
        this.#overlaps.endWrite(id);
        this.#keep(id, undefined);
        throw error;
      },
    );
  }

  #appended(
    { expectedHead, events, effects }: Append,
    known: CachedConversation | undefined,
  ): CachedConversation | undefined {
    if (effects.some(({ kind }) => kind === 'erased' || kind === 'trimmed')) return undefined;
    const entry =
      known?.head === expectedHead ? known : new CachedConversation(expectedHead, this.#tailLimits);
    if (effects.some(changesState)) entry.state = undefined;
    entry.extend(events);
    return entry;
  }

  #keep(id: ConversationId, entry: CachedConversation | undefined): void {
    if (entry === undefined) {
      this.#entries.delete(id);
      return;
    }
    if (this.#entries.get(id) !== entry) this.#entries.set(id, entry);
    this.#bytes += entry.bytes - entry.countedBytes;
    entry.countedBytes = entry.bytes;
    while (this.#bytes > this.#limits.maxBytes && this.#entries.size > 0) this.#entries.pop();
  }
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

/** The inner store may hold something else than was thought. */
function isUncertain<T>(result: Result<T, CreateFailure | AppendFailure>): boolean {
  if (result.ok) return false;
  const { failure } = result;
  if (failure.reason === 'storage_unavailable') return failure.outcome === 'unknown';
  return failure.reason === 'head_conflict';
}

function changesState({ kind }: Effect): boolean {
  return kind === 'member' || kind === 'member_gone' || kind === 'settings';
}
