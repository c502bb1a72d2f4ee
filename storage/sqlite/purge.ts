import type { Database, Statement } from 'better-sqlite3';
import { MessageTables } from './message-tables.ts';
import { type PlaceTable, recordCount, rowAt } from './places.ts';
import { PurgeDocuments } from './purge-documents.ts';
import { type Trim, Trims } from './trims.ts';

/** What a purge may delete. */
interface Order {
  /** The log has places up to this row. */
  readonly lastRow: number;
  /** About so many rows. */
  readonly rows: number;
  /** Documents that are being added. */
  readonly keep: readonly number[];
}

/** A row of an index costs more than one of the log: its words and its vectors go with it. */
const ROWS_AN_INDEXED = 4;

/** Deletes what is left of removed conversations and documents, trimmed events and dropped spaces, a little at a time. */
export class Purge {
  readonly #next: Statement<[lastRow: number], number>;
  readonly #places: PlaceTable;
  readonly #trims: Trims;
  readonly #messages: MessageTables;
  readonly #documents: PurgeDocuments;
  readonly #dropRow: Statement<[row: number]>;
  readonly #dropSides: readonly Statement<[cid: number, limit: number]>[];
  readonly #done: Statement<[cid: number]>;

  constructor(db: Database, places: PlaceTable) {
    this.#places = places;
    this.#trims = new Trims(db, places);
    this.#messages = new MessageTables(db);
    this.#documents = new PurgeDocuments(db);
    this.#next = db
      .prepare<[number], number>('SELECT cid FROM removed WHERE last_row <= ? LIMIT 1')
      .pluck();
    this.#dropRow = db.prepare('DELETE FROM log WHERE row = ?');
    this.#dropSides = [
      dropSome(db, 'edits', 'cid, target_seq, seq'),
      dropSome(db, 'turns', 'cid, id'),
      dropSome(db, 'shares', 'did, cid'),
    ];
    this.#done = db.prepare('DELETE FROM removed WHERE cid = ?');
  }

  /** About so many rows of what was removed or trimmed when the log had come to `lastRow`, all of it placed. */
  step({ lastRow, rows, keep }: Order): { isDone: boolean; rows: number } {
    const cid = this.#next.get(lastRow);
    if (cid !== undefined) return { isDone: false, rows: this.#purgeRemoved(cid, rows) };
    const trim = this.#trims.next(lastRow);
    if (trim !== undefined) return { isDone: false, rows: this.#purgeTrimmed(trim, rows) };
    const dropped = this.#documents.step(Math.ceil(rows / ROWS_AN_INDEXED), keep);
    return { isDone: dropped === undefined, rows: dropped ?? 0 };
  }

  #purgeRemoved(cid: number, rows: number): number {
    const dropped =
      this.#messages.dropSome(cid, Math.ceil(rows / ROWS_AN_INDEXED)) ||
      this.#dropEvents(cid, rows) ||
      this.#dropSide(cid, rows);
    if (dropped > 0) return dropped;
    this.#trims.forget(cid);
    this.#done.run(cid);
    return 0;
  }

  #purgeTrimmed(trim: Trim, rows: number): number {
    const limit = Math.ceil(rows / ROWS_AN_INDEXED);
    return this.#messages.dropBelow(trim.cid, trim.firstSeq, limit) || this.#trims.step(trim, rows);
  }

  #dropEvents(cid: number, rows: number): number {
    let dropped = 0;
    while (dropped < rows) {
      const place = this.#places.oldest(cid);
      if (place === undefined) break;
      const count = recordCount(place);
      for (let at = 0; at < count; at += 1) this.#dropRow.run(rowAt(place, at) ?? 0);
      this.#places.drop(cid, place);
      dropped += count;
    }
    return dropped;
  }

  #dropSide(cid: number, rows: number): number {
    for (const drop of this.#dropSides) {
      const { changes } = drop.run(cid, rows);
      if (changes > 0) return changes;
    }
    return 0;
  }
}

function dropSome(
  db: Database,
  table: string,
  key: string,
): Statement<[cid: number, limit: number]> {
  return db.prepare(
    `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE cid = ? LIMIT ?)`,
  );
}
