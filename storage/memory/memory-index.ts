import { decodeBody, isKind, type LogEvent } from '../../src/domain/event.ts';
import type { ConversationId } from '../../src/domain/ids.ts';
import type { Result } from '../../src/domain/result.ts';
import { rank } from '../../src/text/bm25.ts';
import { termsOf } from '../../src/text/terms.ts';
import type { TermsQuery, VectorQuery } from '../document-store.ts';
import type {
  FoundMessage,
  MessageIndex,
  MessageVector,
  UnembeddedMessage,
} from '../message-index.ts';
import type { Effect } from '../store.ts';
import type { Unavailable } from '../unavailable.ts';
import type { Space } from '../vector-spaces.ts';
import type { Gate } from './gate.ts';
import type { MemoryConversation } from './memory-conversation.ts';
import { cosine, type MemorySpaces } from './memory-spaces.ts';

interface Indexed {
  readonly textSeq: number;
  readonly text: string;
  readonly terms: readonly string[];
}

interface IndexedConversation {
  /** Events up to here were taken in. */
  mark: number;
  /** By seq. */
  readonly messages: Map<number, Indexed>;
}

interface Parts {
  readonly gate: Gate;
  readonly spaces: MemorySpaces;
  readonly conversations: ReadonlyMap<ConversationId, MemoryConversation>;
}

/** The index of messages of the memory store: made when a conversation is first searched. */
export class MemoryIndex implements MessageIndex {
  readonly #parts: Parts;
  readonly #indexed = new Map<ConversationId, IndexedConversation>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  level(id: ConversationId, limit: number): Promise<Result<boolean, Unavailable>> {
    return this.#parts.gate.answer(() => {
      const conversation = this.#parts.conversations.get(id);
      if (conversation === undefined) return true;
      const indexed = this.#indexed.get(id) ?? { mark: 0, messages: new Map() };
      this.#indexed.set(id, indexed);
      for (const event of conversation.page({ afterSeq: indexed.mark, limit })) {
        takeIn(event, indexed.messages);
        indexed.mark = event.seq;
      }
      return indexed.mark >= conversation.head || conversation.isEmpty;
    });
  }

  byTerms(
    id: ConversationId,
    { terms, limit }: TermsQuery & { readonly limit: number },
  ): Promise<Result<readonly FoundMessage[], Unavailable>> {
    return this.#parts.gate.answer(() => {
      const messages = this.#messagesOf(id);
      const texts = messages.map(([, message]) => message.terms);
      return rank(new Set(terms), texts)
        .slice(0, limit)
        .flatMap(({ index, score }) => {
          const seq = messages[index]?.[0];
          return seq === undefined ? [] : [{ seq, score }];
        });
    });
  }

  byVector(
    id: ConversationId,
    query: VectorQuery & { readonly limit: number },
  ): Promise<Result<readonly FoundMessage[], Unavailable>> {
    return this.#parts.gate.answer(() => {
      const space = this.#parts.spaces.find(query.space);
      const wanted = space?.copyOf(query.vector);
      if (space === undefined || wanted === undefined) return [];
      const vectors = space.messages.get(id);
      return this.#messagesOf(id)
        .flatMap(([seq, { textSeq }]) => {
          const found = vectors?.get(seq);
          return found?.textSeq === textSeq ? [{ seq, score: cosine(wanted, found.vector) }] : [];
        })
        .sort((a, b) => b.score - a.score)
        .slice(0, query.limit);
    });
  }

  withoutVector(
    id: ConversationId,
    space: Space,
    limit: number,
  ): Promise<Result<readonly UnembeddedMessage[], Unavailable>> {
    return this.#parts.gate.answer(() => {
      const vectors = this.#parts.spaces.find(space)?.messages.get(id);
      return this.#messagesOf(id)
        .filter(([seq, { textSeq }]) => vectors?.get(seq)?.textSeq !== textSeq)
        .sort(([a], [b]) => b - a)
        .slice(0, limit)
        .map(([seq, { textSeq, text }]) => ({ seq, textSeq, text }));
    });
  }

  putVectors(
    id: ConversationId,
    given: Space,
    vectors: readonly MessageVector[],
  ): Promise<Result<void, Unavailable>> {
    return this.#parts.gate.answer(() => {
      const space = this.#parts.spaces.find(given);
      const messages = this.#indexed.get(id)?.messages;
      if (space === undefined || messages === undefined) return;
      const stored = space.messages.get(id) ?? new Map();
      space.messages.set(id, stored);
      for (const { seq, textSeq, vector } of vectors) {
        if (messages.get(seq)?.textSeq !== textSeq) continue;
        stored.set(seq, { textSeq, vector: space.copyOf(vector) });
      }
    });
  }

  /** X2, with the effect that was applied to the log. */
  apply(id: ConversationId, effect: Effect): void {
    if (effect.kind === 'erased') this.#forget(id, (seq) => seq === effect.targetSeq);
    if (effect.kind === 'trimmed') this.#forget(id, (seq) => seq < effect.firstSeq);
  }

  drop(id: ConversationId): void {
    this.#indexed.delete(id);
    for (const { messages } of this.#parts.spaces.all()) messages.delete(id);
  }

  #messagesOf(id: ConversationId): Array<[number, Indexed]> {
    return [...(this.#indexed.get(id)?.messages ?? [])];
  }

  #forget(id: ConversationId, isGone: (seq: number) => boolean): void {
    const maps = [
      this.#indexed.get(id)?.messages,
      ...this.#parts.spaces.all().map(({ messages }) => messages.get(id)),
    ];
    for (const map of maps) for (const seq of map?.keys() ?? []) if (isGone(seq)) map?.delete(seq);
  }
}

/** An edit of a message that is gone, or was deleted, has nothing to change: redacted events have no content. */
function takeIn(event: LogEvent, messages: Map<number, Indexed>): void {
  if (isKind(event, 'message')) {
    const { content } = decodeBody(event);
    if (content !== undefined) messages.set(event.seq, indexedAt(event.seq, content));
  } else if (isKind(event, 'message.edited')) {
    const { target_seq, content } = decodeBody(event);
    if (content !== undefined && messages.has(target_seq))
      messages.set(target_seq, indexedAt(event.seq, content));
  }
}

function indexedAt(textSeq: number, text: string): Indexed {
  return { textSeq, text, terms: termsOf(text) };
}
