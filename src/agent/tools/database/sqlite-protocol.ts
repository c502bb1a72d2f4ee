import type { Table } from './database.ts';

/** What the reading process is asked, and what it answers, by `id`. */
export interface SqliteOrder {
  readonly id: number;
  readonly sql: string;
  readonly maxRows: number;
  readonly maxChars: number;
}

export type SqliteAnswer =
  | { readonly id: number; readonly table: Table }
  /** In SQLite's words. */
  | { readonly id: number; readonly error: string };
