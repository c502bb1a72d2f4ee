import type { ConversationId } from '../../src/domain/ids.ts';
import type { ConversationTables } from './conversation-tables.ts';
import type { PendingRows } from './pending-rows.ts';
import type { PlaceTable } from './places.ts';
import { Recent } from './recent.ts';

/** What an append has to know of a conversation: its number in the file and where its log stands. */
export interface Entry {
  readonly cid: number;
  /** Moved by the writer, as the head is. */
  firstSeq: number;
  /** Moved by the writer inside its transaction, and back when that fails. */
  head: number;
}

/** About 300 bytes each. */
const MAX_ENTRIES = 32_768;

/** The conversations lately used, bounded; the others are two small reads away. */
export class Directory {
  readonly #entries = new Recent<ConversationId, Entry>(MAX_ENTRIES, () => 1);
  readonly #conversations: ConversationTables;
  readonly #places: PlaceTable;
  readonly #pending: PendingRows;

  constructor(conversations: ConversationTables, places: PlaceTable, pending: PendingRows) {
    this.#conversations = conversations;
    this.#places = places;
    this.#pending = pending;
  }

  /** Undefined when there is no such conversation, which is not remembered. */
  find(id: ConversationId): Entry | undefined {
    const known = this.#entries.get(id);
    if (known !== undefined) return known;
    const row = this.#conversations.find(id);
    if (row === undefined) return undefined;
    const entry = {
      cid: row.cid,
      firstSeq: row.first_seq,
      head: this.headOf(row.cid, row.first_seq),
    };
    this.#entries.set(id, entry);
    return entry;
  }

  /** The stored head, from the pending rows or else from the newest place. */
  headOf(cid: number, firstSeq: number): number {
    return this.#pending.head(cid) ?? this.#places.head(cid) ?? firstSeq - 1;
  }

  put(id: ConversationId, entry: Entry): void {
    this.#entries.set(id, entry);
  }

  forget(id: ConversationId): void {
    this.#entries.delete(id);
  }

  clear(): void {
    this.#entries.clear();
  }
}
