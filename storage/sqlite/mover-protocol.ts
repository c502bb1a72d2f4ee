import type { MessagePort } from 'node:worker_threads';

/** What the store asks of its worker, one order at a time. */
export type Order =
  /** Sort the rows of the log up to `lastRow`; with `skipMoved`, leave out those an earlier attempt has carried. */
  | { readonly kind: 'plan'; readonly lastRow: number; readonly skipMoved: boolean }
  /** Carry the next `rows` of the plan into the clustered tables; the bodies of `erased` rows changed since it was made. */
  | { readonly kind: 'chunk'; readonly rows: number; readonly erased: readonly number[] }
  /** Delete rows up to `lastRow` from the log, `rows` of them at most. */
  | { readonly kind: 'trim'; readonly lastRow: number; readonly rows: number }
  /** Delete what is left of conversations that were removed before `lastRow`, about `rows` rows of it. */
  | { readonly kind: 'purge'; readonly lastRow: number; readonly rows: number }
  /** Copy the WAL into the file. `finish` does so with the lock lent, so that the next commit starts the WAL anew. */
  | { readonly kind: 'checkpoint'; readonly finish: boolean; readonly truncate: boolean };

export type Report =
  | {
      readonly ok: true;
      /** Nothing is left to do for this kind of order. */
      readonly isDone: boolean;
      readonly rows: number;
      /** Pages in the WAL that are not in the file yet, and what stands before them. */
      readonly walPages: number;
    }
  | { readonly ok: false; readonly code: string; readonly message: string };

export interface MoverData {
  readonly path: string;
  readonly port: MessagePort;
}

/** Orders that write hold the file's write lock: no commit may run until their report is in. */
export function needsLock(order: Order): boolean {
  switch (order.kind) {
    case 'plan':
      return false;
    case 'checkpoint':
      return order.finish;
    case 'chunk':
    case 'trim':
    case 'purge':
      return true;
    default:
      return order satisfies never;
  }
}
