import Sqlite, { type Database } from 'better-sqlite3';
import { load as loadVectorFunctions } from 'sqlite-vec';
import { DocumentSearch } from './document-search.ts';
import { DocumentTables } from './document-tables.ts';
import { codeOf } from './errors.ts';
import { LogTable } from './log-table.ts';
import { MessageSearch } from './message-search.ts';
import { MessageTables } from './message-tables.ts';
import {
  type CallHandlers,
  type CallName,
  type CallOrder,
  isWrite,
  type SearchOrder,
  type SearchReport,
} from './search-protocol.ts';

/** How long the thread waits for a lock of another program; the store's own commits have stepped aside. */
const LOCK_WAIT_MS = 200;

/**
 * The searching thread's side: each call is one transaction on a connection of its own. A read sees what was
 * committed when it began; a write holds the lock, for about 2 ms.
 *
 * `synchronous=NORMAL` loses nothing that was answered: the index of messages is made from the log, a document
 * and the promise that all its vectors are there are written by the foreground's commits, which sync these
 * transactions, too: they are before them in the same WAL (see indexer-steps.ts). The indexer does the checkpoints.
 */
export class SearchSteps {
  readonly #db: Database;
  readonly #handlers: CallHandlers;

  constructor(path: string) {
    const db = new Sqlite(path, { timeout: LOCK_WAIT_MS, fileMustExist: true });
    this.#db = db;
    db.pragma('synchronous = NORMAL');
    db.pragma('wal_autocheckpoint = 0');
    db.pragma('secure_delete = FAST');
    tryVectorFunctions(db);
    const messages = new MessageSearch(db, {
      log: new LogTable(db),
      messages: new MessageTables(db),
    });
    const documents = new DocumentSearch(db, new DocumentTables(db));
    this.#handlers = {
      messagesByTerms: (order) => messages.byTerms(order),
      messagesByVector: (order) => messages.byVector(order),
      messagesWithoutVector: (order) => messages.withoutVector(order),
      takeIn: (order) => messages.takeIn(order),
      putMessageVectors: (order) => messages.putVectors(order),
      chunksByTerms: (order) => documents.byTerms(order),
      chunksByVector: (order) => documents.byVector(order),
      listDocuments: (order) => documents.list(order),
      documentsWithoutVectors: (order) => documents.withoutVectors(order),
      addChunks: (order) => documents.addChunks(order),
      putChunkVectors: (order) => documents.putVectors(order),
    };
  }

  run({ name, order }: SearchOrder): SearchReport {
    try {
      this.#db.exec(isWrite(name) ? 'BEGIN IMMEDIATE' : 'BEGIN');
      const handle = this.#handlers[name] as (order: CallOrder<CallName>) => never;
      const answer = handle(order);
      this.#db.exec('COMMIT');
      return { ok: true, answer };
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      return { ok: false, code: codeOf(error), message: messageOf(error) };
    }
  }

  close(): void {
    this.#db.close();
  }
}

/** Where there is no sqlite-vec for the platform, searches by vector fail by themselves, and nothing else does. */
function tryVectorFunctions(db: Database): void {
  try {
    loadVectorFunctions(db);
  } catch {
    // `no such function` is the answer of each search that needs one.
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
