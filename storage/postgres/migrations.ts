import type { ClientBase } from 'pg';
import { OpenError } from '../open-error.ts';
import { LOG_SCHEMA } from './log-schema.ts';
import { NOTE_SCHEMA } from './note-schema.ts';
import { ORDER_SCHEMA } from './order-schema.ts';
import { SEARCH_SCHEMA } from './search-schema.ts';

/**
 * Forward steps; `schema_version` counts those that were taken. A released step never changes: what comes later is
 * a new step. `tests/storage/schemas/` keeps each released schema with data in it.
 */
export const MIGRATIONS: readonly string[] = [LOG_SCHEMA, SEARCH_SCHEMA, NOTE_SCHEMA, ORDER_SCHEMA];

/** The lock of the migration; the number says nothing. Locks of this kind belong to one database. */
const LOCK = 7_265_566_512;
/** How long a start waits while another server migrates. */
const LOCK_WAIT_MS = 600_000;
const DUPLICATE_TABLE = '42P07';

/** From the catalogue's rows: `to_regclass` may remember that the table was not there before the lock was waited for. */
const HAS_VERSION = `SELECT FROM pg_catalog.pg_tables
  WHERE tablename = 'schema_version' AND schemaname = ANY (current_schemas(false))`;

/**
 * Brings the database to the newest schema, in one transaction and under a lock, so that servers that start at once
 * migrate once. Throws `OpenError` when the schema is newer than this program, and what the server says.
 */
export async function migrate(
  client: ClientBase,
  steps: readonly string[] = MIGRATIONS,
): Promise<void> {
  if (isNewest(await schemaVersion(client), steps)) return;
  // After the wait for the lock it must see what another server migrated meanwhile.
  await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
  try {
    await client.query(`SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = ${LOCK_WAIT_MS}`);
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    await takeSteps(client, steps);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw foreignTables(error);
  }
}

/** The steps that the database has taken; 0 when it is empty. */
export async function schemaVersion(client: ClientBase): Promise<number> {
  const exists = await client.query(HAS_VERSION);
  if (exists.rowCount === 0) return 0;
  const { rows } = await client.query('SELECT version FROM schema_version');
  return Number(rows[0].version);
}

async function takeSteps(client: ClientBase, steps: readonly string[]): Promise<void> {
  const from = await schemaVersion(client);
  if (isNewest(from, steps)) return;
  if (from === 0) await client.query('CREATE TABLE schema_version (version integer NOT NULL)');
  for (const step of steps.slice(from)) await client.query(step);
  await client.query(
    from === 0
      ? 'INSERT INTO schema_version VALUES ($1)'
      : 'UPDATE schema_version SET version = $1',
    [steps.length],
  );
}

function isNewest(version: number, steps: readonly string[]): boolean {
  if (version > steps.length) {
    throw new OpenError(
      `has schema ${version}, and this program knows schemas up to ${steps.length}: start a newer program, or use another database`,
    );
  }
  return version === steps.length;
}

function foreignTables(error: unknown): unknown {
  const isTaken = error instanceof Error && 'code' in error && error.code === DUPLICATE_TABLE;
  return isTaken
    ? new OpenError(`has tables of another program (${error.message}): use an empty database`)
    : error;
}
