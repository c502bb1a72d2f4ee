import type { ConversationId } from '../../src/domain/ids.ts';

/** A read that may fill the cache when it is back, unless a write came between. */
export interface Fill {
  isStale: boolean;
}

/** A write alone, one more, and whether there was ever more than one: small numbers, no object a write. */
const ONE = 2;
const OVERLAPPED = 1;

/**
 * Which reads and writes of a conversation ran at the same time: the answer of such a read may be older than the
 * write, and the order of two such writes is not known. Bounded by what is under way.
 */
export class Overlaps {
  /** `ONE` for each write under way, and `OVERLAPPED` when another was under way at the same time. */
  readonly #writes = new Map<ConversationId, number>();
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
    this.#writes.set(id, writes === undefined ? ONE : (writes + ONE) | OVERLAPPED);
    if (this.#fills.size === 0) return;
    for (const fill of this.#fills.get(id) ?? []) fill.isStale = true;
  }

  /** True when this write was alone, from its beginning to its end. */
  endWrite(id: ConversationId): boolean {
    const writes = this.#writes.get(id);
    if (writes === undefined) return false;
    if (writes < 2 * ONE) this.#writes.delete(id);
    else this.#writes.set(id, writes - ONE);
    return (writes & OVERLAPPED) === 0;
  }
}
