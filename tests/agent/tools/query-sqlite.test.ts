import { existsSync, readdirSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../../src/agent/tools/database/database.ts';
import { queryDatabaseTool } from '../../../src/agent/tools/database/query-database.ts';
import { sqliteDatabase } from '../../../src/agent/tools/database/sqlite.ts';
import { Breaker } from '../../../src/provider/breakers.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';
import { runTool } from './run-tool.ts';

const LIMITS = { queryMs: 1_000, maxRows: 3, maxChars: 2_000 };

let folder: TemporaryFolder;
let database: Database;

beforeAll(() => {
  folder = temporaryFolder();
  const made = new Sqlite(folder.path('shop.db'));
  made.exec(`
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, cents INTEGER);
    INSERT INTO orders VALUES (1, 'Ana', 1200), (2, 'Ben', 9007199254740993), (3, 'Ana', 300), (4, 'Cy', 5), (5, 'Di', 6);
    CREATE TABLE wide (text TEXT, bytes BLOB);
    INSERT INTO wide VALUES (printf('%.9000c', 'x'), zeroblob(4000000));
  `);
  made.close();
  database = sqliteDatabase(folder.path('shop.db'), LIMITS);
});

afterAll(async () => {
  await database.close();
  folder.clear();
});

function query(sql: string, signal?: AbortSignal) {
  const breaker = new Breaker('query', { breakerFailures: 100, breakerOpenMs: 1_000 });
  const tool = queryDatabaseTool({ database, breaker, queryMs: LIMITS.queryMs, schema: undefined });
  return runTool(tool, { sql }, signal === undefined ? {} : { signal });
}

test('gives the rows of a SELECT, with their columns; large numbers are exact', async () => {
  expect(await query('SELECT customer, cents FROM orders WHERE id = 2;')).toEqual({
    columns: ['customer', 'cents'],
    rows: [['Ben', '9007199254740993']],
    truncated: false,
  });
  expect(
    await query(
      "-- totals\nWITH t AS (SELECT sum(cents) AS s FROM orders WHERE customer = 'Ana') SELECT s FROM t",
    ),
  ).toMatchObject({ rows: [[1500]] });
});

test('gives no more rows than it may, and says so; long values are cut, bytes are counted', async () => {
  const many = await query('SELECT id FROM orders ORDER BY id');
  expect(many).toEqual({ columns: ['id'], rows: [[1], [2], [3]], truncated: true });
  const wide = await query('SELECT text, bytes FROM wide');
  expect(wide).toMatchObject({ rows: [[expect.stringMatching(/^x{1000}…$/u), '[4000000 bytes]']] });
});

test('says what SQLite says of a statement that is wrong', async () => {
  await expect(query('SELECT missing FROM orders')).rejects.toThrow(
    'SQLite says: no such column: missing',
  );
});

test('tells the model its tables', async () => {
  const schema = await database.schema(new AbortController().signal);
  expect(schema).toContain(
    'CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, cents INTEGER)',
  );
});

test('no statement that is not a reading one gets through', async () => {
  const other = folder.path('other.db');
  const attempts = [
    "INSERT INTO orders VALUES (9, 'Eve', 1)",
    'DELETE FROM orders',
    'DROP TABLE orders',
    'SELECT 1; DELETE FROM orders',
    "SELECT 1 /* ; */; ATTACH 'x.db' AS x",
    `ATTACH DATABASE '${other}' AS other`,
    `VACUUM INTO '${other}'`,
    'PRAGMA journal_mode = DELETE',
    'PRAGMA query_only = OFF',
    'PRAGMA writable_schema = ON',
    'BEGIN IMMEDIATE',
    'WITH gone AS (SELECT 1) DELETE FROM orders',
    "WITH x AS (SELECT 9) INSERT INTO orders SELECT 9, 'Eve', 1 RETURNING id",
    '/* SELECT */ UPDATE orders SET cents = 0 RETURNING id',
    '(SELECT 1); UPDATE orders SET cents = 0',
    'EXPLAIN DELETE FROM orders',
    "SELECT load_extension('/tmp/evil.so')",
    "SELECT writefile('/tmp/evil', 'x')",
    "SELECT readfile('/etc/passwd')",
    "SELECT * FROM pragma_journal_mode('DELETE')",
  ];
  const { signal } = new AbortController();
  for (const sql of attempts) {
    await expect(query(sql), sql).rejects.toThrow();
    // Behind the first look at its words, SQLite's own fence holds as well.
    await database.query(sql, signal).catch(() => undefined);
  }
  expect(await query('SELECT count(*), sum(id) FROM orders')).toMatchObject({ rows: [[5, 15]] });
  expect(existsSync(other)).toBe(false);
  expect(readdirSync(folder.path('.')).filter((name) => !name.startsWith('shop.db'))).toEqual([]);
});

test('a query that takes too long is stopped in the middle, and the next one is answered', async () => {
  const endless =
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n';
  await expect(query(endless)).rejects.toThrow('The query took longer than 1 seconds.');
  expect(await query('SELECT 1')).toMatchObject({ rows: [[1]] });
});

test('a query that nobody waits for any more is stopped', async () => {
  const abort = new AbortController();
  const endless = query(
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n',
    abort.signal,
  );
  const reason = new Error('the turn is over');
  abort.abort(reason);
  await expect(endless).rejects.toBe(reason);
});

test('a query that wants all the memory fails, and nothing else does', async () => {
  await expect(query('SELECT hex(zeroblob(900000000))')).rejects.toThrow();
  expect(await query('SELECT 1')).toMatchObject({ rows: [[1]] });
});

test('a file that is not there is a failure in words, and is not made', async () => {
  const missing = sqliteDatabase(folder.path('missing.db'), LIMITS);
  await expect(missing.query('SELECT 1', new AbortController().signal)).rejects.toThrow(
    /unable to open database file/u,
  );
  expect(existsSync(folder.path('missing.db'))).toBe(false);
  await missing.close();
});
