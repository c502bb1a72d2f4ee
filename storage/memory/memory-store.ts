import type { Conversation, ConversationState } from '../../src/domain/conversation.ts';
import type { LogEvent } from '../../src/domain/event.ts';
import type { ConversationId, ParticipantId, TurnId } from '../../src/domain/ids.ts';
import type { Message } from '../../src/domain/message.ts';
import { err, ok, type Result } from '../../src/domain/result.ts';
import type { Summary } from '../../src/domain/summary.ts';
import { isOver, type Turn } from '../../src/domain/turn.ts';
import { assertAppend, assertNumbered } from '../batch.ts';
import type {
  Append,
  AppendAnswer,
  AppendFailure,
  Commit,
  CreateFailure,
  EventPage,
  Head,
  ListPage,
  MessagePage,
  Store,
  TurnPage,
} from '../store.ts';
import { submitted } from '../submit.ts';
import { wellFormedState } from '../text.ts';
import type { Unavailable } from '../unavailable.ts';
import { Gate } from './gate.ts';
import { MemoryAudit } from './memory-audit.ts';
import { MemoryConversation } from './memory-conversation.ts';
import { MemoryDocuments } from './memory-documents.ts';
import { MemoryIndex } from './memory-index.ts';
import { MemoryLedger } from './memory-ledger.ts';
import { MemorySpaces } from './memory-spaces.ts';

const DONE = ok(undefined);

/** The reference of the contract: maps, bounded by nothing but memory, forgotten when the process ends. */
export class MemoryStore implements Store {
  readonly label = 'memory:';
  readonly isShared = false;
  readonly documents: MemoryDocuments;
  readonly index: MemoryIndex;
  readonly spaces: MemorySpaces;
  readonly audit: MemoryAudit;
  readonly ledger: MemoryLedger;
  readonly #gate = new Gate();
  readonly #conversations = new Map<ConversationId, MemoryConversation>();
  readonly #secrets = new Map<string, Uint8Array>();
  readonly #onCommit: (commit: Commit) => void;
  /** Answers that are given in the next microtask. */
  #untold: Array<() => void> = [];

  constructor(onCommit: (commit: Commit) => void = () => {}) {
    this.#onCommit = onCommit;
    this.spaces = new MemorySpaces(this.#gate);
    this.audit = new MemoryAudit(this.#gate);
    this.ledger = new MemoryLedger(this.#gate);
    const parts = {
      gate: this.#gate,
      spaces: this.spaces,
      conversations: this.#conversations,
    };
    this.documents = new MemoryDocuments(parts);
    this.index = new MemoryIndex(parts);
  }

  create(
    state: ConversationState,
    events: readonly LogEvent[],
  ): Promise<Result<void, CreateFailure>> {
    return this.#gate.attempt((): Result<void, CreateFailure> => {
      const { id, firstSeq } = state.conversation;
      assertNumbered(events, firstSeq);
      if (this.#conversations.has(id)) return err({ reason: 'already_exists' });
      const conversation = new MemoryConversation(wellFormedState(state));
      conversation.add(events);
      this.#conversations.set(id, conversation);
      return ok(undefined);
    });
  }

  load(id: ConversationId): Promise<Result<ConversationState | undefined, Unavailable>> {
    return this.#gate.answer(() => this.#conversations.get(id)?.state);
  }

  append(batch: Append): Promise<Result<void, AppendFailure>> {
    return submitted((answer) => this.submit(batch, answer));
  }

  submit(batch: Append, answer: AppendAnswer): void {
    let tell: () => void;
    try {
      const result = this.#gate.now(() => this.#append(batch));
      tell = () => answer.answered(result);
    } catch (error) {
      tell = () => answer.broke(error);
    }
    if (this.#untold.push(tell) === 1) queueMicrotask(() => this.#tellAll());
  }

  #tellAll(): void {
    const untold = this.#untold;
    this.#untold = [];
    for (const tell of untold) tell();
  }

  #append(batch: Append): Result<void, AppendFailure> {
    const startedAt = performance.now();
    assertAppend(batch);
    const { id, expectedHead, events, effects } = batch;
    const conversation = this.#conversations.get(id);
    if (conversation === undefined || conversation.head !== expectedHead)
      return err({ reason: 'head_conflict' });
    const taken = conversation.taken(events);
    if (taken !== undefined) return err({ reason: 'keys_taken', taken });
    conversation.add(events);
    for (const effect of effects) {
      conversation.apply(effect);
      this.index.apply(id, effect);
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    this.#onCommit({ rows: events.length, requests: 1, seconds });
    return DONE;
  }

  readEvents(
    id: ConversationId,
    page: EventPage,
  ): Promise<Result<readonly LogEvent[], Unavailable>> {
    return this.#gate.answer(() => this.#conversations.get(id)?.page(page) ?? []);
  }

  readMessages(
    id: ConversationId,
    page: MessagePage,
  ): Promise<Result<readonly Message[], Unavailable>> {
    return this.#gate.answer(() => this.#conversations.get(id)?.messages(page) ?? []);
  }

  findKey(
    id: ConversationId,
    sender: ParticipantId,
    key: string,
  ): Promise<Result<number | undefined, Unavailable>> {
    return this.#gate.answer(() => this.#conversations.get(id)?.seqOfKey(sender, key));
  }

  listConversations(
    participant: ParticipantId,
    page: ListPage,
  ): Promise<Result<readonly Conversation[], Unavailable>> {
    return this.#gate.answer(() =>
      pageOf(
        [...this.#conversations.values()]
          .filter(({ members }) => members.has(participant))
          .map(({ conversation }) => conversation),
        page,
      ),
    );
  }

  listAll(page: ListPage): Promise<Result<readonly ConversationId[], Unavailable>> {
    return this.#gate.answer(() =>
      pageOf(
        [...this.#conversations.keys()].map((id) => ({ id })),
        page,
      ).map(({ id }) => id),
    );
  }

  heads(
    ids: readonly ConversationId[],
  ): Promise<Result<ReadonlyMap<ConversationId, Head>, Unavailable>> {
    return this.#gate.answer(() => {
      const heads = new Map<ConversationId, Head>();
      for (const id of ids) {
        const conversation = this.#conversations.get(id)?.conversation;
        if (conversation === undefined) continue;
        const { epoch, firstSeq, headSeq } = conversation;
        heads.set(id, { epoch, firstSeq, headSeq });
      }
      return heads;
    });
  }

  remove(id: ConversationId): Promise<Result<boolean, Unavailable>> {
    return this.#gate.answer(() => {
      this.documents.unshare(id);
      this.index.drop(id);
      return this.#conversations.delete(id);
    });
  }

  readTurn(id: ConversationId, turn: TurnId): Promise<Result<Turn | undefined, Unavailable>> {
    return this.#gate.answer(() => this.#conversations.get(id)?.turns.get(turn));
  }

  readTurns(
    id: ConversationId,
    { afterId, limit }: TurnPage,
  ): Promise<Result<readonly Turn[], Unavailable>> {
    return this.#gate.answer(() => {
      const turns = [...(this.#conversations.get(id)?.turns.values() ?? [])];
      const start = afterId === undefined ? 0 : turns.findIndex((turn) => turn.id === afterId) + 1;
      return turns.slice(start, start + limit);
    });
  }

  readOpenTurns(id: ConversationId): Promise<Result<readonly Turn[], Unavailable>> {
    return this.#gate.answer(() => openTurns(this.#conversations.get(id)));
  }

  listConversationsWithOpenTurns(): Promise<Result<readonly ConversationId[], Unavailable>> {
    return this.#gate.answer(() =>
      [...this.#conversations].filter(([, one]) => openTurns(one).length > 0).map(([id]) => id),
    );
  }

  readSummary(id: ConversationId): Promise<Result<Summary | undefined, Unavailable>> {
    return this.#gate.answer(() => this.#conversations.get(id)?.summary);
  }

  secret(name: string, make: () => Uint8Array): Promise<Result<Uint8Array, Unavailable>> {
    return this.#gate.answer(() => {
      const bytes = this.#secrets.get(name) ?? Uint8Array.from(make());
      this.#secrets.set(name, bytes);
      return Uint8Array.from(bytes);
    });
  }

  probe(): Promise<Result<void, Unavailable>> {
    return this.#gate.answer(() => undefined);
  }

  async close(): Promise<void> {
    this.#gate.close();
    this.#conversations.clear();
  }
}

/** By id, after `afterId`; ids are ASCII, so every backend sorts them alike. */
function pageOf<T extends { readonly id: ConversationId }>(
  all: readonly T[],
  { afterId, limit }: ListPage,
): readonly T[] {
  return all
    .filter(({ id }) => afterId === undefined || id > afterId)
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .slice(0, limit);
}

function openTurns(conversation: MemoryConversation | undefined): readonly Turn[] {
  return [...(conversation?.turns.values() ?? [])].filter(({ state }) => !isOver(state));
}
