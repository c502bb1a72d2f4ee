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
