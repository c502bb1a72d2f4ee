/**
 * Reads a SQLite file for the tool `query_database`, in a process of its own: a query cannot be stopped from inside
 * the process that runs it, and its memory has no other bound.
 *
 * Invariants:
 * R1. The file is opened read-only, and nothing but one reading statement at a time is run on it: SQLite itself says
 *     of the compiled statement that it writes nothing and gives rows.
 * R2. The process ends when its parent does, also in the middle of a query.
 */
import { Worker } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';
import type { Table } from './database.ts';
import { FittingRows } from './fitting.ts';
import type { SqliteAnswer, SqliteOrder } from './sqlite-protocol.ts';

/** Bytes that SQLite may use: a query that needs more fails. */
const HEAP_BYTES = 64 * 2 ** 20;

/** While a query runs, nothing on this thread would hear that the parent is gone (R2). */
const WATCH = `
  const parent = process.ppid;
  setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL'); }, 500);
`;

const [path = ''] = process.argv.slice(2);
new Worker(WATCH, { eval: true }).unref();
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

let open: Sqlite.Database | undefined;

process.on('message', (order: SqliteOrder) => {
  process.send?.(answer(order));
});

function answer({ id, sql, ...limits }: SqliteOrder): SqliteAnswer {
  try {
    open ??= opened();
    return { id, table: read(open, sql, limits) };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : 'failed' };
  }
}

function opened(): Sqlite.Database {
  const database = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: 2_000 });
  database.pragma('query_only = ON');
  database.pragma('trusted_schema = OFF');
  database.pragma('temp_store = MEMORY');
  database.pragma(`hard_heap_limit = ${HEAP_BYTES}`);
  return database;
}

function read(
  database: Sqlite.Database,
  sql: string,
  limits: { readonly maxRows: number; readonly maxChars: number },
): Table {
  const statement = database.prepare(sql);
  if (!statement.reader || !statement.readonly)
    throw new Error('only a statement that reads may be run');
  const rows = new FittingRows(
    statement.columns().map(({ name }) => name),
    limits,
  );
  for (const row of statement.safeIntegers(true).raw(true).iterate()) {
    if (!rows.add(row as unknown[])) break;
  }
  return rows.table();
}
