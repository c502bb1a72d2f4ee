import type { Database, Statement } from 'better-sqlite3';
import { decodeBody, isKind, type LogEvent } from '../../src/domain/event.ts';
import type { FoundMessage, UnembeddedMessage } from '../message-index.ts';
import { eventOf } from './codes.ts';
import type { LogTable } from './log-table.ts';
import type { MessageTables } from './message-tables.ts';
import type { CallOrder } from './search-protocol.ts';
import { bytesOf } from './space-table.ts';
import { timeForRows } from './time-for-rows.ts';
import { anyOf } from './words.ts';

interface Scope {
  readonly cid: number;
  readonly firstSeq: number;
}

interface Unembedded extends Omit<UnembeddedMessage, 'text'> {
  readonly textRow: number;
}

/**
 * `sid` of a message is a space that has its vector, 0 when none has: what is missing is found without a look at
 * what is there. Another space than that one may have it, too.
 */
const UNEMBEDDED =
  'SELECT seq, text_seq AS textSeq, text_row AS textRow FROM indexed_messages m WHERE cid = ? AND';

interface Parts {
  readonly log: LogTable;
  readonly messages: MessageTables;
}

/**
 * The searching thread's side of the index of messages. What was removed has no id any more; what was trimmed is
 * below the first seq in the same snapshot, though its rows are still there.
 *
 * Vectors are scanned, and a plain table is as fast as any for that: the best 10 of 10,000 take 3.8 ms at 256
 * dimensions and 32 at 1,536, against 2.4 and 25 in a `vec0` table with a partition a conversation, which would
 * take room for as many vectors as its chunks have for each small conversation, and twice as long to fill.
 */
export class MessageSearch {
  readonly #db: Database;
  readonly #parts: Parts;
  readonly #scope: Statement<[id: string], Scope>;
  readonly #byTerms: Statement<(string | number)[], FoundMessage>;
  /** Prepared at its first use: without sqlite-vec it is an error, and searches by words go on. */
  #byVector: Statement<(number | Buffer)[], FoundMessage> | undefined;
  readonly #withoutAny: Statement<number[], Unembedded>;
  readonly #withOthers: Statement<number[], Unembedded>;
  readonly #setSpace: Statement<number[]>;
  readonly #textSeq: Statement<[cid: number, seq: number], number>;
  readonly #putVector: Statement<(number | Buffer)[]>;

  constructor(db: Database, parts: Parts) {
    this.#db = db;
    this.#parts = parts;
    this.#scope = db.prepare('SELECT cid, first_seq AS firstSeq FROM conversations WHERE id = ?');
    this.#byTerms = db.prepare(
      `SELECT rowid & 0xffffffff AS seq, -bm25(message_words) AS score FROM message_words
       WHERE message_words MATCH ? AND rowid >= (? << 32 | ?) AND rowid < (? + 1) << 32
       ORDER BY score DESC, rowid DESC LIMIT ?`,
    );
    this.#withoutAny = db.prepare(`${UNEMBEDDED} sid = 0 AND seq >= ? ORDER BY seq DESC LIMIT ?`);
    this.#withOthers = db.prepare(
      `${UNEMBEDDED} (sid BETWEEN 1 AND ? - 1 OR sid > ?) AND seq >= ? AND NOT EXISTS (
         SELECT 1 FROM message_vectors v WHERE v.sid = ? AND v.cid = m.cid AND v.seq = m.seq)
       LIMIT ?`,
    );
    this.#setSpace = db.prepare('UPDATE indexed_messages SET sid = ? WHERE cid = ? AND seq = ?');
    this.#textSeq = db
      .prepare<[number, number], number>(
        'SELECT text_seq FROM indexed_messages WHERE cid = ? AND seq = ?',
      )
      .pluck();
    this.#putVector = db.prepare(
      `INSERT INTO message_vectors (sid, cid, seq, vector) VALUES (?, ?, ?, ?)
       ON CONFLICT (sid, cid, seq) DO UPDATE SET vector = excluded.vector`,
    );
  }

  byTerms({ id, terms, limit }: CallOrder<'messagesByTerms'>): readonly FoundMessage[] {
    const scope = this.#scope.get(id);
    const query = anyOf(terms);
    if (scope === undefined || query === undefined) return [];
    const { cid, firstSeq } = scope;
    return this.#byTerms.all(query, cid, firstSeq, cid, limit);
  }

  byVector({ id, sid, vector, limit }: CallOrder<'messagesByVector'>): readonly FoundMessage[] {
    this.#byVector ??= this.#db.prepare(
      `SELECT seq, 1 - coalesce(vec_distance_cosine(vector, ?), 1) AS score FROM message_vectors
       WHERE sid = ? AND cid = ? AND seq >= ? ORDER BY score DESC, seq DESC LIMIT ?`,
    );
    const scope = this.#scope.get(id);
    if (scope === undefined) return [];
    return this.#byVector.all(bytesOf(vector), sid, scope.cid, scope.firstSeq, limit);
  }

  withoutVector({
    id,
    sid,
    limit,
  }: CallOrder<'messagesWithoutVector'>): readonly UnembeddedMessage[] {
    const scope = this.#scope.get(id);
    if (scope === undefined) return [];
    const { cid, firstSeq } = scope;
    const found = this.#withoutAny.all(cid, firstSeq, limit);
    if (found.length < limit) {
      const room = limit - found.length;
      found.push(...this.#withOthers.all(cid, sid, sid, firstSeq, sid, room));
    }
    return found.map(({ seq, textSeq, textRow }) => {
      const text = contentOf(eventOf(this.#parts.log.get(textRow)))?.text ?? '';
      return { seq, textSeq, text };
    });
  }

  /** Inside a transaction, as all that writes: the log is read as it is when the words are written (X2). */
  takeIn({ cid, firstSeq, fromSeq, rows }: CallOrder<'takeIn'>): number {
    const { log, messages } = this.#parts;
    const hasTime = timeForRows();
    let mark = fromSeq - 1;
    for (const row of rows) {
      if (!hasTime()) break;
      const event = eventOf(log.get(row));
      mark += 1;
      if (event.seq !== mark) throw new Error(`log row ${row} has event ${event.seq}, not ${mark}`);
      const content = contentOf(event);
      if (content === undefined || content.seq < firstSeq) continue;
      const isThere = messages.drop(cid, content.seq);
      if (content.isEdit && !isThere) continue;
      const place = { seq: content.seq, textSeq: event.seq, textRow: row };
      messages.insert(cid, place, content.text);
    }
    messages.setMark(cid, mark);
    return mark;
  }

  putVectors({ cid, firstSeq, sid, vectors }: CallOrder<'putMessageVectors'>): undefined {
    for (const { seq, textSeq, vector } of vectors) {
      if (seq < firstSeq || this.#textSeq.get(cid, seq) !== textSeq) continue;
      this.#putVector.run(sid, cid, seq, bytesOf(vector));
      this.#setSpace.run(sid, cid, seq);
    }
  }
}

/** The text an event gives to a message; undefined when it gives none, or it was erased. */
function contentOf(
  event: LogEvent,
): { readonly seq: number; readonly text: string; readonly isEdit: boolean } | undefined {
  if (isKind(event, 'message')) {
    const { content } = decodeBody(event);
    return content === undefined ? undefined : { seq: event.seq, text: content, isEdit: false };
  }
  if (!isKind(event, 'message.edited')) return undefined;
  const { target_seq, content } = decodeBody(event);
  return content === undefined ? undefined : { seq: target_seq, text: content, isEdit: true };
}
