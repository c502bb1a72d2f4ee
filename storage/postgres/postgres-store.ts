import type { Conversation, ConversationState } from '../../src/domain/conversation.ts';
import type { LogEvent } from '../../src/domain/event.ts';
import type { ConversationId, ParticipantId, TurnId } from '../../src/domain/ids.ts';
import type { Message } from '../../src/domain/message.ts';
import { ok, type Result } from '../../src/domain/result.ts';
import type { Summary } from '../../src/domain/summary.ts';
import type { Turn } from '../../src/domain/turn.ts';
import { assertAppend, assertNumbered } from '../batch.ts';
import type {
  Append,
  AppendAnswer,
  AppendFailure,
  Commit,
  CreateFailure,
  EventPage,
  Head,
  ListPage,
  MessagePage,
  Store,
  TurnPage,
} from '../store.ts';
import { submitted } from '../submit.ts';
import type { Unavailable } from '../unavailable.ts';
import { AppendQueue } from './append-queue.ts';
import { Appender } from './appender.ts';
import { Clearing } from './clearing.ts';
import { Comeback } from './comeback.ts';
import { Database, type DatabaseOptions } from './database.ts';
import { PostgresDocuments } from './documents.ts';
import { PostgresMessageIndex } from './message-index.ts';
import { PostgresAudit, PostgresLedger } from './notes.ts';
import { preparePostgres } from './open-postgres.ts';
import { Reader } from './reader.ts';
import { PostgresSpaces } from './spaces.ts';
import { NO_BREAKER, type StoreBreaker } from './store-breaker.ts';
import { PostgresTurnOrders } from './turn-orders.ts';
import { Writer } from './writer.ts';

export interface PostgresOptions {
  /** Connections at most, of this process. With two or less, appends and all else share them. */
  readonly poolSize?: number;
  readonly connectTimeoutMs?: number;
  readonly statementTimeoutMs?: number;
  /** Leaves the database alone while it does not answer; none when absent. */
  readonly breaker?: StoreBreaker;
  /** It is read, and all reads see the database as it was at the first of them; nothing may be written. */
  readonly isOneMoment?: boolean;
  readonly onCommit?: (commit: Commit) => void;
  /** What the server or the connection failed with. */
  readonly onError?: (error: unknown) => void;
}

const DEFAULTS = {
  poolSize: 10,
  connectTimeoutMs: 5_000,
  statementTimeoutMs: 15_000,
  breaker: NO_BREAKER,
  isOneMoment: false,
  onCommit: () => {},
  onError: () => {},
} as const;

/** Groups of appends under way at once (docs/adr/0008): the next is made while one is on its way. */
const LANES = 2;
/**
 * Plans of appends are made once, and for tables that grow: never one that reads a whole table, which looks cheap
 * while it is empty.
 */
export const APPEND_SETTINGS = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  random_page_cost: '1.1',
} as const;

const PROBE = { text: 'SELECT 1' };

type Answer<T> = Promise<Result<T, Unavailable>>;

/** A store in a Postgres database, which other processes may use at the same time. */
export class PostgresStore implements Store {
  readonly label: string;
  readonly isShared = true;
  readonly documents: PostgresDocuments;
  readonly index: PostgresMessageIndex;
  readonly spaces: PostgresSpaces;
  readonly audit: PostgresAudit;
  readonly ledger: PostgresLedger;
  readonly orders: PostgresTurnOrders;
  readonly #databases: ReadonlySet<Database>;
  readonly #db: Database;
  readonly #reader: Reader;
  readonly #writer: Writer;
  readonly #appends: AppendQueue;
  readonly #clearing: Clearing;
  readonly #comeback: Comeback;
  readonly #onCommit: (commit: Commit) => void;
  #closing: Promise<void> | undefined;

  private constructor(label: string, options: Required<PostgresOptions> & { url: string }) {
    this.label = label;
    const lanes = options.poolSize > LANES ? LANES : 1;
    const isShared = options.poolSize <= LANES;
    const most = isShared ? options.poolSize : options.poolSize - LANES;
    const pulse = { answeredAt: 0 };
    const shared: DatabaseOptions = { ...options, pulse, maxConnections: most };
    this.#db = new Database(shared);
    const log = isShared
      ? this.#db
      : new Database({ ...shared, maxConnections: LANES, settings: APPEND_SETTINGS });
    this.#databases = new Set([this.#db, log]);
    this.#reader = new Reader(this.#db);
    this.#writer = new Writer(this.#db);
    const { onCommit } = options;
    this.#onCommit = onCommit;
    this.#appends = new AppendQueue({ appender: new Appender(log), lanes, onCommit });
    this.#clearing = new Clearing(this.#db);
    this.#comeback = new Comeback(options.breaker, () => this.#db.knock());
    options.breaker.onOpened(() => {
      for (const database of this.#databases) database.startAnew();
      this.#comeback.begin();
    });
    this.documents = new PostgresDocuments(this.#db);
    this.index = new PostgresMessageIndex(this.#db);
    this.spaces = new PostgresSpaces(this.#db);
    this.audit = new PostgresAudit(this.#db);
    this.ledger = new PostgresLedger(this.#db);
    this.orders = new PostgresTurnOrders(this.#db);
    if (options.isOneMoment) void this.#clearing.close();
    else this.#clearing.wake();
  }

  /** Migrates the database first. Throws `OpenError`. */
  static async open(url: string, given: PostgresOptions = {}): Promise<PostgresStore> {
    const options = { ...DEFAULTS, ...given, url };
    if (options.isOneMoment) options.poolSize = 1;
    const label = await preparePostgres(url, options.connectTimeoutMs);
    return new PostgresStore(label, options);
  }

  async create(
    state: ConversationState,
    events: readonly LogEvent[],
  ): Promise<Result<void, CreateFailure>> {
    assertNumbered(events, state.conversation.firstSeq);
    const startedAt = performance.now();
    const created = await this.#writer.create(state, events);
    const seconds = (performance.now() - startedAt) / 1_000;
    this.#onCommit({ rows: events.length, requests: 1, seconds });
    return created;
  }

  append(batch: Append): Promise<Result<void, AppendFailure>> {
    return submitted((answer) => this.submit(batch, answer));
  }

  submit(batch: Append, answer: AppendAnswer): void {
    try {
      assertAppend(batch);
    } catch (error) {
      queueMicrotask(() => answer.broke(error));
      return;
    }
    const isTrimming = batch.effects.some(({ kind }) => kind === 'trimmed');
    this.#appends.submit(batch, isTrimming ? this.#waking(answer) : answer);
  }

  /** There may be something to clear when it is answered. */
  #waking(answer: AppendAnswer): AppendAnswer {
    return {
      answered: (result) => {
        answer.answered(result);
        this.#clearing.wake();
      },
      broke: (error) => {
        answer.broke(error);
        this.#clearing.wake();
      },
    };
  }

  async remove(id: ConversationId): Answer<boolean> {
    const removed = await this.#writer.remove(id);
    this.#clearing.wake();
    return removed;
  }

  load(id: ConversationId): Answer<ConversationState | undefined> {
    return this.#reader.load(id);
  }

  readEvents(id: ConversationId, page: EventPage): Answer<readonly LogEvent[]> {
    return this.#reader.events(id, page);
  }

  readMessages(id: ConversationId, page: MessagePage): Answer<readonly Message[]> {
    return this.#reader.messages(id, page);
  }

  findKey(id: ConversationId, sender: ParticipantId, key: string): Answer<number | undefined> {
    return this.#reader.seqOfKey(id, sender, key);
  }

  listConversations(participant: ParticipantId, page: ListPage): Answer<readonly Conversation[]> {
    return this.#reader.list(participant, page);
  }

  listAll(page: ListPage): Answer<readonly ConversationId[]> {
    return this.#reader.listAll(page);
  }

  heads(ids: readonly ConversationId[]): Answer<ReadonlyMap<ConversationId, Head>> {
    return this.#reader.heads(ids);
  }

  readTurn(id: ConversationId, turn: TurnId): Answer<Turn | undefined> {
    return this.#reader.turn(id, turn);
  }

  readTurns(id: ConversationId, page: TurnPage): Answer<readonly Turn[]> {
    return this.#reader.turns(id, page);
  }

  readOpenTurns(id: ConversationId): Answer<readonly Turn[]> {
    return this.#reader.openTurns(id);
  }

  listConversationsWithOpenTurns(): Answer<readonly ConversationId[]> {
    return this.#reader.withOpenTurns();
  }

  readSummary(id: ConversationId): Answer<Summary | undefined> {
    return this.#reader.summary(id);
  }

  secret(name: string, make: () => Uint8Array): Answer<Uint8Array> {
    return this.#writer.secret(name, make);
  }

  async probe(): Answer<void> {
    const probed = await this.#db.read(PROBE);
    return probed.ok ? ok(undefined) : probed;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#appends.drain();
    await this.#clearing.close();
    this.#comeback.stop();
    await Promise.all([...this.#databases].map((database) => database.close()));
  }
}
