import Sqlite, { type Database, type Statement } from 'better-sqlite3';
import type { Order, Report } from './mover-protocol.ts';
import { checkpoint, walPages } from './wal.ts';

/** How long the worker waits for a lock of another program; the store's own commits have stepped aside. */
const LOCK_WAIT_MS = 200;

const CARRIED =
  'l.cid, l.seq, l.kind, l.author_id, l.author_name, l.author_kind, l.created_at, l.key, l.body';
const PLANNED =
  'FROM temp.plan p CROSS JOIN log l ON l.row = p.row WHERE p.place > ? AND p.place <= ?';
const PLAN =
  'INSERT INTO temp.plan (row) SELECT row FROM log AS l WHERE row <= ? AND cid NOT IN (SELECT cid FROM removed)';
const NOT_MOVED = 'AND seq > coalesce((SELECT max(e.seq) FROM events e WHERE e.cid = l.cid), 0)';

/**
 * The worker's side of moving: each order is one short transaction on a connection of its own.
 *
 * Why `synchronous=NORMAL` is safe here though the foreground promises `FULL`: a transaction of this connection
 * is not synced when it commits, so a power cut may lose it, and with it nothing that was answered. It only moves
 * rows that are in the log: lost, they are still in the log. The WAL keeps transactions in order and recovers a
 * prefix of them, so a trim never survives without the chunks before it, and the foreground's next FULL commit
 * syncs the same file with everything before it. Checkpoints sync the WAL before they copy from it, and the data
 * file before the WAL starts anew; `OFF` would skip both and must never stand here.
 */
export class MoverSteps {
  readonly #db: Database;
  readonly #clearPlan: Statement<[]>;
  readonly #plan: Statement<[lastRow: number]>;
  readonly #planRest: Statement<[lastRow: number]>;
  readonly #events: Statement<[after: number, to: number]>;
  readonly #keys: Statement<[after: number, to: number]>;
  readonly #firstRow: Statement<[], number>;
  readonly #trim: Statement<[before: number]>;
  readonly #removed: Statement<[lastRow: number], number>;
  readonly #purges: readonly Statement<[cid: number, limit: number]>[];
  readonly #purged: Statement<[cid: number]>;
  #planned = 0;
  #carried = 0;

  constructor(path: string) {
    const db = new Sqlite(path, { timeout: LOCK_WAIT_MS, fileMustExist: true });
    this.#db = db;
    db.pragma('synchronous = NORMAL');
    db.pragma('wal_autocheckpoint = 0');
    db.pragma('secure_delete = FAST');
    db.pragma('temp_store = MEMORY');
    db.exec('CREATE TEMP TABLE plan (place INTEGER PRIMARY KEY, row INTEGER NOT NULL)');
    this.#clearPlan = db.prepare('DELETE FROM temp.plan');
    this.#plan = db.prepare(`${PLAN} ORDER BY cid, seq`);
    this.#planRest = db.prepare(`${PLAN} ${NOT_MOVED} ORDER BY cid, seq`);
    this.#events = db.prepare(`INSERT INTO events SELECT ${CARRIED} ${PLANNED} ORDER BY p.place`);
    this.#keys = db.prepare(
      `INSERT OR IGNORE INTO keys SELECT l.cid, l.author_id, l.key, l.seq ${PLANNED} AND l.key IS NOT NULL`,
    );
    this.#firstRow = db.prepare<[], number>('SELECT min(row) FROM log').pluck();
    this.#trim = db.prepare('DELETE FROM log WHERE row < ?');
    this.#removed = db
      .prepare<[number], number>('SELECT cid FROM removed WHERE last_row <= ? LIMIT 1')
      .pluck();
    this.#purges = [
      purge(db, 'events', 'seq'),
      purge(db, 'keys', 'sender, key'),
      purge(db, 'edits', 'target_seq, seq'),
      purge(db, 'turns', 'id'),
    ];
    this.#purged = db.prepare('DELETE FROM removed WHERE cid = ?');
  }

  run(order: Order): Report {
    try {
      const { isDone, rows } = this.#step(order);
      return { ok: true, isDone, rows, walPages: walPages(this.#db) };
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      const { code = 'UNKNOWN', message } = error as { code?: string; message: string };
      return { ok: false, code, message };
    }
  }

  close(): void {
    this.#db.close();
  }

  #step(order: Order): { isDone: boolean; rows: number } {
    switch (order.kind) {
      case 'plan':
        return this.#makePlan(order.skipMoved ? this.#planRest : this.#plan, order.lastRow);
      case 'chunk':
        return this.#locked(() => this.#carry(order.rows));
      case 'trim':
        return this.#locked(() => this.#trimTo(order.lastRow, order.rows));
      case 'purge':
        return this.#locked(() => this.#purge(order.lastRow, order.rows));
      case 'checkpoint':
        return {
          isDone: checkpoint(this.#db, order.truncate ? 'TRUNCATE' : 'PASSIVE') === 0,
          rows: 0,
        };
      default:
        return order satisfies never;
    }
  }

  #makePlan(
    plan: Statement<[lastRow: number]>,
    lastRow: number,
  ): { isDone: boolean; rows: number } {
    this.#clearPlan.run();
    this.#planned = plan.run(lastRow).changes;
    this.#carried = 0;
    return { isDone: this.#planned === 0, rows: this.#planned };
  }

  #carry(rows: number): { isDone: boolean; rows: number } {
    const to = Math.min(this.#carried + rows, this.#planned);
    this.#events.run(this.#carried, to);
    this.#keys.run(this.#carried, to);
    const carried = to - this.#carried;
    this.#carried = to;
    return { isDone: to === this.#planned, rows: carried };
  }

  #trimTo(lastRow: number, rows: number): { isDone: boolean; rows: number } {
    const first = this.#firstRow.get() ?? lastRow + 1;
    const before = Math.min(first + rows, lastRow + 1);
    const { changes } = this.#trim.run(before);
    return { isDone: before > lastRow, rows: changes };
  }

  #purge(lastRow: number, rows: number): { isDone: boolean; rows: number } {
    const cid = this.#removed.get(lastRow);
    if (cid === undefined) return { isDone: true, rows: 0 };
    for (const purge of this.#purges) {
      const { changes } = purge.run(cid, rows);
      if (changes > 0) return { isDone: false, rows: changes };
    }
    this.#purged.run(cid);
    return { isDone: false, rows: 0 };
  }

  #locked<T>(step: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    const result = step();
    this.#db.exec('COMMIT');
    return result;
  }
}

function purge(db: Database, table: string, key: string): Statement<[cid: number, limit: number]> {
  return db.prepare(
    `DELETE FROM ${table} WHERE (cid, ${key}) IN (SELECT cid, ${key} FROM ${table} WHERE cid = ? LIMIT ?)`,
  );
}
