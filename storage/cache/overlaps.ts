import type { ConversationId } from '../../src/domain/ids.ts';

/** A read that may fill the cache when it is back, unless a write came between. */
export interface Fill {
  isStale: boolean;
}

interface Writes {
  count: number;
  /** Another write of the conversation was under way at the same time. */
  overlapped: boolean;
}

/**
 * Which reads and writes of a conversation ran at the same time: the answer of such a read may be older than the
 * write, and the order of two such writes is not known. Bounded by what is under way.
 */
export class Overlaps {
  readonly #writes = new Map<ConversationId, Writes>();
  readonly #fills = new Map<ConversationId, Set<Fill>>();

  beginRead(id: ConversationId): Fill {
    const fill = { isStale: this.#writes.has(id) };
    const others = this.#fills.get(id);
    if (others === undefined) this.#fills.set(id, new Set([fill]));
    else others.add(fill);
    return fill;
  }

  endRead(id: ConversationId, fill: Fill): void {
    const fills = this.#fills.get(id);
    fills?.delete(fill);
    if (fills?.size === 0) this.#fills.delete(id);
  }

  beginWrite(id: ConversationId): void {
    const writes = this.#writes.get(id);
    if (writes === undefined) {
      this.#writes.set(id, { count: 1, overlapped: false });
    } else {
      writes.count += 1;
      writes.overlapped = true;
    }
    for (const fill of this.#fills.get(id) ?? []) fill.isStale = true;
  }

  /** True when this write was alone, from its beginning to its end. */
  endWrite(id: ConversationId): boolean {
    const writes = this.#writes.get(id);
    if (writes === undefined) return false;
    writes.count -= 1;
    if (writes.count === 0) this.#writes.delete(id);
    return !writes.overlapped;
  }
}
