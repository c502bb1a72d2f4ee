import type { Database, Statement } from 'better-sqlite3';
import type { LogEvent } from '../../src/domain/event.ts';
import type { ParticipantId } from '../../src/domain/ids.ts';
import { wellFormedText } from '../text.ts';
import { EVENT_COLUMNS, type EventRow, kindCode, participantCode } from './codes.ts';

type Value = string | number | null;

const COLUMNS = 10;
/**
 * Rows that go in with one statement. To call SQLite takes a third of the time of a row (perf/README.md); more at
 * once gain little, and few rows in a commit would all go in one by one.
 */
const ROWS_AT_ONCE = 16;
const ONE_ROW = `(${Array(COLUMNS).fill('?').join(', ')})`;

export interface ScannedRow {
  readonly row: number;
  readonly cid: number;
  readonly seq: number;
  readonly kind: number;
  readonly author_id: ParticipantId;
  readonly key: string | null;
}

/**
 * Statements on `log`, where every event stands: appended in rowid order, read by rowid.
 *
 * Invariant L1: rows wait here only within a transaction: whoever looks at the log sees them, `finish` comes before
 * the COMMIT, and `drop` with the ROLLBACK.
 */
export class LogTable {
  readonly #insert: Statement<Value[]>;
  readonly #insertMany: Statement<[Value[]]>;
  /** The values of the rows that wait, row by row, and how many rows there are. */
  readonly #values: Value[] = Array(ROWS_AT_ONCE * COLUMNS).fill(null);
  #waiting = 0;
  readonly #get: Statement<[row: number], EventRow>;
  readonly #setBody: Statement<[body: string, row: number]>;
  readonly #last: Statement<[], number>;
  readonly #indexed: Statement<[], number>;
  readonly #setIndexed: Statement<[row: number]>;
  readonly #scan: Statement<[after: number, to: number], ScannedRow>;

  constructor(db: Database) {
    this.#insert = db.prepare(`INSERT INTO log VALUES ${ONE_ROW}`);
    this.#insertMany = db.prepare<[Value[]]>(
      `INSERT INTO log VALUES ${Array(ROWS_AT_ONCE).fill(ONE_ROW).join(', ')}`,
    );
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
    const { author, key } = event;
    const values = this.#values;
    let at = this.#waiting * COLUMNS;
    values[at++] = row;
    values[at++] = cid;
    values[at++] = event.seq;
    values[at++] = kindCode(event.kind);
    values[at++] = author.id;
    values[at++] = wellFormedText(author.name);
    values[at++] = participantCode(author.kind);
    values[at++] = event.createdAt;
    values[at++] = key === null ? null : wellFormedText(key);
    values[at] = event.body;
    this.#waiting += 1;
    if (this.#waiting < ROWS_AT_ONCE) return;
    this.#waiting = 0;
    this.#insertMany.run(values);
  }

  /** Puts the rows that wait into the file. */
  finish(): void {
    const count = this.#waiting;
    this.#waiting = 0;
    for (let row = 0; row < count; row += 1) {
      const from = row * COLUMNS;
      this.#insert.run(...this.#values.slice(from, from + COLUMNS));
    }
  }

  /** The transaction is taken back, and the rows that wait with it. */
  drop(): void {
    this.#waiting = 0;
  }

  /** A row that an index names; it is there. */
  get(row: number): EventRow {
    this.finish();
    const found = this.#get.get(row);
    if (found === undefined) throw new Error(`log row ${row} is gone`);
    return found;
  }

  setBody(row: number, body: string): void {
    this.finish();
    this.#setBody.run(body, row);
  }

  /** The highest row number there is or was: rows up to `indexed` may have been deleted since. */
  last(): number {
    this.finish();
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
    this.finish();
    return this.#scan.iterate(after, to);
  }
}
