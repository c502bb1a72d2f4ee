import type { ConversationId } from '../../src/domain/ids.ts';
import { ok, type Result } from '../../src/domain/result.ts';
import type { TermsQuery, VectorQuery } from '../document-store.ts';
import type {
  FoundMessage,
  MessageIndex,
  MessageVector,
  UnembeddedMessage,
} from '../message-index.ts';
import type { Unavailable } from '../unavailable.ts';
import type { Space } from '../vector-spaces.ts';
import type { CallOrder } from './search-protocol.ts';
import type { Searcher } from './searcher.ts';
import { detached, vectorsThatFit } from './slices.ts';
import type { Tables } from './tables.ts';

/** Events that one call takes in at most. */
const MAX_ROWS = 256;

export interface SearchParts {
  readonly tables: Tables;
  readonly searcher: Searcher;
  /** Runs a look into the file, here and now. */
  readonly look: <T>(answer: () => T) => Result<T, Unavailable>;
}

/**
 * The index of messages, made and searched in the searching thread; here is known where a conversation's events
 * stand. `level` is many transactions of about 2 ms each, between which commits have their turn.
 */
export class SqliteIndex implements MessageIndex {
  readonly #parts: SearchParts;

  constructor(parts: SearchParts) {
    this.#parts = parts;
  }

  level(id: ConversationId, limit: number): Promise<Result<boolean, Unavailable>> {
    const { searcher, look } = this.#parts;
    return searcher.during(async () => {
      const target = look(() => this.#headToReach(id));
      if (!target.ok) return target;
      if (target.value === undefined) return ok(true);
      let room = limit;
      while (room > 0) {
        let fromSeq = 0;
        const mark = await searcher.write('takeIn', () => {
          const next = this.#next(id, room);
          fromSeq = next?.fromSeq ?? 0;
          return next;
        });
        if (!mark.ok) return mark;
        if (mark.value === undefined || mark.value >= target.value) return ok(true);
        room -= mark.value - fromSeq + 1;
      }
      return ok(false);
    });
  }

  byTerms(
    id: ConversationId,
    { terms, limit }: TermsQuery & { readonly limit: number },
  ): Promise<Result<readonly FoundMessage[], Unavailable>> {
    return this.#parts.searcher.read('messagesByTerms', { id, terms: [...terms], limit });
  }

  byVector(
    id: ConversationId,
    { space, vector, limit }: VectorQuery & { readonly limit: number },
  ): Promise<Result<readonly FoundMessage[], Unavailable>> {
    const { tables, searcher, look } = this.#parts;
    return searcher.during(async () => {
      const found = look(() => tables.spaces.fitting(space, [vector]));
      if (!found.ok) return found;
      if (found.value === undefined) return ok([]);
      const { sid } = found.value;
      return searcher.ask('messagesByVector', { id, sid, vector: detached(vector), limit });
    });
  }

  withoutVector(
    id: ConversationId,
    space: Space,
    limit: number,
  ): Promise<Result<readonly UnembeddedMessage[], Unavailable>> {
    const { tables, searcher, look } = this.#parts;
    return searcher.during(async () => {
      const found = look(() => tables.spaces.find(space)?.sid ?? 0);
      if (!found.ok) return found;
      return searcher.ask('messagesWithoutVector', { id, sid: found.value, limit });
    });
  }

  putVectors(
    id: ConversationId,
    space: Space,
    vectors: readonly MessageVector[],
  ): Promise<Result<void, Unavailable>> {
    const { tables, searcher, look } = this.#parts;
    const bare = vectors.map(({ vector }) => vector);
    return searcher.during(async () => {
      const fits = look(() => tables.spaces.fitting(space, bare));
      if (!fits.ok) return fits;
      let done = 0;
      while (done < vectors.length) {
        const end = done + vectorsThatFit(space.dimensions);
        const slice = vectors
          .slice(done, end)
          .map((one) => ({ ...one, vector: detached(one.vector) }));
        const stored = await searcher.write('putMessageVectors', () => {
          const entry = tables.directory.find(id);
          const found = tables.spaces.find(space);
          if (entry === undefined || found === undefined) return undefined;
          return { cid: entry.cid, firstSeq: entry.firstSeq, sid: found.sid, vectors: slice };
        });
        if (!stored.ok) return stored;
        done = end;
      }
      return ok(undefined);
    });
  }

  /** The head that `level` has to come to; undefined when it is there, or there is no such conversation. */
  #headToReach(id: ConversationId): number | undefined {
    const { directory, messages } = this.#parts.tables;
    const entry = directory.find(id);
    if (entry === undefined || entry.head < entry.firstSeq) return undefined;
    return messages.mark(entry.cid) < entry.head ? entry.head : undefined;
  }

  /** The next events that are not in the index: where they stand. Undefined when there are none. */
  #next(id: ConversationId, room: number): CallOrder<'takeIn'> | undefined {
    const { directory, messages, pending, places } = this.#parts.tables;
    const entry = directory.find(id);
    if (entry === undefined) return undefined;
    const { cid, firstSeq, head } = entry;
    const fromSeq = Math.max(messages.mark(cid) + 1, firstSeq);
    const toSeq = Math.min(head, fromSeq + Math.min(room, MAX_ROWS) - 1);
    if (fromSeq > toSeq) return undefined;
    const rows: number[] = [];
    for (let seq = fromSeq; seq <= toSeq; seq += 1) {
      const row = pending.rowOf(cid, seq) ?? places.rowOf(cid, seq);
      if (row === undefined) throw new Error(`conversation ${cid}: event ${seq} has no place`);
      rows.push(row);
    }
    return { cid, firstSeq, fromSeq, rows };
  }
}
