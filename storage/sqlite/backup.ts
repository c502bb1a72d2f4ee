import { statSync } from 'node:fs';
import Sqlite, { type Database } from 'better-sqlite3';
import { OpenError } from '../open-error.ts';
import { markAsCopy } from './copies.ts';
import { codeOf } from './errors.ts';
import { explained } from './file.ts';
import { damageIn } from './integrity.ts';

interface CopyProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface CopyOptions {
  /** The file to copy into: empty, or not there yet. Whoever calls deletes it when this throws. */
  readonly target: string;
  readonly onProgress?: (progress: CopyProgress) => void;
}

/** 8 MiB: some milliseconds between two looks at signals. */
const STEP_PAGES = 2_048;
/** A server that starts or stops holds the file's locks for moments. */
const LOCK_WAIT_MS = 5_000;

/**
 * Copies the data file at `path` as it stands at this moment, also while a server writes to it, and reads all of
 * the copy once (`PRAGMA quick_check`). The copy is marked as one (copies.ts). Gives its bytes. Throws `OpenError`.
 *
 * It is SQLite's online backup inside one read transaction. Without the transaction it begins anew after every
 * commit of the server and never ends under load (809 times in 20 s, 2 % done); with it, the copy is one commit's
 * state, page by page. `VACUUM INTO` takes half as long and is one call: no progress, and no signal is heard before
 * its end. While the copy runs (measured: 2.4 s a GB, 3.8 beside 40,000 rows a second, and then the check of
 * integrity.ts) the write-ahead log cannot begin anew and grows by what is written.
 */
export async function copyFile(
  path: string,
  { target, onProgress = () => {} }: CopyOptions,
): Promise<number> {
  const db = explained(path, () => openSnapshot(path));
  try {
    const pageBytes = Number(db.pragma('page_size', { simple: true }));
    await db.backup(target, {
      progress: ({ totalPages, remainingPages }) => {
        const doneBytes = (totalPages - remainingPages) * pageBytes;
        onProgress({ doneBytes, totalBytes: totalPages * pageBytes });
        return STEP_PAGES;
      },
    });
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    throw new OpenError(`the copy of ${path} cannot be made: ${textOf(error)}`, { cause: error });
  } finally {
    db.close();
  }
  verify(path, target);
  return statSync(target).size;
}

function openSnapshot(path: string): Database {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    throw new OpenError('does not exist');
  }
  const db = new Sqlite(path, { readonly: true, timeout: LOCK_WAIT_MS });
  try {
    db.exec('BEGIN');
    // The transaction begins with the first read, and with it what the copy will hold.
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Opened to write, so that SQLite takes its own two files beside it away again. */
function verify(path: string, target: string): void {
  const copy = new Sqlite(target);
  try {
    const damage = damageIn(copy);
    if (damage !== undefined) {
      throw new OpenError(`the store ${path} is damaged (${damage}), and so would be its copy`);
    }
    markAsCopy(copy);
  } finally {
    copy.close();
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
