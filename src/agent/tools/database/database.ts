/** A database that an agent may read, as the tool sees it: SQLite and Postgres are alternatives behind it. */
export interface Database {
  /** `SQLite` or `Postgres`: which SQL it speaks. */
  readonly dialect: string;
  /** Its tables and columns, for the model; as much as fits. */
  readonly schema: (signal: AbortSignal) => Promise<string>;
  /**
   * The rows of one reading statement. Throws `ToolError` with the database's own complaint, or `ProviderFault` when
   * the database cannot be reached.
   */
  readonly query: (sql: string, signal: AbortSignal) => Promise<Table>;
  readonly close: () => Promise<void>;
}

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  /** There are more rows than are here. */
  readonly truncated: boolean;
}

export interface QueryLimits {
  /** Milliseconds a query may take. */
  readonly queryMs: number;
  readonly maxRows: number;
  /** Characters of all rows, as JSON. */
  readonly maxChars: number;
}

/** Characters of one value. */
export const CELL_CHARS = 1_000;
/** Characters of a schema. */
export const SCHEMA_CHARS = 6_000;
/** Queries that wait for their turn; more are refused. */
export const MAX_WAITING = 16;
