import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../../src/agent/tools/database/database.ts';
import { postgresDatabase } from '../../../src/agent/tools/database/postgres.ts';
import { queryDatabaseTool } from '../../../src/agent/tools/database/query-database.ts';
import { Breaker } from '../../../src/provider/breakers.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';
import { runTool } from './run-tool.ts';

const LIMITS = { queryMs: 1_000, maxRows: 3, maxChars: 4_000 };

let store: TestDatabase;
let database: Database;
let superusers = 0;

beforeAll(async () => {
  store = await testDatabase();
  await store.run(
    'CREATE TABLE orders (id INT PRIMARY KEY, customer TEXT, cents BIGINT, at TIMESTAMPTZ)',
  );
  await store.run(`INSERT INTO orders VALUES (1, 'Ana', 1200, '2026-01-02T03:04:05Z'), (2, 'Ben', 9007199254740993, NULL),
    (3, 'Ana', 300, NULL), (4, 'Cy', 5, NULL), (5, 'Di', 6, NULL)`);
  await store.run('CREATE TABLE salaries (name TEXT, cents INT)');
  await store.run(`INSERT INTO salaries VALUES ('Ana', 100)`);
  await store.run('CREATE SEQUENCE tickets');
  await store.run('CREATE ROLE query_reader');
  await store.run('GRANT SELECT ON orders TO query_reader');
  database = postgresDatabase({
    ...LIMITS,
    url: store.url,
    role: 'query_reader',
    onSuperuser: () => {
      superusers += 1;
    },
  });
});

afterAll(async () => {
  await database.close();
  await store.run('DROP OWNED BY query_reader');
  await store.run('DROP ROLE query_reader');
  await store.drop();
});

function query(sql: string) {
  const breaker = new Breaker('query', { breakerFailures: 100, breakerOpenMs: 1_000 });
  const tool = queryDatabaseTool({ database, breaker, queryMs: LIMITS.queryMs, schema: undefined });
  return runTool(tool, { sql });
}

test('gives the rows of a SELECT, with their columns, also those of one name', async () => {
  expect(
    await query(
      'SELECT id, customer, cents, cents AS id, at FROM orders WHERE id < 3 ORDER BY orders.id',
    ),
  ).toEqual({
    columns: ['id', 'customer', 'cents', 'id', 'at'],
    rows: [
      [1, 'Ana', 1200, 1200, expect.stringContaining('2026-01-02')],
      [2, 'Ben', '9007199254740993', '9007199254740993', null],
    ],
    truncated: false,
  });
  expect(await query('SELECT id FROM orders WHERE id > 99')).toEqual({
    columns: ['id'],
    rows: [],
    truncated: false,
  });
});

test('gives no more rows than it may, and no row that is too wide', async () => {
  const many = await query('SELECT id FROM orders ORDER BY id');
  expect(many).toEqual({ columns: ['id'], rows: [[1], [2], [3]], truncated: true });
  await expect(query(`SELECT repeat('x', 2000000)`)).rejects.toThrow('A row is too wide');
});

test('says what Postgres says of a statement that is wrong', async () => {
  await expect(query('SELECT missing FROM orders')).rejects.toThrow(
    'Postgres says: column "missing" does not exist',
  );
});

test('tells the model the tables that the role may read, and no others', async () => {
  const schema = await database.schema(new AbortController().signal);
  expect(schema).toContain('public.orders(id integer, customer text, cents bigint');
  expect(schema).not.toContain('salaries');
});

test('tells the operator once that the user may do anything', () => {
  expect(superusers).toBe(1);
});

test('no statement gets out of the read-only transaction, or out of the rights of the role', async () => {
  const attempts = [
    `INSERT INTO orders VALUES (9, 'Eve', 1)`,
    'DROP TABLE orders',
    'SELECT 1; DROP TABLE orders',
    'COMMIT; DROP TABLE orders',
    'SELECT 1) AS a; DROP TABLE orders; SELECT * FROM (SELECT 1',
    'SELECT 1) AS a) AS b; COMMIT; DROP TABLE orders; --',
    'WITH gone AS (DELETE FROM orders RETURNING id) SELECT id FROM gone',
    'SELECT * INTO copied FROM orders',
    'SELECT id FROM orders FOR UPDATE',
    'SELECT * FROM salaries',
    `SELECT set_config('role', 'none', true)`,
    `SELECT "set_config"('transaction_read_only', 'off', true)`,
    `SELECT U&"set\\005fconfig"('role', 'none', true)`,
    `WITH r AS MATERIALIZED (SELECT set_config('role', 'none', true)) SELECT query_to_xml('SELECT * FROM salaries', true, true, '') FROM r`,
    `SELECT query_to_xml('SELECT * FROM salaries', true, true, '')`,
    `SELECT * FROM ts_stat('SELECT name::tsvector FROM salaries')`,
    `SELECT pg_read_file('/etc/passwd')`,
    `SELECT lo_import('/etc/passwd')`,
    `SELECT nextval('tickets')`,
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity',
    `COPY orders TO '/tmp/orders'`,
    `DO $$ BEGIN DELETE FROM orders; END $$`,
    'SET ROLE NONE',
    'RESET ROLE',
    'SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE',
  ];
  const { signal } = new AbortController();
  for (const sql of attempts) {
    await expect(query(sql), sql).rejects.toThrow();
    // Behind the first look at its words, the database's own fences hold as well.
    await database.query(sql, signal).catch(() => undefined);
  }
  expect(await store.run('SELECT count(*)::int AS n, sum(id)::int AS sum FROM orders')).toEqual([
    { n: 5, sum: 15 },
  ]);
  expect(await store.run(`SELECT to_regclass('copied') AS made`)).toEqual([{ made: null }]);
  expect(await store.run('SELECT is_called FROM tickets')).toEqual([{ is_called: false }]);
});

test('a query that takes too long is stopped at the server, and the next one is answered', async () => {
  await expect(query('SELECT pg_sleep(30)')).rejects.toThrow(
    'The query took longer than 1 seconds.',
  );
  await expect(query('SELECT count(*) FROM generate_series(1, 1e12)')).rejects.toThrow(
    'took longer',
  );
  const running = `SELECT count(*)::int AS n FROM pg_stat_activity
    WHERE application_name = 'colloquy query_database' AND state = 'active' AND query LIKE '%generate_series%'`;
  expect(await store.run(running)).toEqual([{ n: 0 }]);
  expect(await query('SELECT 1')).toMatchObject({ rows: [[1]] });
});

test('more queries than connections wait their turn; none is lost', async () => {
  const all = await Promise.all(Array.from({ length: 12 }, (_, i) => query(`SELECT ${i}`)));
  expect(all.map((one) => (one as { rows: number[][] }).rows[0]?.[0])).toEqual(
    Array.from({ length: 12 }, (_, i) => i),
  );
});

test('a database that cannot be reached is a fault without the password', async () => {
  const url = 'postgres://someone:hunter2@127.0.0.1:1/nowhere';
  const away = postgresDatabase({ ...LIMITS, url, role: undefined, onSuperuser: () => {} });
  const error: unknown = await away.query('SELECT 1', new AbortController().signal).catch((e) => e);
  expect(error).toMatchObject({ kind: 'unreachable' });
  expect(inspect(error, { depth: 5, showHidden: true })).not.toContain('hunter2');
});
