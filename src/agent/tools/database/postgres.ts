/**
 * A Postgres database for the tool `query_database`.
 *
 * Invariants:
 * P1. A query is the body of a cursor in a read-only transaction that is rolled back: Postgres takes nothing there
 *     but one statement that reads, and says so itself.
 * P2. Each query has a connection of its own, so that nothing a query sets is there for the next.
 * P3. Rights are the role's. What reaches beyond the transaction by a function, and text that is run as SQL, are
 *     refused by name: a fence behind the rights of the user, not in their place.
 */
import pg from 'pg';
import { ProviderFault } from '../../../provider/provider-fault.ts';
import { cut, oneLine, shorten } from '../../../text/plain-text.ts';
import { ToolError } from '../tool.ts';
import {
  type Database,
  MAX_WAITING,
  type QueryLimits,
  SCHEMA_CHARS,
  type Table,
} from './database.ts';
import { FittingRows } from './fitting.ts';

export interface PostgresOptions extends QueryLimits {
  readonly url: string;
  /** The role whose rights queries have; the user's own when absent. */
  readonly role: string | undefined;
  /** Told once, when the user may do anything. */
  readonly onSuperuser: () => void;
}

/** Connections at once. */
const MAX_CONNECTIONS = 3;
const CONNECT_MS = 3_000;
/** Characters of one row, as JSON, that the server sends at most. */
const ROW_CHARS = 16_384;
/** Rows that are fetched at a time: no more than `ROW_CHARS` each. */
const PAGE = 25;

const FUNCTIONS = [
  'set_config|dblink\\w*|lo_\\w+|pg_read_\\w+|pg_ls_\\w+|pg_stat_file|pg_terminate_backend|pg_cancel_backend',
  'pg_reload_conf|pg_rotate_logfile\\w*|pg_\\w*advisory\\w*|pg_notify|pg_logical_\\w+|pg_create_\\w+|pg_drop_\\w+',
  'pg_replication_\\w+|pg_switch_wal|pg_promote|pg_export_snapshot|pg_import_\\w+|nextval|setval',
  // These run a text as SQL, after what is checked was checked.
  '\\w+_to_xml\\w*|ts_stat|ts_rewrite|crosstab\\w*|connectby|xpath_table',
];
const REFUSED = new RegExp(`\\b(?:${FUNCTIONS.join('|')})\\b|\\bu&["']`, 'iu');

const TABLES = `
  SELECT format('%I.%I(%s)', table_schema, table_name,
    string_agg(format('%I %s', column_name, data_type), ', ' ORDER BY ordinal_position)) AS "table"
  FROM information_schema.columns
  WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_schema NOT LIKE 'pg\\_%'
  GROUP BY table_schema, table_name ORDER BY table_schema, table_name`;

/** The part of `pg`'s error that Postgres itself wrote. */
type Complaint = Error & { readonly severity: string; readonly code: string };

/** Connects when it is first asked. */
export function postgresDatabase(options: PostgresOptions): Database {
  const reader = new PostgresReader(options);
  return {
    dialect: 'Postgres',
    schema: async (signal) => {
      const table = await reader.query(TABLES, signal, { maxRows: 500, maxChars: SCHEMA_CHARS });
      return cut(table.rows.map(([text]) => String(text)).join('\n'), SCHEMA_CHARS);
    },
    query: async (sql, signal) => {
      const refused = REFUSED.exec(sql)?.[0];
      if (refused !== undefined) throw new ToolError(`"${refused}" may not be used in a query.`);
      return reader.query(sql, signal, options);
    },
    close: async () => reader.close(),
  };
}

class PostgresReader {
  readonly #options: PostgresOptions;
  readonly #open = new Set<pg.Client>();
  readonly #line: (() => void)[] = [];
  #busy = 0;
  #isChecked = false;

  constructor(options: PostgresOptions) {
    this.#options = options;
  }

  async query(
    sql: string,
    signal: AbortSignal,
    limits: Pick<QueryLimits, 'maxRows' | 'maxChars'>,
  ): Promise<Table> {
    await this.#turn();
    const client = this.#client();
    const abort = () => destroy(client);
    signal.addEventListener('abort', abort, { once: true });
    try {
      signal.throwIfAborted();
      await this.#begin(client);
      const table = await read(client, sql, limits);
      // A goodbye in the middle of the transaction rolls it back.
      await client.end();
      return table;
    } catch (error) {
      destroy(client);
      signal.throwIfAborted();
      throw this.#worded(error);
    } finally {
      signal.removeEventListener('abort', abort);
      this.#open.delete(client);
      this.#next();
    }
  }

  close(): void {
    for (const client of this.#open) destroy(client);
  }

  #client(): pg.Client {
    const { url, queryMs } = this.#options;
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: CONNECT_MS,
      // The server gives up first; this is for a server that does not answer any more.
      query_timeout: queryMs + 2_000,
      application_name: 'colloquy query_database',
    });
    // A connection that breaks is told by the query that is on it.
    client.on('error', () => {});
    this.#open.add(client);
    return client;
  }

  async #begin(client: pg.Client): Promise<void> {
    const { role, queryMs } = this.#options;
    await client.connect();
    await client.query('BEGIN TRANSACTION READ ONLY');
    await client.query(`SET LOCAL statement_timeout = ${Math.ceil(queryMs)}`);
    await client.query('SET LOCAL lock_timeout = 1000');
    await this.#lookAtRights(client);
    if (role !== undefined) await client.query(`SET LOCAL ROLE ${pg.escapeIdentifier(role)}`);
  }

  async #lookAtRights(client: pg.Client): Promise<void> {
    if (this.#isChecked) return;
    this.#isChecked = true;
    const asked = await client.query<{ readonly is: string }>(
      `SELECT current_setting('is_superuser') AS is`,
    );
    if (asked.rows[0]?.is === 'on') this.#options.onSuperuser();
  }

  #worded(error: unknown): unknown {
    if (error instanceof ToolError) return error;
    if (!isComplaint(error)) return new ProviderFault('unreachable', wordsOf(error));
    if (error.code === '57014')
      return new ToolError(`The query took longer than ${this.#options.queryMs / 1_000} seconds.`);
    // Of the user and the database: for the operator.
    if (/^(?:28|3D|53|57P|08)/u.test(error.code))
      return new ProviderFault('unreachable', wordsOf(error));
    return new ToolError(`Postgres says: ${error.message}`);
  }

  #turn(): Promise<void> | undefined {
    if (this.#busy < MAX_CONNECTIONS) {
      this.#busy += 1;
      return undefined;
    }
    if (this.#line.length >= MAX_WAITING)
      throw new ToolError('Too many queries are waiting; try again later.');
    return new Promise((resolve) => this.#line.push(resolve));
  }

  #next(): void {
    const next = this.#line.shift();
    if (next === undefined) this.#busy -= 1;
    else next();
  }
}

/** By a cursor, a few rows at a time, each no wider than a row may be (P1). */
async function read(
  client: pg.Client,
  sql: string,
  limits: Pick<QueryLimits, 'maxRows' | 'maxChars'>,
): Promise<Table> {
  const columns = await columnsOf(client, sql);
  await alone(
    client,
    `DECLARE rows NO SCROLL CURSOR FOR
     SELECT CASE WHEN length(line) <= ${ROW_CHARS} THEN line END AS line
     FROM (SELECT array_to_json(array(SELECT value FROM json_each(row_to_json(asked))))::text AS line
           FROM (\n${sql}\n) AS asked) AS lines`,
  );
  const rows = new FittingRows(columns, limits);
  for (;;) {
    const page = await client.query<{ readonly line: string | null }>(`FETCH ${PAGE} FROM rows`);
    for (const { line } of page.rows) {
      if (line === null)
        throw new ToolError('A row is too wide; ask for fewer columns, or for a part of them.');
      if (!rows.add(valuesOf(line))) return rows.table();
    }
    if (page.rows.length < PAGE) return rows.table();
  }
}

/** Extended protocol: Postgres takes one statement there, whatever is in the text. */
function alone(client: pg.Client, text: string): Promise<pg.QueryResult> {
  const query: pg.QueryConfig & { readonly queryMode: 'extended' } = {
    text,
    values: [],
    queryMode: 'extended',
  };
  return client.query(query);
}

async function columnsOf(client: pg.Client, sql: string): Promise<readonly string[]> {
  const none = await alone(client, `SELECT * FROM (\n${sql}\n) AS asked LIMIT 0`);
  return none.fields.map(({ name }) => name);
}

/** The values of a row; whole numbers that JavaScript has not, as text. */
function valuesOf(line: string): readonly unknown[] {
  const exact = (_: string, value: unknown, context?: { readonly source?: string }) =>
    typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)
      ? (context?.source ?? value)
      : value;
  return JSON.parse(line, exact) as unknown[];
}

function destroy(client: pg.Client): void {
  // No goodbye: a query that runs would be waited for.
  (
    client as unknown as { connection: { stream: { destroy: () => void } } }
  ).connection.stream.destroy();
}

function isComplaint(error: unknown): error is Complaint {
  return error instanceof Error && 'severity' in error && 'code' in error;
}

/** For the log; a URL is never in it. */
function wordsOf(error: unknown): string {
  const words = error instanceof Error ? `${error.name} ${error.message}` : String(error);
  return shorten(oneLine(words.replace(/\w+:\/\/\S+/gu, '[address]')), 200);
}
