import Sqlite, { type Database } from 'better-sqlite3';
import type { Order, Report } from './indexer-protocol.ts';
import { type KeyHash, keyHashOf } from './key-index.ts';
import { LogTable } from './log-table.ts';
import { placesOfPacked } from './packed-rows.ts';
import { PlaceTable, recordCount } from './places.ts';
import { Plan, planOf } from './plan.ts';
import { Purge } from './purge.ts';
import { KEY_HASH_SECRET, SideTables } from './side-tables.ts';
import { checkpoint, walState } from './wal.ts';

type Done = Pick<Extract<Report, { ok: true }>, 'isDone' | 'rows'>;

/** How long the worker waits for a lock of another program; the store's own commits have stepped aside. */
const LOCK_WAIT_MS = 200;

/**
 * The worker's side of indexing: each order is one short transaction on a connection of its own.
 *
 * Why `synchronous=NORMAL` is safe here though the foreground promises `FULL`: a transaction of this connection
 * is not synced when it commits, so a power cut may lose it, and with it nothing that was answered: places are
 * made from the log, and made again when they are lost. The mark in `progress` moves in the transaction that
 * writes the last places below it, and the WAL keeps transactions in order and recovers a prefix of them, so the
 * mark never survives without the places. A purge deletes what a synced or lost commit of the foreground has
 * removed before it in the same WAL. Checkpoints sync the WAL before they copy from it, and the data file before
 * the WAL starts anew; `OFF` would skip both and must never stand here.
 */
export class IndexerSteps {
  readonly #db: Database;
  readonly #log: LogTable;
  readonly #places: PlaceTable;
  readonly #purge: Purge;
  readonly #hash: KeyHash;
  #plan = new Plan([]);
  #planEnd = 0;

  constructor(path: string) {
    const db = new Sqlite(path, { timeout: LOCK_WAIT_MS, fileMustExist: true });
    this.#db = db;
    db.pragma('synchronous = NORMAL');
    db.pragma('wal_autocheckpoint = 0');
    db.pragma('secure_delete = FAST');
    this.#log = new LogTable(db);
    this.#places = new PlaceTable(db);
    this.#purge = new Purge(db, this.#places);
    this.#hash = keyHashOf(new SideTables(db).requiredSecret(KEY_HASH_SECRET));
  }

  run(order: Order): Report {
    try {
      const { isDone, rows } = this.#step(order);
      return { ok: true, isDone, rows, ...walState(this.#db) };
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
        return this.#makePlan(order);
      case 'chunk':
        return this.#locked(() => this.#writePlaces(order.places));
      case 'purge':
        return this.#locked(() => this.#purge.step(order));
      case 'checkpoint':
        return {
          isDone: checkpoint(this.#db, order.truncate ? 'TRUNCATE' : 'PASSIVE').walPages === 0,
          rows: 0,
        };
      default:
        return order satisfies never;
    }
  }

  #makePlan({ lastRow, rows }: Order & { kind: 'plan' }): Done {
    const [log, places, hash] = [this.#log, this.#places, this.#hash];
    this.#plan =
      rows === undefined ? planOf({ log, places, hash, lastRow }) : new Plan(placesOfPacked(rows));
    this.#planEnd = lastRow;
    return { isDone: this.#plan.isDone, rows: this.#plan.rows };
  }

  #writePlaces(count: number): Done {
    let rows = 0;
    for (const place of this.#plan.take(count)) {
      this.#places.insert(place.cid, place);
      rows += recordCount(place);
    }
    const { isDone } = this.#plan;
    if (isDone) this.#log.setIndexed(this.#planEnd);
    return { isDone, rows };
  }

  #locked<T>(step: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    const result = step();
    this.#db.exec('COMMIT');
    return result;
  }
}
