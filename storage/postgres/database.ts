import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { err, ok, type Result } from '../../src/domain/result.ts';
import { type Unavailable, unavailable } from '../unavailable.ts';
import {
  connectError,
  cutCommit,
  driverError,
  isAnswer,
  isAway,
  isCollision,
  isCutOff,
  isEnvironment,
  nothingDone,
} from './errors.ts';
import type { StoreBreaker } from './store-breaker.ts';

/** A statement; one with a name is prepared once for each connection. A name never stands for two texts. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
}

/** A Buffer goes as it is, in Postgres' binary form of the parameter's type. */
export type Value = string | number | boolean | null | Buffer | readonly unknown[];

export interface DatabaseOptions {
  readonly url: string;
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
  /** What the server gives a statement; we give up on its answer a little later. */
  readonly statementTimeoutMs: number;
  /** Settings of each connection beside those below: `SET name = value`. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly breaker: StoreBreaker;
  /** One for all that use the same database. */
  readonly pulse: Pulse;
  /**
   * Reads alone, all of the database as it was when it was first asked: one connection, in one transaction to its end. When
   * that is cut there is no other.
   */
  readonly isOneMoment?: boolean;
  readonly onError: (error: unknown) => void;
}

/** When a database was last heard of, in milliseconds of `performance.now()`. */
interface Pulse {
  answeredAt: number;
}

/** Statements of one transaction. They throw; what they throw ends the transaction. */
export interface Transaction {
  rows<R>(statement: Statement, values?: readonly Value[]): Promise<readonly R[]>;
  /** How many rows it changed. */
  run(statement: Statement, values?: readonly Value[]): Promise<number>;
}

/** How much longer than the server we wait: its word that it gave up is worth more than our guess. */
const GRACE_MS = 1_000;
const KEEP_ALIVE_MS = 10_000;
const IDLE_MS = 60_000;
/** How often a transaction that collided with another, or a read whose connection was cut, is tried in all. */
const TRIES = 4;
/** Milliseconds before the second try, on average; doubling. */
const FIRST_PAUSE_MS = 10;

const PROBE: Statement = { text: 'SELECT 1' };
/** Who reads may take their time between two statements. The moment is that of the first one. */
const ONE_MOMENT = `SET idle_in_transaction_session_timeout = 0;
  BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1`;

/** What becomes of an error of a statement that is its own transaction. */
interface Manner {
  readonly failureOf: (error: unknown) => Unavailable;
  readonly isRepeatable: (error: unknown) => boolean;
}

const READ: Manner = {
  failureOf: nothingDone,
  isRepeatable: (error) => isCollision(error) || isCutOff(error),
};
const WRITE: Manner = { failureOf: cutCommit, isRepeatable: isCollision };

/**
 * Statements on a bounded pool of connections.
 *
 * Owns: the connections, every wait for them and on them, what a failure means. Does not own: SQL.
 *
 * Invariants:
 * P1. No call waits longer than the connect timeout for a connection and, for each statement, the statement timeout
 *     and a second; so a server that hangs, or a pool that is used up, is an answer.
 * P2. `outcome` is `unknown` only if a statement outside a transaction, or COMMIT, was under way and the server did
 *     not say that it undid it. Reads are always `none`.
 * P3. A connection that an error left in doubt is not used again; the next call makes a new one. A read whose
 *     connection was cut is asked again on another, since a pool may learn only so of one that ended while nobody used
 *     it.
 * P4. While the breaker is not closed no call is made but `knock`: the others are answered at once, and certainly have
 *     stored nothing. What was begun before the breaker opened counts for nothing after it.
 */
export class Database {
  readonly #options: DatabaseOptions;
  readonly #breaker: StoreBreaker;
  readonly #onError: (error: unknown) => void;
  #pool: pg.Pool;
  /** Pools of before, with connections that are still used. */
  readonly #ending = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#breaker = options.breaker;
    this.#onError = options.onError;
    this.#pool = poolOf(options);
  }

  /** The rows a statement finds. */
  async read<R>(
    statement: Statement,
    values: readonly Value[] = [],
  ): Promise<Result<readonly R[], Unavailable>> {
    return this.#guarded(() => this.#once<R>(statement, values, READ));
  }

  /** A statement that writes, and is its own transaction. */
  async write<R>(
    statement: Statement,
    values: readonly Value[] = [],
  ): Promise<Result<readonly R[], Unavailable>> {
    return this.#guarded(() => this.#once<R>(statement, values, WRITE));
  }

  /**
   * Commits when `work` is done, and rolls back when it throws. `work` is done again when the transaction collided
   * with another; so it changes nothing but the database.
   */
  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<Result<T, Unavailable>> {
    return this.#guarded(() => this.#transaction('BEGIN', work));
  }

  /** Reads that all see the database as it was at the first of them. */
  async snapshot<T>(work: (tx: Transaction) => Promise<T>): Promise<Result<T, Unavailable>> {
    const begin = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';
    const done = await this.#guarded(() => this.#transaction(begin, work));
    return done.ok ? done : err(unavailable(done.failure.cause));
  }

  /** Ends the connections, each when its statement is over. Later calls are answered that the store is closed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.#pool.end(), ...this.#ending]);
  }

  /** Asks it for a sign of life, whatever the breaker's callers are told; the breaker learns of it. */
  async knock(): Promise<void> {
    await this.#breaker.trial(
      () => this.#once(PROBE, [], READ),
      (answered) => this.#foundAway(answered),
    );
  }

  /** Uses none of the connections there are any more; those under way end with their statement. */
  startAnew(): void {
    const old = this.#pool;
    this.#pool = poolOf(this.#options);
    const ended = old.end().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  /** P4. */
  async #guarded<T>(call: () => Promise<Result<T, Unavailable>>): Promise<Result<T, Unavailable>> {
    const pool = this.#pool;
    const answer = await this.#breaker.run(
      call,
      (answered) => this.#foundAway(answered) && pool === this.#pool,
    );
    return answer ?? err(unavailable(new Error('the database does not answer, and rests')));
  }

  #foundAway(answer: Result<unknown, Unavailable>): boolean {
    if (answer.ok || isAnswer(answer.failure.cause))
      this.#options.pulse.answeredAt = performance.now();
    return !answer.ok && isAway(answer.failure.cause);
  }

  async #once<R>(
    statement: Statement,
    values: readonly Value[],
    { failureOf, isRepeatable }: Manner,
  ): Promise<Result<readonly R[], Unavailable>> {
    for (let tries = 1; ; tries += 1) {
      const client = await this.#connect();
      if (!client.ok) return client;
      try {
        const { rows } = await ask(client.value, statement, values);
        client.value.release();
        return ok(rows as R[]);
      } catch (error) {
        const isAgain = isRepeatable(error) && tries < TRIES;
        client.value.release(isEnvironment(error) && !isCollision(error));
        if (!isAgain) return this.#failed(failureOf(error));
      }
      await pause(tries);
    }
  }

  async #transaction<T>(
    begin: string,
    work: (tx: Transaction) => Promise<T>,
  ): Promise<Result<T, Unavailable>> {
    for (let tries = 1; ; tries += 1) {
      const client = await this.#connect();
      if (!client.ok) return client;
      const worked = await attempt(async () => {
        await ask(client.value, { text: begin });
        return await work(transactionOn(client.value));
      });
      if (worked.ok) return this.#commit(client.value, worked.value);
      await rollBack(client.value, worked.failure);
      const isAgain = isCollision(worked.failure) && tries < TRIES;
      if (!isAgain) return this.#failed(nothingDone(worked.failure));
      await pause(tries);
    }
  }

  async #commit<T>(client: pg.PoolClient, value: T): Promise<Result<T, Unavailable>> {
    const committed = await attempt(() => ask(client, { text: 'COMMIT' }));
    client.release(!committed.ok);
    if (!committed.ok) return this.#failed(cutCommit(committed.failure));
    // A transaction in which a statement failed is answered so, and without an error.
    if (committed.value.command !== 'COMMIT') throw new Error('a failed statement was passed over');
    return ok(value);
  }

  async #connect(): Promise<Result<pg.PoolClient, Unavailable>> {
    if (this.#isClosed) return err(unavailable(new Error('the store is closed')));
    const askedAt = performance.now();
    const connected = await attempt(() => this.#pool.connect());
    if (connected.ok) return connected;
    const isSilent = this.#options.pulse.answeredAt < askedAt;
    return this.#failed(nothingDone(connectError(connected.failure, isSilent)));
  }

  #failed(failure: Unavailable): Result<never, Unavailable> {
    this.#onError(failure.cause);
    return err(failure);
  }
}

function poolOf(options: DatabaseOptions): pg.Pool {
  const { url, maxConnections, connectTimeoutMs, statementTimeoutMs } = options;
  const setup = setupOf(options);
  let isMomentTaken = false;
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'colloquy',
    max: maxConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: statementTimeoutMs + GRACE_MS,
    idleTimeoutMillis: options.isOneMoment ? 0 : IDLE_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    types: { getTypeParser: typeParser as typeof pg.types.getTypeParser },
    onConnect: async (client) => {
      await client.query(withTimeout(setup, connectTimeoutMs));
      if (!options.isOneMoment) return;
      if (isMomentTaken) throw new Error('the connection that saw one moment was cut');
      isMomentTaken = true;
      await client.query(withTimeout(ONE_MOMENT, connectTimeoutMs));
    },
  });
  // Without listeners, a connection that ends while nobody uses it would end the process. Whoever uses it is told by
  // the statement.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** Half of it by chance: transactions that stood in each other's way do not meet again. */
function pause(tries: number): Promise<void> {
  return sleep(FIRST_PAUSE_MS * 2 ** (tries - 1) * (0.5 + Math.random()));
}

function transactionOn(client: pg.PoolClient): Transaction {
  return {
    rows: async <R>(statement: Statement, values?: readonly Value[]) =>
      (await ask(client, statement, values)).rows as R[],
    run: async (statement, values) => (await ask(client, statement, values)).rowCount ?? 0,
  };
}

/** The only place where statements leave, so that every error of the driver is known as one. */
async function ask(
  client: pg.PoolClient,
  statement: Statement,
  values: readonly Value[] = [],
): Promise<pg.QueryResult> {
  try {
    return await client.query({ ...statement, values: values as Value[] });
  } catch (error) {
    throw driverError(error);
  }
}

/** Back to the pool, if ROLLBACK works; the end of the connection undoes the transaction, too. */
async function rollBack(client: pg.PoolClient, cause: unknown): Promise<void> {
  if (isEnvironment(cause) && !isCollision(cause)) {
    client.release(true);
    return;
  }
  const undone = await attempt(() => ask(client, { text: 'ROLLBACK' }));
  client.release(!undone.ok);
}

async function attempt<T>(call: () => Promise<T>): Promise<Result<T, unknown>> {
  try {
    return ok(await call());
  } catch (error) {
    return err(error);
  }
}

/**
 * What each connection is told first. Whoever waited for a lock must then see what its holder wrote, whatever
 * isolation the database has by default (index-effects.ts, L1). Plans are for keys that are looked up in tables that
 * grow: one made while a table was empty must not read all of it an hour later. A transaction that we left open,
 * frozen or cut off, holds its locks no longer than a statement would.
 */
function setupOf({ statementTimeoutMs, settings }: DatabaseOptions): string {
  const all = {
    default_transaction_isolation: "'read committed'",
    statement_timeout: String(statementTimeoutMs),
    idle_in_transaction_session_timeout: String(statementTimeoutMs + GRACE_MS),
    jit: 'off',
    ...settings,
  };
  return Object.entries(all)
    .map(([name, value]) => `SET ${name} = ${value}`)
    .join('; ');
}

/** The driver's option for one statement, which its types do not have. */
function withTimeout(text: string, timeoutMs: number): pg.QueryConfig {
  return { text, query_timeout: timeoutMs } as pg.QueryConfig;
}

/** Seqs, times and counts are whole numbers far below 2^53. */
function typeParser(oid: number, format?: 'text' | 'binary'): unknown {
  if (oid === pg.types.builtins.INT8 && format !== 'binary') return Number;
  return pg.types.getTypeParser(oid, format ?? 'text');
}
