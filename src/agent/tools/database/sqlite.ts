import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ProviderFault } from '../../../provider/provider-fault.ts';
import { cut } from '../../../text/plain-text.ts';
import { ToolError } from '../tool.ts';
import {
  type Database,
  MAX_WAITING,
  type QueryLimits,
  SCHEMA_CHARS,
  type Table,
} from './database.ts';
import type { SqliteAnswer, SqliteOrder } from './sqlite-protocol.ts';

const SCRIPT = fileURLToPath(new URL('./sqlite-process.ts', import.meta.url));
/** Milliseconds that the process may take to start, besides the query. */
const START_MS = 3_000;
/** Milliseconds without a query after which the process ends. */
const IDLE_MS = 60_000;

const SCHEMA = `
  SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
  ORDER BY type DESC, name`;

/**
 * A SQLite file, read by a process of its own, one query at a time.
 *
 * Owns: the process, which is killed when a query takes too long, is not wanted any more, or nothing was asked for a
 * while. Invariants: 1. A process has one order at a time. 2. Every query ends: with its rows, in words, or by its
 * limit.
 */
export function sqliteDatabase(path: string, limits: QueryLimits): Database {
  const reader = new SqliteReader(path, limits);
  return {
    dialect: 'SQLite',
    schema: async (signal) => {
      const table = await reader.query(SCHEMA, signal);
      return cut(table.rows.map(([sql]) => String(sql)).join(';\n'), SCHEMA_CHARS);
    },
    query: (sql, signal) => reader.query(sql, signal),
    close: async () => reader.close(),
  };
}

class SqliteReader {
  readonly #path: string;
  readonly #limits: QueryLimits;
  #line: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #orders = 0;
  #child: ChildProcess | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(path: string, limits: QueryLimits) {
    this.#path = path;
    this.#limits = limits;
  }

  query(sql: string, signal: AbortSignal): Promise<Table> {
    if (this.#waiting >= MAX_WAITING)
      return Promise.reject(new ToolError('Too many queries are waiting; try again later.'));
    this.#waiting += 1;
    const result = this.#line
      .then(() => this.#ask(sql, signal))
      .finally(() => {
        this.#waiting -= 1;
      });
    this.#line = result.catch(() => {});
    return result;
  }

  close(): void {
    clearTimeout(this.#idle);
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  async #ask(sql: string, signal: AbortSignal): Promise<Table> {
    signal.throwIfAborted();
    clearTimeout(this.#idle);
    try {
      const answer = await this.#answer(sql, signal);
      if ('table' in answer) return answer.table;
      throw new ToolError(`SQLite says: ${answer.error}`);
    } finally {
      this.#idle = setTimeout(() => this.close(), IDLE_MS).unref();
    }
  }

  #answer(sql: string, signal: AbortSignal): Promise<SqliteAnswer> {
    const { queryMs, maxRows, maxChars } = this.#limits;
    const isNew = this.#child === undefined;
    const child = this.#started();
    this.#orders += 1;
    const order: SqliteOrder = { id: this.#orders, sql, maxRows, maxChars };
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        child.off('message', hear).off('exit', gone).off('error', gone);
        outcome();
      };
      const fail = (error: unknown) => settle(() => reject(error));
      // Nothing else stops a query in the middle.
      const give = (error: unknown) => {
        this.close();
        fail(error);
      };
      const late = () =>
        give(new ToolError(`The query took longer than ${queryMs / 1_000} seconds.`));
      const timer = setTimeout(late, queryMs + (isNew ? START_MS : 0));
      const abort = () => give(signal.reason);
      const gone = () => {
        this.#child = undefined;
        fail(new ProviderFault('broken', 'the process that reads the database ended'));
      };
      const hear = (answer: SqliteAnswer) => {
        if (answer.id === order.id) settle(() => resolve(answer));
      };
      signal.addEventListener('abort', abort, { once: true });
      child.on('message', hear).on('exit', gone).on('error', gone);
      child.send(order, (error) => error !== null && gone());
    });
  }

  #started(): ChildProcess {
    if (this.#child !== undefined) return this.#child;
    const child = fork(SCRIPT, [this.#path], {
      // What is in the environment of the server is none of its affair.
      env: {},
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    child.unref();
    child.channel?.unref();
    child.on('exit', () => {
      if (this.#child === child) this.#child = undefined;
    });
    this.#child = child;
    return child;
  }
}
