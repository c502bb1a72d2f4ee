import type { Database } from 'better-sqlite3';
import type { Commit } from '../store.ts';
import type { Synchronous } from './file.ts';
import type { Indexed } from './indexer.ts';
import type { FileCheck } from './integrity.ts';

/** What may be chosen when a file is opened; the settings of the server are a part of it. */
export interface SqliteOptions {
  readonly synchronous?: Synchronous;
  /** How long writes wait for a lock that another program holds, before they are refused. */
  readonly lockWaitMs?: number;
  /** How long they wait for a thread of the store's own, which a slow disk may hold up. */
  readonly lentWaitMs?: number;
  /** Rows of the log that are worth an indexing run, in few conversations. */
  readonly segmentRows?: number;
  /** Rows of each conversation, on average, that it waits for where there are many, up to four times as long. */
  readonly placeRows?: number;
  /** Places that the indexer writes at a time, while no commit can run. */
  readonly chunkPlaces?: number;
  /** A log that nothing was added to for so long is indexed however short it is. */
  readonly idleMs?: number;
  /** Pages of write-ahead log that are worth a checkpoint. */
  readonly walPages?: number;
  /** Further pragmas for the foreground's connection, after ours; the tests make a disk full with one. */
  readonly tune?: (db: Database) => void;
  /** The indexer's thread; the tests have another that dies. */
  readonly indexerScript?: URL;
  /** The thread that searches; the tests have another that dies. */
  readonly searchScript?: URL;
  /** How long a search waits for the thread, and for what it finds, before it is refused. */
  readonly searchMs?: number;
  /** After a crash a start waits until so many bytes of file are checked; a larger one is checked while it serves. */
  readonly checkHereBytes?: number;
  readonly onChecked?: (check: FileCheck) => void;
  /** People will write to it: a copy of another store (copies.ts) becomes one of its own. */
  readonly isServed?: boolean;
  readonly onRestored?: () => void;
  readonly onCommit?: (commit: Commit) => void;
  readonly onIndexed?: (indexed: Indexed) => void;
  /** What went wrong and was answered, for the log. */
  readonly onError?: (error: unknown) => void;
}

export const DEFAULTS = {
  synchronous: 'FULL',
  lockWaitMs: 1_000,
  lentWaitMs: 30_000,
  segmentRows: 50_000,
  /** A place is a page of its own to write, with one event or with many. */
  placeRows: 16,
  /** About 1 ms. */
  chunkPlaces: 250,
  idleMs: 2_000,
  /** 16 MiB. */
  walPages: 4_096,
  indexerScript: new URL('./indexer-worker.ts', import.meta.url),
  searchScript: new URL('./search-worker.ts', import.meta.url),
  searchMs: 30_000,
  tune: () => {},
  onCommit: () => {},
  onIndexed: () => {},
  /** Some seconds, from a disk. */
  checkHereBytes: 2 ** 30,
  onChecked: () => {},
  isServed: false,
  onRestored: () => {},
  onError: () => {},
} as const satisfies Required<SqliteOptions>;
