import { accessSync, constants, mkdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import Sqlite, { type Database } from 'better-sqlite3';
import { OpenError } from '../open-error.ts';
import { beginNewLife } from './copies.ts';
import { codeOf, isBusy } from './errors.ts';
import { type BesideCheck, type CheckOptions, checkAfterCrash, REPAIR } from './integrity.ts';
import { migrate } from './migrations.ts';

/** `FULL`: an answered append survives a power cut. `NORMAL`: it survives a crash of the process, not of the machine. */
export type Synchronous = 'FULL' | 'NORMAL';

/** KiB of the file's pages that the foreground keeps in memory. */
const PAGE_CACHE_KIB = 16_384;

interface Opening {
  readonly synchronous: Synchronous;
  /** For people to write to, and not for a command alone. */
  readonly isServed: boolean;
}

export interface OpenFile {
  readonly db: Database;
  readonly path: string;
  /** There when the process before us crashed and the file is too large to have been checked by now. */
  readonly check: BesideCheck | undefined;
  /** It was a copy of another store until now. */
  readonly isRestored: boolean;
  /** Lets the next process in; the last thing to do. */
  readonly unlock: () => void;
}

/**
 * Opens, or makes, the data file at its newest schema, for this process alone. Throws `OpenError`.
 *
 * The lock is an exclusive transaction on an empty second file (`PATH-lock`), so the system lets go of it when
 * the process ends, however it ends. SQLite's own locks don't serve: the indexer's connection shares the file.
 */
export function openFile(path: string, options: CheckOptions & Opening): OpenFile {
  return explained(path, () => {
    const real = realPath(path);
    const unlock = lock(real);
    let check: BesideCheck | undefined;
    try {
      if (!mayWrite(real)) throw new OpenError('cannot be written');
      check = checkAfterCrash(real, options);
      return { ...openDatabase(real, options), path: real, check, unlock };
    } catch (error) {
      check?.stop();
      unlock();
      throw error;
    }
  });
}

/**
 * SQLite opens a file that it may only read, too: the store would refuse every write, and an exclusive transaction
 * on the lock would lock nothing.
 */
function mayWrite(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return true;
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function openDatabase(
  path: string,
  { synchronous, isServed }: Opening,
): Pick<OpenFile, 'db' | 'isRestored'> {
  const db = new Sqlite(path, { timeout: 0 });
  try {
    db.pragma('journal_mode = WAL');
    db.pragma(`synchronous = ${synchronous}`);
    // The indexer's worker checkpoints: a commit never pays for it.
    db.pragma('wal_autocheckpoint = 0');
    // Erased text is overwritten where its page is written anyway (docs/storage.md says what remains).
    db.pragma('secure_delete = FAST');
    db.pragma(`cache_size = -${PAGE_CACHE_KIB}`);
    migrate(db);
    return { db, isRestored: isServed && beginNewLife(db) };
  } catch (error) {
    db.close();
    throw error;
  }
}

function lock(path: string): () => void {
  const file = `${path}-lock`;
  if (!mayWrite(file)) throw new OpenError(`cannot be locked: ${file} cannot be written`);
  const db = new Sqlite(file, { timeout: 0 });
  try {
    db.pragma('journal_mode = MEMORY');
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (isBusy(error)) {
      throw new OpenError('is in use by another Colloquy process', { isInUse: true });
    }
    throw error;
  }
  return () => db.close();
}

/** Not `recursive`: under a folder that refuses to hold any, such as `/proc`, Node's never comes back. */
function makeDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  makeDirectory(dirname(path));
  mkdirSync(path);
}

/** One name for one file, whatever links lead to it: two processes must meet at the same lock. */
function realPath(path: string): string {
  const absolute = resolve(path);
  makeDirectory(dirname(absolute));
  try {
    return realpathSync(absolute);
  } catch {
    return join(realpathSync(dirname(absolute)), basename(absolute));
  }
}

const SENTENCES: Readonly<Record<string, string>> = {
  SQLITE_NOTADB: 'is not a SQLite database',
  SQLITE_CORRUPT: `is damaged; ${REPAIR}`,
  SQLITE_CANTOPEN: 'cannot be opened: is it a directory, or not ours to read and write?',
  SQLITE_READONLY: 'cannot be written',
  SQLITE_FULL: 'is on a full disk',
  SQLITE_BUSY: 'is locked by another program',
};

/** Whatever goes wrong while opening, as one sentence that names the file. */
export function explained<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    const isInUse = error instanceof OpenError && error.isInUse;
    throw new OpenError(`the store ${path} ${sentence(error)}`, { cause: error, isInUse });
  }
}

function sentence(error: unknown): string {
  if (error instanceof OpenError) return error.message;
  const code = codeOf(error) ?? '';
  for (const known in SENTENCES) if (code.startsWith(known)) return SENTENCES[known] ?? code;
  return `cannot be opened: ${error instanceof Error ? error.message : String(error)}`;
}
