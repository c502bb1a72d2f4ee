import { LRUCache } from 'lru-cache';
import type { ConversationId } from '../../src/domain/ids.ts';
import type { CachedConversation } from './cached-conversation.ts';

export interface CacheLimits {
  readonly maxBytes: number;
  readonly maxConversations: number;
  /** Newest events that are kept of a conversation; twice as many until it is cut again. */
  readonly tailEvents?: number;
}

/** What is remembered, bounded by bytes and by count: what was used longest ago makes room. */
export class CachedConversations {
  readonly #maxBytes: number;
  readonly #entries: LRUCache<ConversationId, CachedConversation>;
  #bytes = 0;
  #evictions = 0;

  constructor({ maxBytes, maxConversations }: CacheLimits) {
    this.#maxBytes = maxBytes;
    this.#entries = new LRUCache({
      max: maxConversations,
      dispose: (entry, _id, reason) => {
        this.#bytes -= entry.countedBytes;
        entry.countedBytes = 0;
        if (reason === 'evict') this.#evictions += 1;
      },
    });
  }

  get bytes(): number {
    return this.#bytes;
  }

  get evictions(): number {
    return this.#evictions;
  }

  get count(): number {
    return this.#entries.size;
  }

  get(id: ConversationId): CachedConversation | undefined {
    return this.#entries.get(id);
  }

  /** The same, which is no use: it may be the next to make room all the same. */
  peek(id: ConversationId): CachedConversation | undefined {
    return this.#entries.peek(id);
  }

  /** Keeps an entry, new or changed; undefined forgets the conversation. `known` is what is there now. */
  keep(
    id: ConversationId,
    entry: CachedConversation | undefined,
    known = this.#entries.get(id),
  ): void {
    if (entry === undefined) {
      this.#entries.delete(id);
      return;
    }
    if (known !== entry) this.#entries.set(id, entry);
    const { bytes } = entry;
    if (bytes === entry.countedBytes) return;
    this.#bytes += bytes - entry.countedBytes;
    entry.countedBytes = bytes;
    while (this.#bytes > this.#maxBytes && this.#entries.size > 0) this.#entries.pop();
  }

  clear(): void {
    this.#entries.clear();
  }
}
