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

/** The system failed in the middle of a write: what it kept is not certain until it is read again. */
export function isIoError(error: unknown): boolean {
  return codeOf(error)?.startsWith('SQLITE_IOERR') ?? false;
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Sqlite.SqliteError ? error.code : undefined;
}
