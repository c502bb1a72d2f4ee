import type { ToolPorts } from '../ports.ts';
import type { Database } from './database.ts';

/** Milliseconds for which what was read is good; after it, it is read anew behind the turns that use it. */
const FRESH_MS = 300_000;
/** Milliseconds between two tries while the database does not answer. */
const RETRY_MS = 10_000;
/** Milliseconds a turn waits where nothing was read yet. */
const PATIENCE_MS = 2_000;

/** The tables of a database, as they were a few minutes ago. */
export class SchemaCache {
  readonly #database: Database;
  readonly #ports: Pick<ToolPorts, 'now' | 'report'>;
  #schema: string | undefined;
  #readAgainAt = 0;
  #reading: Promise<void> | undefined;

  constructor(database: Database, ports: Pick<ToolPorts, 'now' | 'report'>) {
    this.#database = database;
    this.#ports = ports;
  }

  /** Undefined when they are not known. */
  async now(): Promise<string | undefined> {
    if (this.#ports.now() >= this.#readAgainAt) {
      this.#reading ??= this.#read().finally(() => {
        this.#reading = undefined;
      });
    }
    if (this.#schema === undefined && this.#reading !== undefined)
      await Promise.race([this.#reading, patience()]);
    return this.#schema;
  }

  async #read(): Promise<void> {
    const { now, report } = this.#ports;
    try {
      this.#schema = await this.#database.schema(AbortSignal.timeout(FRESH_MS / 10));
      this.#readAgainAt = now() + FRESH_MS;
    } catch (cause) {
      this.#readAgainAt = now() + RETRY_MS;
      report('query_database_unavailable', { cause });
    }
  }
}

function patience(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, PATIENCE_MS).unref();
  });
}
