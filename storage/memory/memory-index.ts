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
import { Best, innerProduct } from '../nearest.ts';
import type { Effect } from '../store.ts';
import type { Unavailable } from '../unavailable.ts';
import type { Space } from '../vector-spaces.ts';
import type { Gate } from './gate.ts';
import type { MemoryConversation } from './memory-conversation.ts';
import type { MemorySpaces } from './memory-spaces.ts';

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
        const edited = takeIn(event, indexed.messages);
        if (edited !== undefined) this.#dropVectors(id, edited);
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
      const messages = this.#indexed.get(id)?.messages ?? new Map<number, Indexed>();
      const seqs = [...messages.keys()];
      const texts = Array.from(messages.values(), (message) => message.terms);
      return rank(new Set(terms), texts)
        .slice(0, limit)
        .flatMap(({ index, score }) => {
          const seq = seqs[index];
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
      const wanted = space?.unitOf(query.vector);
      if (space === undefined || wanted === undefined) return [];
      const best = new Best<FoundMessage>(query.limit);
      for (const [seq, vector] of space.messages.get(id) ?? []) {
        const score = innerProduct(wanted, vector);
        if (score > best.bar) best.offer({ seq, score });
      }
      return best.items;
    });
  }

  withoutVector(
    id: ConversationId,
    space: Space,
    limit: number,
  ): Promise<Result<readonly UnembeddedMessage[], Unavailable>> {
    return this.#parts.gate.answer(() => {
      const vectors = this.#parts.spaces.find(space)?.messages.get(id);
      const messages = this.#indexed.get(id)?.messages;
      const missing = Math.min(limit, (messages?.size ?? 0) - (vectors?.size ?? 0));
      const found: UnembeddedMessage[] = [];
      if (messages === undefined || missing === 0) return found;
      // Taken in in the order of their seqs, and an edit keeps its message's place.
      for (const seq of [...messages.keys()].reverse()) {
        if (found.length === missing) break;
        const message = vectors?.has(seq) ? undefined : messages.get(seq);
        if (message !== undefined)
          found.push({ seq, textSeq: message.textSeq, text: message.text });
      }
      return found;
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
        stored.set(seq, space.unitOf(vector));
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

  #dropVectors(id: ConversationId, seq: number): void {
    for (const { messages } of this.#parts.spaces.all()) messages.get(id)?.delete(seq);
  }

  #forget(id: ConversationId, isGone: (seq: number) => boolean): void {
    const maps = [
      this.#indexed.get(id)?.messages,
      ...this.#parts.spaces.all().map(({ messages }) => messages.get(id)),
    ];
    for (const map of maps) for (const seq of map?.keys() ?? []) if (isGone(seq)) map?.delete(seq);
  }
}

/**
 * The seq of the message whose text this replaced. An edit of a message that is gone, or was deleted, has nothing to
 * change: redacted events have no content.
 */
function takeIn(event: LogEvent, messages: Map<number, Indexed>): number | undefined {
  if (isKind(event, 'message')) {
    const { content } = decodeBody(event);
    if (content !== undefined) messages.set(event.seq, indexedAt(event.seq, content));
  } else if (isKind(event, 'message.edited')) {
    const { target_seq, content } = decodeBody(event);
    if (content === undefined || !messages.has(target_seq)) return undefined;
    messages.set(target_seq, indexedAt(event.seq, content));
    return target_seq;
  }
  return undefined;
}

function indexedAt(textSeq: number, text: string): Indexed {
  return { textSeq, text, terms: termsOf(text) };
}
