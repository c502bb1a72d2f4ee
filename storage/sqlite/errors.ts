import Sqlite from 'better-sqlite3';

/** The environment's troubles (disk, locks, memory): they hit every write alike and pass by themselves. */
const ENVIRONMENT = [
  'FULL',
  'BUSY',
  'LOCKED',
  'IOERR',
  'READONLY',
  'CANTOPEN',
  'CORRUPT',
  'NOTADB',
  'NOMEM',
  'PROTOCOL',
];
const ENVIRONMENT_CODE = new RegExp(`^SQLITE_(${ENVIRONMENT.join('|')})(_|$)`);

/** False for what one write brought upon itself: a constraint, a value too big, a mistake in our code. */
export function isEnvironment(error: unknown): boolean {
  return ENVIRONMENT_CODE.test(codeOf(error) ?? '');
}

/** Another connection holds the lock; the next moment may be different. */
export function isBusy(error: unknown): boolean {
  return codeOf(error)?.startsWith('SQLITE_BUSY') ?? false;
}

/**
 * A COMMIT that failed like this may be in the file all the same after a crash: its last frame is in the write-ahead
 * log, and what failed came after it (the sync, the index in shared memory). A failed write does not count: then the
 * frame that makes the transaction valid is not whole, because nothing is written after it (SQLite pads the log only
 * where a sector cannot be overwritten safely, which no system we run on says of itself).
 */
export function mayBeStored(error: unknown): boolean {
  const code = codeOf(error) ?? '';
  return code.startsWith('SQLITE_IOERR') && code !== 'SQLITE_IOERR_WRITE';
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Sqlite.SqliteError ? error.code : undefined;
}
