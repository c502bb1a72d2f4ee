import pg from 'pg';
import { OpenError } from '../open-error.ts';
import type { SchemaState } from '../schema-state.ts';
import { labelOf } from './address.ts';
import { driverError } from './errors.ts';
import { MIGRATIONS, migrate, schemaVersion } from './migrations.ts';
import { settleVectors } from './vectors-start.ts';

const CONNECT_MS = 5_000;

/** Migrates the database and gets its vectors ready; what it is, in a line for the operator. Throws `OpenError`. */
export async function preparePostgres(url: string, connectTimeoutMs: number): Promise<string> {
  const label = labelOf(url);
  return withClient({ url, label, connectTimeoutMs }, async (client) => {
    await checkEncoding(client);
    await migrate(client);
    return `${label} (${await settleVectors(client)})`;
  });
}

/** The schema of the database that a URL names; nothing is changed. Throws `OpenError`. */
export async function postgresSchema(url: string): Promise<SchemaState> {
  const at = { url, label: labelOf(url), connectTimeoutMs: CONNECT_MS };
  return withClient(at, async (client) => ({
    found: await schemaVersion(client),
    known: MIGRATIONS.length,
  }));
}

interface Target {
  readonly url: string;
  readonly label: string;
  readonly connectTimeoutMs: number;
}

/** A connection of its own, without the limits on statements that serving has. */
async function withClient<T>(
  { url, label, connectTimeoutMs }: Target,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'colloquy',
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
  });
  // What ends the connection is told by the statement.
  client.on('error', () => {});
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    throw explained(error, label);
  } finally {
    await client.end().catch(() => {});
  }
}

/** In another encoding a message with a character that it lacks would be a broken invariant. */
async function checkEncoding(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ server_encoding: string }>('SHOW server_encoding');
  const encoding = rows[0]?.server_encoding;
  if (encoding !== 'UTF8')
    throw new OpenError(`has the encoding ${encoding}: use a database with UTF8`);
}

function explained(error: unknown, label: string): OpenError {
  if (error instanceof OpenError) return new OpenError(`the store ${label} ${error.message}`);
  const cause = driverError(error);
  const message = cause instanceof Error ? cause.message : 'no answer';
  return new OpenError(`the store ${label} cannot be opened: ${message}`, { cause });
}
