import type { Database, Statement } from 'better-sqlite3';
import type { LogEvent } from '../../src/domain/event.ts';
import type { ParticipantId } from '../../src/domain/ids.ts';
import { wellFormedText } from '../text.ts';
import { EVENT_COLUMNS, type EventRow, kindCode, participantCode } from './codes.ts';

type InsertValues = [
  row: number,
  cid: number,
  seq: number,
  kind: number,
  authorId: string,
  authorName: string,
  authorKind: number,
  createdAt: number,
  key: string | null,
  body: string,
];

export interface ScannedRow {
  readonly row: number;
  readonly cid: number;
  readonly seq: number;
  readonly kind: number;
  readonly author_id: ParticipantId;
  readonly key: string | null;
}

/** Statements on `log`, where every event stands: appended in rowid order, read by rowid. */
export class LogTable {
  readonly #insert: Statement<InsertValues>;
  readonly #get: Statement<[row: number], EventRow>;
  readonly #setBody: Statement<[body: string, row: number]>;
  readonly #last: Statement<[], number>;
  readonly #indexed: Statement<[], number>;
  readonly #setIndexed: Statement<[row: number]>;
  readonly #scan: Statement<[after: number, to: number], ScannedRow>;

  constructor(db: Database) {
    this.#insert = db.prepare('INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#get = db.prepare(`SELECT ${EVENT_COLUMNS} FROM log WHERE row = ?`);
    this.#setBody = db.prepare('UPDATE log SET body = ? WHERE row = ?');
    this.#last = db.prepare<[], number>('SELECT coalesce(max(row), 0) FROM log').pluck();
    this.#indexed = db
      .prepare<[], number>("SELECT row FROM progress WHERE name = 'places'")
      .pluck();
    this.#setIndexed = db.prepare("UPDATE progress SET row = ? WHERE name = 'places'");
    this.#scan = db.prepare(
      'SELECT row, cid, seq, kind, author_id, key FROM log WHERE row > ? AND row <= ? ORDER BY row',
    );
  }

  insert(row: number, cid: number, event: LogEvent): void {
    const { author } = event;
    this.#insert.run(
      row,
      cid,
      event.seq,
      kindCode(event.kind),
      author.id,
      wellFormedText(author.name),
      participantCode(author.kind),
      event.createdAt,
      event.key === null ? null : wellFormedText(event.key),
      event.body,
    );
  }

  /** A row that an index names; it is there. */
  get(row: number): EventRow {
    const found = this.#get.get(row);
    if (found === undefined) throw new Error(`log row ${row} is gone`);
    return found;
  }

  setBody(row: number, body: string): void {
    this.#setBody.run(body, row);
  }

  /** The highest row number there is or was: rows up to `indexed` may have been deleted since. */
  last(): number {
    return Math.max(this.#last.get() ?? 0, this.indexed());
  }

  /** All rows up to this one have a place. */
  indexed(): number {
    return this.#indexed.get() ?? 0;
  }

  setIndexed(row: number): void {
    this.#setIndexed.run(row);
  }

  /** Rows without their bodies, oldest first. */
  scan(after: number, to: number): IterableIterator<ScannedRow> {
    return this.#scan.iterate(after, to);
  }
}
