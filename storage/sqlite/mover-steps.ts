import Sqlite, { type Database, type Statement } from 'better-sqlite3';
import type { Order, Report } from './mover-protocol.ts';
import { checkpoint, walPages } from './wal.ts';

type Chunk = Extract<Order, { kind: 'chunk' }>;
type Done = Pick<Extract<Report, { ok: true }>, 'isDone' | 'rows'>;

/** How long the worker waits for a lock of another program; the store's own commits have stepped aside. */
const LOCK_WAIT_MS = 200;

/** KiB of pages in memory, for the file and for the plan each; a plan that is larger goes through a temporary file. */
const CACHE_KIB = 32_768;

const COLUMNS = 'cid, seq, kind, author_id, author_name, author_kind, created_at, key, body';
const PLAN = `INSERT INTO temp.plan (row, ${COLUMNS})
  SELECT row, ${COLUMNS} FROM main.log AS l WHERE row <= ? AND cid NOT IN (SELECT cid FROM main.removed)`;
const NOT_MOVED =
  'AND seq > coalesce((SELECT max(e.seq) FROM main.events e WHERE e.cid = l.cid), 0)';
const NEXT = 'FROM temp.plan WHERE place > ? AND place <= ?';

/**
 * The worker's side of moving: each order is one short transaction on a connection of its own. The plan is a
 * sorted copy of the segment, made without the lock, so that a chunk holds the lock for its insertions only.
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
  readonly #refresh: Statement<[rows: string]>;
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
    db.pragma('temp_store = FILE');
    db.pragma(`main.cache_size = -${CACHE_KIB}`);
    db.pragma(`temp.cache_size = -${CACHE_KIB}`);
    db.exec(`CREATE TEMP TABLE plan (place INTEGER PRIMARY KEY, row, ${COLUMNS})`);
    this.#clearPlan = db.prepare('DELETE FROM temp.plan');
    this.#plan = db.prepare(`${PLAN} ORDER BY cid, seq`);
    this.#planRest = db.prepare(`${PLAN} ${NOT_MOVED} ORDER BY cid, seq`);
    this.#events = db.prepare(`INSERT INTO main.events SELECT ${COLUMNS} ${NEXT} ORDER BY place`);
    this.#keys = db.prepare(
      `INSERT OR IGNORE INTO main.keys SELECT cid, author_id, key, seq ${NEXT} AND key IS NOT NULL`,
    );
    this.#refresh = db.prepare(
      `UPDATE temp.plan SET body = (SELECT l.body FROM main.log l WHERE l.row = plan.row)
       WHERE row IN (SELECT value FROM json_each(?))`,
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

  #step(order: Order): Done {
    switch (order.kind) {
      case 'plan':
        return this.#makePlan(order.skipMoved ? this.#planRest : this.#plan, order.lastRow);
      case 'chunk':
        return this.#locked(() => this.#carry(order));
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

  #makePlan(plan: Statement<[lastRow: number]>, lastRow: number): Done {
    this.#clearPlan.run();
    this.#planned = plan.run(lastRow).changes;
    this.#carried = 0;
    return { isDone: this.#planned === 0, rows: this.#planned };
  }

  #carry({ rows, erased }: Chunk): Done {
    if (erased.length > 0) this.#refresh.run(JSON.stringify(erased));
    const to = Math.min(this.#carried + rows, this.#planned);
    this.#events.run(this.#carried, to);
    this.#keys.run(this.#carried, to);
    const carried = to - this.#carried;
    this.#carried = to;
    const isDone = to === this.#planned;
    if (isDone) this.#clearPlan.run();
    return { isDone, rows: carried };
  }

  #trimTo(lastRow: number, rows: number): Done {
    const first = this.#firstRow.get() ?? lastRow + 1;
    const before = Math.min(first + rows, lastRow + 1);
    const { changes } = this.#trim.run(before);
    return { isDone: before > lastRow, rows: changes };
  }

  #purge(lastRow: number, rows: number): Done {
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
