import type { Database } from 'better-sqlite3';

/** What `PRAGMA application_id` says of a copy that no server has served yet: `Copy`, in ASCII. */
const COPY = 0x436f7079;

/** A copy knows that it is one: its original may have gone on. */
export function markAsCopy(db: Database): void {
  db.pragma(`application_id = ${COPY}`);
}

/**
 * A copy that is served from now on gives every conversation a new epoch: seqs that the original gave out after the
 * copy was made will be given out again, and whoever saw them must be told (`reset`, reason `epoch`). False when the
 * file is no copy, or was served before. One transaction.
 */
export function beginNewLife(db: Database): boolean {
  if (db.pragma('application_id', { simple: true }) !== COPY) return false;
  db.transaction(() => {
    db.exec('UPDATE conversations SET epoch = hex(randomblob(9))');
    db.pragma('application_id = 0');
  }).immediate();
  return true;
}
