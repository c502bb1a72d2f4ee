import type { Database } from 'better-sqlite3';

interface CheckpointRow {
  readonly busy: number;
  readonly log: number;
  readonly checkpointed: number;
}

/** Pages in the WAL; 0 when all of them are in the file, because the next commit then starts it anew. About 10 µs. */
export function walPages(db: Database): number {
  return pagesLeft(db.pragma('wal_checkpoint(NOOP)'));
}

export function checkpoint(db: Database, mode: 'PASSIVE' | 'TRUNCATE'): number {
  return pagesLeft(db.pragma(`wal_checkpoint(${mode})`));
}

function pagesLeft(rows: unknown): number {
  const [row] = rows as [CheckpointRow];
  return row.log === row.checkpointed ? 0 : row.log;
}

/** How often the WAL's length is looked at. */
const MEASURE_EVERY = { commits: 64, rows: 2_048 };

/** Looks at the WAL's length now and then. */
export class WalGauge {
  readonly #db: Database;
  #commits = 0;
  #rows = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  /** After each commit: the pages in the WAL, when it was time to look. */
  wrote(rows: number): number | undefined {
    this.#commits += 1;
    this.#rows += rows;
    if (this.#commits < MEASURE_EVERY.commits && this.#rows < MEASURE_EVERY.rows) return undefined;
    this.#commits = 0;
    this.#rows = 0;
    return walPages(this.#db);
  }
}
