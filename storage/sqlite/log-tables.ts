import type { Database, Statement } from 'better-sqlite3';
import type { LogEvent } from '../../src/domain/event.ts';
import type { ParticipantId } from '../../src/domain/ids.ts';
import { EVENT_COLUMNS, type EventRow, kindCode, MESSAGE_CODE, participantCode } from './codes.ts';

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
  readonly author_id: ParticipantId;
  readonly key: string | null;
}

/** Statements on `log`: appended in rowid order, read by rowid. */
export class LogTable {
  readonly #insert: Statement<InsertValues>;
  readonly #get: Statement<[row: number], EventRow>;
  readonly #setBody: Statement<[body: string, row: number]>;
  readonly #last: Statement<[], number>;
  readonly #scan: Statement<[], ScannedRow>;

  constructor(db: Database) {
    this.#insert = db.prepare('INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#get = db.prepare(`SELECT ${EVENT_COLUMNS} FROM log WHERE row = ?`);
    this.#setBody = db.prepare('UPDATE log SET body = ? WHERE row = ?');
    this.#last = db.prepare<[], number>('SELECT coalesce(max(row), 0) FROM log').pluck();
    this.#scan = db.prepare(
      'SELECT row, cid, seq, author_id, key FROM log WHERE cid NOT IN (SELECT cid FROM removed) ORDER BY row',
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
      author.name,
      participantCode(author.kind),
      event.createdAt,
      event.key,
      event.body,
    );
  }

  /** A row that the index of pending rows names; it is there. */
  get(row: number): EventRow {
    const found = this.#get.get(row);
    if (found === undefined) throw new Error(`log row ${row} is gone`);
    return found;
  }

  setBody(row: number, body: string): void {
    this.#setBody.run(body, row);
  }

  last(): number {
    return this.#last.get() ?? 0;
  }

  /** Every row of a conversation that is still there, oldest first. */
  scan(): IterableIterator<ScannedRow> {
    return this.#scan.iterate();
  }
}

export interface SeqRange {
  readonly cid: number;
  /** Exclusive. */
  readonly after: number;
  /** Exclusive. */
  readonly before: number;
}

/** Statements on `events` and `keys`, which the mover fills; the foreground changes nothing here but erased bodies. */
export class EventTables {
  readonly #head: Statement<[cid: number], number | null>;
  readonly #page: Statement<[cid: number, after: number, before: number], EventRow>;
  readonly #at: Statement<[cid: number, seq: number], EventRow>;
  readonly #oldest: Statement<
    [cid: number, after: number, before: number, limit: number],
    EventRow
  >;
  readonly #newest: Statement<
    [cid: number, after: number, before: number, limit: number],
    EventRow
  >;
  readonly #key: Statement<[cid: number, sender: string, key: string], number>;
  readonly #setBody: Statement<[body: string, cid: number, seq: number]>;

  constructor(db: Database) {
    const range = `SELECT ${EVENT_COLUMNS} FROM events WHERE cid = ? AND seq > ? AND seq < ?`;
    const messages = `${range} AND kind = ${MESSAGE_CODE} ORDER BY seq`;
    this.#head = db
      .prepare<[number], number | null>('SELECT max(seq) FROM events WHERE cid = ?')
      .pluck();
    this.#page = db.prepare(`${range} ORDER BY seq`);
    this.#at = db.prepare(`SELECT ${EVENT_COLUMNS} FROM events WHERE cid = ? AND seq = ?`);
    this.#oldest = db.prepare(`${messages} LIMIT ?`);
    this.#newest = db.prepare(`${messages} DESC LIMIT ?`);
    this.#key = db
      .prepare<[number, string, string], number>(
        'SELECT seq FROM keys WHERE cid = ? AND sender = ? AND key = ?',
      )
      .pluck();
    this.#setBody = db.prepare('UPDATE events SET body = ? WHERE cid = ? AND seq = ?');
  }

  /** The newest seq that was moved; undefined when none was. */
  head(cid: number): number | undefined {
    return this.#head.get(cid) ?? undefined;
  }

  /** Ascending; the caller stops when its page is full. */
  page({ cid, after, before }: SeqRange): IterableIterator<EventRow> {
    return this.#page.iterate(cid, after, before);
  }

  at(cid: number, seq: number): EventRow | undefined {
    return this.#at.get(cid, seq);
  }

  oldestMessages({ cid, after, before }: SeqRange, limit: number): EventRow[] {
    return this.#oldest.all(cid, after, before, limit);
  }

  /** Newest first. */
  newestMessages({ cid, after, before }: SeqRange, limit: number): EventRow[] {
    return this.#newest.all(cid, after, before, limit);
  }

  seqOfKey(cid: number, sender: ParticipantId, key: string): number | undefined {
    return this.#key.get(cid, sender, key);
  }

  setBody(cid: number, seq: number, body: string): void {
    this.#setBody.run(body, cid, seq);
  }
}
