import { closeSync, openSync, readSync, statSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { OpenError } from '../open-error.ts';
import type { SchemaState } from '../schema-state.ts';
import { explained } from './file.ts';
import { MIGRATIONS } from './migrations.ts';

/** Where `user_version` stands in the file: sqlite.org/fileformat2.html#the_database_header. */
const HEADER = { bytes: 100, magic: 'SQLite format 3\0', userVersionAt: 60 } as const;

/**
 * The schema of a file, whoever uses it at the moment. Without a write-ahead log the file's header is all there is
 * to read, and reading it leaves nothing behind; SQLite would make two files beside it.
 */
export function sqliteSchema(path: string): SchemaState {
  const found = explained(path, () => {
    if (sizeOf(path) === 0 && sizeOf(`${path}-wal`) === 0) return 0;
    return sizeOf(`${path}-wal`) === 0 ? versionInHeader(path) : versionWithLog(path);
  });
  return { found, known: MIGRATIONS.length };
}

function versionInHeader(path: string): number {
  const header = Buffer.alloc(HEADER.bytes);
  const file = openSync(path, 'r');
  try {
    readSync(file, header, 0, HEADER.bytes, 0);
  } finally {
    closeSync(file);
  }
  if (!header.toString('latin1').startsWith(HEADER.magic)) {
    throw new OpenError('is not a SQLite database');
  }
  return header.readUInt32BE(HEADER.userVersionAt);
}

function versionWithLog(path: string): number {
  const db = new Sqlite(path, { readonly: true });
  try {
    return Number(db.pragma('user_version', { simple: true }));
  } finally {
    db.close();
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
