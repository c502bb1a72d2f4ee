import type { Database, Statement } from 'better-sqlite3';
import { Words } from './words.ts';

/** A message's text: the event that has it, and where that stands in the log. */
export interface TextPlace {
  readonly seq: number;
  readonly textSeq: number;
  readonly textRow: number;
}

/** Statements on the index of messages: its marks, its messages, their words and vectors. */
export class MessageTables {
  readonly #words: Words;
  readonly #mark: Statement<[cid: number], number>;
  readonly #setMark: Statement<[cid: number, mark: number]>;
  readonly #has: Statement<[cid: number, seq: number], number>;
  readonly #put: Statement<[cid: number, seq: number, textSeq: number, textRow: number]>;
  readonly #drop: Statement<[cid: number, seq: number]>;
  readonly #dropVectors: Statement<[cid: number, seq: number]>;
  readonly #oldest: Statement<[cid: number, below: number, limit: number], number>;
  readonly #forget: Statement<[cid: number]>;

  constructor(db: Database) {
    this.#words = new Words(db, 'message_words');
    this.#mark = db.prepare<[number], number>('SELECT mark FROM indexed WHERE cid = ?').pluck();
    this.#setMark = db.prepare('INSERT OR REPLACE INTO indexed VALUES (?, ?)');
    this.#has = db
      .prepare<[number, number], number>('SELECT 1 FROM indexed_messages WHERE cid = ? AND seq = ?')
      .pluck();
    this.#put = db.prepare('INSERT INTO indexed_messages VALUES (?, ?, ?, ?, 0)');
    this.#drop = db.prepare('DELETE FROM indexed_messages WHERE cid = ? AND seq = ?');
    // Of spaces that were dropped nobody sees a vector any more.
    this.#dropVectors = db.prepare(
      'DELETE FROM message_vectors WHERE sid IN (SELECT sid FROM spaces) AND cid = ? AND seq = ?',
    );
    this.#oldest = db
      .prepare<[number, number, number], number>(
        'SELECT seq FROM indexed_messages WHERE cid = ? AND seq < ? ORDER BY seq LIMIT ?',
      )
      .pluck();
    this.#forget = db.prepare('DELETE FROM indexed WHERE cid = ?');
  }

  /** Events up to here were taken in; 0 when the conversation has no index. */
  mark(cid: number): number {
    return this.#mark.get(cid) ?? 0;
  }

  /** The end of a transaction that took events in. */
  setMark(cid: number, mark: number): void {
    this.#words.mergeAdded();
    this.#setMark.run(cid, mark);
  }

  has(cid: number, seq: number): boolean {
    return this.#has.get(cid, seq) !== undefined;
  }

  /** A message that is not there yet. */
  insert(cid: number, place: TextPlace, text: string): void {
    this.#put.run(cid, place.seq, place.textSeq, place.textRow);
    this.#words.insert({ whole: cid, at: place.seq }, text);
  }

  /** Takes a message out, with its words and vectors. False when it was not there. */
  drop(cid: number, seq: number): boolean {
    if (this.#drop.run(cid, seq).changes === 0) return false;
    this.#words.drop({ whole: cid, at: seq });
    this.#dropVectors.run(cid, seq);
    return true;
  }

  /** Takes the oldest messages below a seq out, `limit` at most. */
  dropBelow(cid: number, seq: number, limit: number): number {
    const seqs = this.#oldest.all(cid, seq, limit);
    for (const old of seqs) this.drop(cid, old);
    return seqs.length;
  }

  /** Takes some of what is left of a removed conversation out; its mark is the last to go. */
  dropSome(cid: number, limit: number): number {
    return (
      this.dropBelow(cid, Number.MAX_SAFE_INTEGER, limit) || Number(this.#forget.run(cid).changes)
    );
  }
}
