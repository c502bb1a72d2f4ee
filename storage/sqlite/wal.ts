import type { Database } from 'better-sqlite3';

interface CheckpointRow {
  readonly busy: number;
  readonly log: number;
  readonly checkpointed: number;
}

export interface WalState {
  /** Pages in the WAL; 0 when all of them are in the file, because the next commit then starts it anew. */
  readonly walPages: number;
  /** Those of them that are not in the file. */
  readonly leftPages: number;
}

/** About 10 µs. */
export function walState(db: Database): WalState {
  return stateOf(db.pragma('wal_checkpoint(NOOP)'));
}

export function checkpoint(db: Database, mode: 'PASSIVE' | 'TRUNCATE'): WalState {
  return stateOf(db.pragma(`wal_checkpoint(${mode})`));
}

function stateOf(rows: unknown): WalState {
  const [{ log, checkpointed }] = rows as [CheckpointRow];
  return { walPages: log === checkpointed ? 0 : log, leftPages: log - checkpointed };
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
    return walState(this.#db).walPages;
  }
}
