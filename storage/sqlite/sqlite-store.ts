import type { Conversation, ConversationState } from '../../src/domain/conversation.ts';
import type { LogEvent } from '../../src/domain/event.ts';
import type { ConversationId, ParticipantId, TurnId } from '../../src/domain/ids.ts';
import type { Message } from '../../src/domain/message.ts';
import { err, ok, type Result } from '../../src/domain/result.ts';
import type { Summary } from '../../src/domain/summary.ts';
import type { Turn } from '../../src/domain/turn.ts';
import { assertAppend, assertNumbered } from '../batch.ts';
import type {
  Append,
  AppendAnswer,
  AppendFailure,
  CreateFailure,
  Effect,
  EventPage,
  Head,
  ListPage,
  MessagePage,
  Store,
  TurnPage,
} from '../store.ts';
import { submitted } from '../submit.ts';
import { type Unavailable, unavailable } from '../unavailable.ts';
import { codeOf } from './errors.ts';
import { explained, type OpenFile, openFile } from './file.ts';
import { GroupCommit, QueuedWrite } from './group-commit.ts';
import { indexRest } from './index-rest.ts';
import { Indexer } from './indexer.ts';
import { DEFAULTS, type SqliteOptions } from './options.ts';
import { QueuedAppend } from './queued-append.ts';
import { Reader } from './reader.ts';
import { Searcher } from './searcher.ts';
import { SqliteDocuments } from './sqlite-documents.ts';
import { SqliteIndex } from './sqlite-index.ts';
import { SqliteAudit, SqliteLedger } from './sqlite-notes.ts';
import { SqliteSpaces } from './sqlite-spaces.ts';
import { openTables, refill, type Tables } from './tables.ts';
import { WalGauge, walState } from './wal.ts';
import { type Undo, Writer } from './writer.ts';

/** How long a close indexes rows before it leaves the rest to the next start. */
const CLOSE_MS = 2_000;

/** One data file, one process. Reads are synchronous underneath; writes meet in the group commit. */
export class SqliteStore implements Store {
  readonly label: string;
  readonly isShared = false;
  readonly documents: SqliteDocuments;
  readonly index: SqliteIndex;
  readonly spaces: SqliteSpaces;
  readonly audit: SqliteAudit;
  readonly ledger: SqliteLedger;
  readonly #file: OpenFile;
  readonly #tables: Tables;
  readonly #writer: Writer;
  readonly #reader: Reader;
  readonly #commits: GroupCommit;
  readonly #indexer: Indexer;
  readonly #searcher: Searcher;
  readonly #walGauge: WalGauge;
  readonly #probe: () => unknown;
  /** The highest row number that is known to be in the file. */
  #committedRow: number;
  #indexerIsNext = false;
  #closing: Promise<void> | undefined;
  /** No operation is under way any more, and none may begin. */
  #isOver = false;

  private constructor(file: OpenFile, options: Required<SqliteOptions>) {
    const { db } = file;
    this.#file = file;
    this.label = `sqlite:${file.path}`;
    this.#tables = openTables(db);
    this.#writer = new Writer(this.#tables);
    this.#committedRow = this.#writer.lastRow;
    this.#reader = new Reader(this.#tables);
    this.#indexer = this.#makeIndexer(options);
    this.#commits = new GroupCommit({
      db,
      lockWaitMs: options.lockWaitMs,
      lentWaitMs: options.lentWaitMs,
      isLent: () => this.#indexer.isLent() || this.#searcher.isLent(),
      finish: () => this.#tables.log.finish(),
      drop: () => {
        this.#tables.log.drop();
        this.#tables.pending.doubt();
      },
      resync: () => this.#resync(),
      onCommit: (commit) => {
        this.#committed(commit.rows);
        options.onCommit(commit);
      },
      onFlushed: () => this.#nextWorker(),
      onError: options.onError,
    });
    this.#searcher = new Searcher({
      path: file.path,
      script: options.searchScript,
      readMs: options.searchMs,
      isLockElsewhere: () => this.#indexer.keepsWritersOut || this.#commits.hasQueued,
      handBack: () => {
        this.#wrote(0);
        this.#commits.flush();
        this.#indexer.proceed();
      },
      onRead: () => this.#indexer.proceed(),
      onError: options.onError,
    });
    const parts = {
      tables: this.#tables,
      documents: this.#tables.documents,
      spaces: this.#tables.spaces,
      notes: this.#tables.notes,
      searcher: this.#searcher,
      look: <T>(answer: () => T) => this.#look(answer),
      change: <T, F>(perform: (undo: Undo) => Result<T, F>) => this.#change(perform),
      rubbishLeft: () => this.#indexer.rubbishLeft(),
    };
    this.documents = new SqliteDocuments(parts);
    this.index = new SqliteIndex(parts);
    this.spaces = new SqliteSpaces(parts);
    this.audit = new SqliteAudit(parts);
    this.ledger = new SqliteLedger(parts);
    this.#walGauge = new WalGauge(db);
    const version = db.prepare('PRAGMA user_version');
    this.#probe = () => version.get();
  }

  #makeIndexer(options: Required<SqliteOptions>): Indexer {
    const { db, path } = this.#file;
    return new Indexer(
      {
        ...options,
        path,
        script: options.indexerScript,
        pending: this.#tables.pending,
        lastRow: () => this.#writer.lastRow,
        isLockElsewhere: () => this.#searcher.holdsLock,
        isReading: () => this.#searcher.isBusy,
        adding: () => this.documents.adding,
        flush: () => {
          this.#commits.flush();
          this.#searcher.proceed();
        },
      },
      { hasRubbish: this.#tables.hasRubbish(), walPages: walState(db).walPages },
    );
  }

  /** Throws `OpenError`. */
  static open(path: string, given: SqliteOptions = {}): SqliteStore {
    const options = { ...DEFAULTS, ...given };
    const file = openFile(path, options);
    return explained(path, () => {
      try {
        options.tune(file.db);
        const store = new SqliteStore(file, options);
        if (file.isRestored) options.onRestored();
        return store;
      } catch (error) {
        file.check?.stop();
        file.db.close();
        file.unlock();
        throw error;
      }
    });
  }

  /** Rows of the log that have no place yet: what a start would have to read. */
  get backlogRows(): number {
    return this.#tables.pending.totalRows;
  }

  create(
    state: ConversationState,
    events: readonly LogEvent[],
  ): Promise<Result<void, CreateFailure>> {
    return this.#write(
      () => assertNumbered(events, state.conversation.firstSeq),
      new QueuedWrite(events.length, (undo) => this.#writer.create(state, events, undo)),
    );
  }

  append(batch: Append): Promise<Result<void, AppendFailure>> {
    return submitted((answer) => this.submit(batch, answer));
  }

  submit(batch: Append, answer: AppendAnswer): void {
    if (this.#closing !== undefined) {
      queueMicrotask(() => answer.answered(closed()));
      return;
    }
    try {
      assertAppend(batch);
    } catch (error) {
      queueMicrotask(() => answer.broke(error));
      return;
    }
    this.#commits.submit(new QueuedAppend(this.#append, batch, answer));
  }

  readonly #append = (batch: Append, undo: Undo): Result<void, AppendFailure> => {
    if (batch.effects.some(isTrimming)) this.#indexer.rubbishLeft();
    return this.#writer.append(batch, undo);
  };

  async remove(id: ConversationId): Promise<Result<boolean, Unavailable>> {
    const removed = await this.#write(
      () => {},
      new QueuedWrite(0, (undo) => this.#writer.remove(id, undo)),
    );
    if (removed.ok && removed.value) this.#indexer.rubbishLeft();
    return removed;
  }

  secret(name: string, make: () => Uint8Array): Promise<Result<Uint8Array, Unavailable>> {
    return this.#write(() => {}, new QueuedWrite(0, () => this.#writer.secret(name, make)));
  }

  async load(id: ConversationId): Promise<Result<ConversationState | undefined, Unavailable>> {
    return this.#read(() => this.#reader.load(id));
  }

  async readEvents(
    id: ConversationId,
    page: EventPage,
  ): Promise<Result<readonly LogEvent[], Unavailable>> {
    return this.#read(() => this.#reader.events(id, page));
  }

  async readMessages(
    id: ConversationId,
    page: MessagePage,
  ): Promise<Result<readonly Message[], Unavailable>> {
    return this.#read(() => this.#reader.messages(id, page));
  }

  async findKey(
    id: ConversationId,
    sender: ParticipantId,
    key: string,
  ): Promise<Result<number | undefined, Unavailable>> {
    return this.#read(() => this.#reader.seqOfKey(id, sender, key));
  }

  async listConversations(
    participant: ParticipantId,
    page: ListPage,
  ): Promise<Result<readonly Conversation[], Unavailable>> {
    return this.#read(() => this.#reader.list(participant, page));
  }

  async listAll(page: ListPage): Promise<Result<readonly ConversationId[], Unavailable>> {
    return this.#read(() => this.#tables.conversations.listAll(page));
  }

  async heads(
    ids: readonly ConversationId[],
  ): Promise<Result<ReadonlyMap<ConversationId, Head>, Unavailable>> {
    return this.#read(() => this.#reader.heads(ids));
  }

  async readTurn(id: ConversationId, turn: TurnId): Promise<Result<Turn | undefined, Unavailable>> {
    return this.#read(() => {
      const entry = this.#tables.directory.find(id);
      return entry && this.#tables.sides.turn(entry.cid, turn);
    });
  }

  async readTurns(
    id: ConversationId,
    page: TurnPage,
  ): Promise<Result<readonly Turn[], Unavailable>> {
    return this.#read(() => {
      const entry = this.#tables.directory.find(id);
      return entry === undefined ? [] : this.#tables.sides.turns(entry.cid, page);
    });
  }

  async readOpenTurns(id: ConversationId): Promise<Result<readonly Turn[], Unavailable>> {
    return this.#read(() => {
      const entry = this.#tables.directory.find(id);
      return entry === undefined ? [] : this.#tables.sides.openTurns(entry.cid);
    });
  }

  async listConversationsWithOpenTurns(): Promise<Result<readonly ConversationId[], Unavailable>> {
    return this.#read(() => this.#tables.sides.withOpenTurns());
  }

  async readSummary(id: ConversationId): Promise<Result<Summary | undefined, Unavailable>> {
    return this.#read(() => {
      const entry = this.#tables.directory.find(id);
      return entry && this.#tables.notes.summary(entry.cid);
    });
  }

  async probe(): Promise<Result<void, Unavailable>> {
    const damage = this.#file.check?.damage();
    if (damage !== undefined) return err(unavailable(new Error(`the file is damaged: ${damage}`)));
    return this.#read(() => {
      this.#probe();
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#file.check?.stop();
    await this.#searcher.close();
    this.#isOver = true;
    await this.#commits.drain();
    await this.#indexer.close();
    const { pending, hasRubbish } = this.#tables;
    if (pending.totalRows > 0 || hasRubbish()) {
      indexRest(this.#file.path, this.#writer.lastRow, CLOSE_MS);
    }
    this.#file.db.close();
    this.#file.unlock();
  }

  /** The workers take turns: whichever came first the last time comes second. */
  #nextWorker(): void {
    this.#indexerIsNext = !this.#indexerIsNext;
    if (this.#indexerIsNext) this.#indexer.proceed();
    this.#searcher.proceed();
    if (!this.#indexerIsNext) this.#indexer.proceed();
  }

  #committed(rows: number): void {
    this.#committedRow = this.#writer.lastRow;
    this.#wrote(rows);
  }

  /** The WAL has grown, by a commit or by the searching thread. */
  #wrote(rows: number): void {
    this.#indexer.committed(this.#walGauge.wrote(rows));
  }

  /** After a COMMIT that failed: it is rolled back, says SQLite; if the file holds it all the same, so must memory. */
  #resync(): void {
    this.#tables.directory.clear();
    if (this.#tables.log.last() <= this.#committedRow) return;
    refill(this.#tables);
    this.#indexer.restart();
  }

  #write<T, F>(check: () => void, write: QueuedWrite<T, F>): Promise<Result<T, F | Unavailable>> {
    if (this.#closing !== undefined) return Promise.resolve(closed());
    try {
      check();
    } catch (error) {
      return Promise.reject(error);
    }
    this.#commits.submit(write);
    return write.answer;
  }

  /** The same for what is part of an operation, which a close lets come to its end. */
  #change<T, F>(perform: (undo: Undo) => Result<T, F>): Promise<Result<T, F | Unavailable>> {
    if (this.#isOver) return Promise.resolve(closed());
    const write = new QueuedWrite(0, perform);
    this.#commits.submit(write);
    return write.answer;
  }

  #read<T>(answer: () => T): Result<T, Unavailable> {
    return this.#closing === undefined ? this.#look(answer) : closed();
  }

  /** Only SQLite's own errors are answers; anything else is a bug and rejects. */
  #look<T>(answer: () => T): Result<T, Unavailable> {
    if (this.#isOver) return closed();
    try {
      return ok(answer());
    } catch (error) {
      if (codeOf(error) === undefined) throw error;
      return err(unavailable(error));
    }
  }
}

function isTrimming({ kind }: Effect): boolean {
  return kind === 'trimmed';
}

function closed() {
  return err(unavailable(new Error('the store is closed')));
}
