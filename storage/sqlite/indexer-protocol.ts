import type { PackedRows } from './packed-rows.ts';
import type { WalState } from './wal.ts';

/** What the store asks of its worker, one order at a time. */
export type Order =
  /**
   * Make places for the rows of the log up to `lastRow` that have none. They are those in `rows`; where it is absent
   * they are read from the log, without those that an earlier attempt has placed.
   */
  | {
      readonly kind: 'plan';
      readonly lastRow: number;
      readonly rows?: PackedRows | undefined;
    }
  /** Write the next `places` of the plan. */
  | { readonly kind: 'chunk'; readonly places: number }
  /**
   * Delete what nobody can see any more, about `rows` rows of it: of conversations that were removed or trimmed
   * before `lastRow`, of documents but those in `keep`, which are being added, and of spaces.
   */
  | {
      readonly kind: 'purge';
      readonly lastRow: number;
      readonly rows: number;
      readonly keep: readonly number[];
    }
  /** Copy the WAL into the file. `finish` does so with the lock lent, so that the next commit starts the WAL anew. */
  | { readonly kind: 'checkpoint'; readonly finish: boolean; readonly truncate: boolean };

export type Report =
  | ({
      readonly ok: true;
      /** Nothing is left to do for this kind of order. */
      readonly isDone: boolean;
      /** Events that were planned or placed, rows that were purged. */
      readonly rows: number;
    } & WalState)
  | { readonly ok: false; readonly code: string; readonly message: string };

/** Orders that write hold the file's write lock: no commit may run until their report is in. */
export function needsLock(order: Order): boolean {
  switch (order.kind) {
    case 'plan':
      return false;
    case 'checkpoint':
      return order.finish;
    case 'chunk':
    case 'purge':
      return true;
    default:
      return order satisfies never;
  }
}
