import type { Conversation, ConversationState } from '../../src/domain/conversation.ts';
import type { LogEvent } from '../../src/domain/event.ts';
import type { ConversationId, ParticipantId, TurnId } from '../../src/domain/ids.ts';
import type { Message } from '../../src/domain/message.ts';
import { err, ok, type Result } from '../../src/domain/result.ts';
import { isOver, type Turn } from '../../src/domain/turn.ts';
import { assertNumbered } from '../batch.ts';
import type {
  Append,
  AppendFailure,
  Commit,
  CreateFailure,
  EventPage,
  ListPage,
  MessagePage,
  Store,
} from '../store.ts';
import { wellFormedState } from '../text.ts';
import { type Unavailable, unavailable } from '../unavailable.ts';
import { MemoryConversation } from './memory-conversation.ts';

/** The reference of the contract: maps, bounded by nothing but memory, forgotten when the process ends. */
export class MemoryStore implements Store {
  readonly #conversations = new Map<ConversationId, MemoryConversation>();
  readonly #secrets = new Map<string, Uint8Array>();
  readonly #onCommit: (commit: Commit) => void;
  #isClosed = false;

  constructor(onCommit: (commit: Commit) => void = () => {}) {
    this.#onCommit = onCommit;
  }

  async create(
    state: ConversationState,
    events: readonly LogEvent[],
  ): Promise<Result<void, CreateFailure>> {
    if (this.#isClosed) return closed();
    const { id, firstSeq } = state.conversation;
    assertNumbered(events, firstSeq);
    if (this.#conversations.has(id)) return err({ reason: 'already_exists' });
    const conversation = new MemoryConversation(wellFormedState(state));
    conversation.add(events);
    this.#conversations.set(id, conversation);
    return ok(undefined);
  }

  async load(id: ConversationId): Promise<Result<ConversationState | undefined, Unavailable>> {
    return this.#read(() => this.#conversations.get(id)?.state);
  }

  async append({
    id,
    expectedHead,
    events,
    effects,
  }: Append): Promise<Result<void, AppendFailure>> {
    if (this.#isClosed) return closed();
    const startedAt = performance.now();
    assertNumbered(events, expectedHead + 1);
    const conversation = this.#conversations.get(id);
    if (conversation === undefined || conversation.head !== expectedHead)
      return err({ reason: 'head_conflict' });
    const taken = conversation.taken(events);
    if (taken !== undefined) return err({ reason: 'keys_taken', taken });
    conversation.add(events);
    for (const effect of effects) conversation.apply(effect);
    const seconds = (performance.now() - startedAt) / 1_000;
    this.#onCommit({ rows: events.length, requests: 1, seconds });
    return ok(undefined);
  }

  async readEvents(
    id: ConversationId,
    page: EventPage,
  ): Promise<Result<readonly LogEvent[], Unavailable>> {
    return this.#read(() => this.#conversations.get(id)?.page(page) ?? []);
  }

  async readMessages(
    id: ConversationId,
    page: MessagePage,
  ): Promise<Result<readonly Message[], Unavailable>> {
    return this.#read(() => this.#conversations.get(id)?.messages(page) ?? []);
  }

  async findKey(
    id: ConversationId,
    sender: ParticipantId,
    key: string,
  ): Promise<Result<number | undefined, Unavailable>> {
    return this.#read(() => this.#conversations.get(id)?.seqOfKey(sender, key));
  }

  async listConversations(
    participant: ParticipantId,
    { afterId, limit }: ListPage,
  ): Promise<Result<readonly Conversation[], Unavailable>> {
    return this.#read(() =>
      [...this.#conversations]
        .filter(
          ([id, { members }]) =>
            members.has(participant) && (afterId === undefined || id > afterId),
        )
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .slice(0, limit)
        .map(([, { conversation }]) => conversation),
    );
  }

  async remove(id: ConversationId): Promise<Result<boolean, Unavailable>> {
    return this.#read(() => this.#conversations.delete(id));
  }

  async readTurn(id: ConversationId, turn: TurnId): Promise<Result<Turn | undefined, Unavailable>> {
    return this.#read(() => this.#conversations.get(id)?.turns.get(turn));
  }

  async readOpenTurns(id: ConversationId): Promise<Result<readonly Turn[], Unavailable>> {
    return this.#read(() => openTurns(this.#conversations.get(id)));
  }

  async listConversationsWithOpenTurns(): Promise<Result<readonly ConversationId[], Unavailable>> {
    return this.#read(() =>
      [...this.#conversations].filter(([, one]) => openTurns(one).length > 0).map(([id]) => id),
    );
  }

  async secret(name: string, make: () => Uint8Array): Promise<Result<Uint8Array, Unavailable>> {
    return this.#read(() => {
      const bytes = this.#secrets.get(name) ?? Uint8Array.from(make());
      this.#secrets.set(name, bytes);
      return Uint8Array.from(bytes);
    });
  }

  async probe(): Promise<Result<void, Unavailable>> {
    return this.#read(() => undefined);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#conversations.clear();
  }

  #read<T>(answer: () => T): Result<T, Unavailable> {
    return this.#isClosed ? closed() : ok(answer());
  }
}

function closed() {
  return err(unavailable(new Error('the store is closed')));
}

function openTurns(conversation: MemoryConversation | undefined): readonly Turn[] {
  return [...(conversation?.turns.values() ?? [])].filter(({ state }) => !isOver(state));
}
