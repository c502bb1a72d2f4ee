import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { PostgresServer } from './postgres-server.ts';

/** A database for a test. */
export interface TestDatabase {
  readonly url: string;
  /** Runs SQL on it, beside what is tested. */
  readonly run: (sql: string, values?: readonly unknown[]) => Promise<Record<string, unknown>[]>;
  /** Deletes every row, and keeps the schema. */
  readonly empty: () => Promise<void>;
  readonly drop: () => Promise<void>;
}

/** Server settings for suites that ask for right answers, and leave lasting to others. */
const QUICK = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

let server: Promise<{ urlOf: (database: string) => string }> | undefined;

/**
 * A new database: on the server that COLLOQUY_TEST_POSTGRES_URL names, or on one that is started for this
 * test file and ends with its process.
 */
export async function testDatabase(): Promise<TestDatabase> {
  server ??= startServer();
  return databaseOn((await server).urlOf);
}

/** A new database on that server. */
export async function databaseOn(urlOf: (database: string) => string): Promise<TestDatabase> {
  const name = `colloquy_test_${randomBytes(8).toString('hex')}`;
  await onceOn(urlOf('postgres'), `CREATE DATABASE ${name}`);
  const url = urlOf(name);
  let client: Promise<pg.Client> | undefined;
  const run = async (sql: string, values: readonly unknown[] = []) => {
    client ??= connected(url);
    return (await (await client).query(sql, [...values])).rows as Record<string, unknown>[];
  };
  return {
    url,
    run,
    empty: async () => {
      await run(EMPTY);
    },
    drop: async () => {
      await (await client)?.end();
      await onceOn(urlOf('postgres'), `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

/** Rows are deleted, not tables truncated: for a few rows that is ten times faster. Spaces of vectors have their own. */
export const EMPTY = `
DO $$
DECLARE one regclass;
BEGIN
  SET LOCAL session_replication_role = replica;
  FOR one IN SELECT c.oid FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relname <> 'schema_version'
    AND c.relnamespace = current_schema()::regnamespace
  LOOP
    IF one::text ~ '^(chunk|message)_vectors_' THEN EXECUTE 'DROP TABLE ' || one;
    ELSE EXECUTE 'DELETE FROM ' || one; END IF;
  END LOOP;
END $$`;

async function startServer() {
  const given = process.env['COLLOQUY_TEST_POSTGRES_URL'];
  if (given !== undefined && given !== '') {
    const at = new URL(given);
    return {
      urlOf: (database: string) => {
        at.pathname = `/${database}`;
        return at.href;
      },
    };
  }
  const own = await PostgresServer.start(QUICK);
  return { urlOf: (database: string) => own.url(database) };
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function onceOn(url: string, sql: string): Promise<void> {
  const client = await connected(url);
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
