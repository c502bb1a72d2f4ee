import type { Database, Statement } from 'better-sqlite3';
import { keyHashAt, type Place, type PlaceTable, recordCount, rowAt } from './places.ts';

export interface Trim {
  readonly cid: number;
  /** Events below are erased. */
  readonly erasedTo: number;
  readonly firstSeq: number;
}

/**
 * What is trimmed is invisible at once, because the conversation's first seq has moved, and erased behind: rows
 * without a key are deleted, rows with one are emptied but for sender and key, which stay taken for ever (S5).
 */
export class Trims {
  readonly #places: PlaceTable;
  readonly #mark: Statement<[cid: number, from: number, lastRow: number]>;
  readonly #next: Statement<[lastRow: number], Trim>;
  readonly #dropRow: Statement<[row: number]>;
  readonly #emptyRow: Statement<[row: number]>;
  readonly #dropEdits: Statement<[cid: number, below: number, below: number, limit: number]>;
  readonly #erased: Statement<[to: number, cid: number]>;
  readonly #done: Statement<[cid: number]>;
  readonly #forget: Statement<[cid: number]>;
  readonly #isOpen: Statement<[], number>;

  constructor(db: Database, places: PlaceTable) {
    this.#places = places;
    this.#mark = db.prepare(
      `INSERT INTO trims VALUES (?, ?, ?) ON CONFLICT (cid) DO UPDATE SET last_row = excluded.last_row`,
    );
    this.#next = db.prepare(
      `SELECT t.cid, t.erased_to AS erasedTo, c.first_seq AS firstSeq
       FROM trims t JOIN conversations c ON c.cid = t.cid WHERE t.last_row <= ? LIMIT 1`,
    );
    this.#dropRow = db.prepare('DELETE FROM log WHERE row = ?');
    this.#emptyRow = db.prepare("UPDATE log SET author_name = '', body = '' WHERE row = ?");
    // An edit that is still there can still be erased with its message, which is not.
    this.#dropEdits = db.prepare(
      `DELETE FROM edits WHERE (cid, target_seq, seq) IN (
         SELECT cid, target_seq, seq FROM edits WHERE cid = ? AND target_seq < ? AND seq < ? LIMIT ?)`,
    );
    this.#erased = db.prepare('UPDATE trims SET erased_to = ? WHERE cid = ?');
    this.#done = db.prepare('UPDATE trims SET last_row = NULL WHERE cid = ?');
    this.#forget = db.prepare('DELETE FROM trims WHERE cid = ?');
    this.#isOpen = db
      .prepare<[], number>('SELECT 1 FROM trims WHERE last_row IS NOT NULL LIMIT 1')
      .pluck();
  }

  /** The events from `from` to below the first seq are to be erased, when the log has places up to `lastRow`. */
  mark(cid: number, from: number, lastRow: number): void {
    this.#mark.run(cid, from, lastRow);
  }

  /** There is something to erase. */
  get isOpen(): boolean {
    return this.#isOpen.get() !== undefined;
  }

  /** A conversation of which something is to be erased that has its places. */
  next(lastRow: number): Trim | undefined {
    return this.#next.get(lastRow);
  }

  /** Erases about `rows` rows: how many it was. The trim is done when there are none. */
  step(trim: Trim, rows: number): number {
    const { cid, erasedTo, firstSeq } = trim;
    const place = erasedTo < firstSeq ? this.#places.covering(cid, erasedTo) : undefined;
    if (place !== undefined && endOf(place) > erasedTo) return this.#erasePlace(trim, place);
    const { changes } = this.#dropEdits.run(cid, firstSeq, firstSeq, rows);
    if (changes === 0) this.#done.run(cid);
    return changes;
  }

  /** The conversation is removed. */
  forget(cid: number): void {
    this.#forget.run(cid);
  }

  #erasePlace({ cid, erasedTo, firstSeq }: Trim, place: Place): number {
    const end = Math.min(endOf(place), firstSeq);
    for (let seq = erasedTo; seq < end; seq += 1) {
      const at = seq - place.firstSeq;
      const statement = keyHashAt(place, at) === 0 ? this.#dropRow : this.#emptyRow;
      statement.run(rowAt(place, at) ?? 0);
    }
    this.#erased.run(end, cid);
    if (end === endOf(place)) this.#places.dropKeyless(cid, place);
    return end - erasedTo;
  }
}

function endOf(place: Place): number {
  return place.firstSeq + recordCount(place);
}
