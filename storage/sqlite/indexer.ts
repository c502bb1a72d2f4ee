import { needsLock, type Order, type Report } from './indexer-protocol.ts';
import { OrderThread } from './order-thread.ts';
import type { PendingRows } from './pending-rows.ts';

export interface Indexed {
  readonly rows: number;
  readonly seconds: number;
}

export interface IndexerOptions {
  readonly path: string;
  readonly script: URL;
  readonly pending: PendingRows;
  /** Rows of the log that are worth an indexing run; where there are many conversations, rows of each. */
  readonly segmentRows: number;
  readonly placeRows: number;
  /** Places that one chunk writes, while the lock is lent. */
  readonly chunkPlaces: number;
  /** A log that nothing was added to for so long is indexed however short it is. */
  readonly idleMs: number;
  /** Pages of WAL that are worth a checkpoint. */
  readonly walPages: number;
  /** The highest row number given out. */
  readonly lastRow: () => number;
  /** Another worker has the write lock. */
  readonly isLockElsewhere: () => boolean;
  /** Somebody reads: a checkpoint that empties the WAL would wait for the end of that, with the lock lent. */
  readonly isReading: () => boolean;
  /** Documents that are being added: what there is of them is no rubbish. */
  readonly adding: () => readonly number[];
  /** The lock is back: commit what waits for it. */
  readonly flush: () => void;
  readonly onIndexed: (indexed: Indexed) => void;
  readonly onError: (error: unknown) => void;
}

/** How much longer than usual a segment of many conversations may get. */
const MAX_SEGMENT_GROWTH = 4;
/** Pages of WAL that are few enough to be copied with the lock lent. */
const LAST_PAGES = 128;
/** A chunk grows with the backlog, so that the indexer keeps up at any rate; this bounds how much. */
const MAX_CHUNK_GROWTH = 16;
/** Rows that one purge deletes: each may be a page of its own. */
const PURGE_ROWS = 500;
const FIRST_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 30_000;

type Phase = 'rest' | 'plan' | 'chunk' | 'purge';

/**
 * Decides what the worker does next: make places for a segment of the log, or checkpoint.
 *
 * Owns: the cycle of a segment (freeze, plan, chunks, drop, purge), whose turn the write lock is, the worker's
 * life. Does not own: the transactions (indexer-steps.ts), the commits (group-commit.ts).
 *
 * Invariants:
 * I1. One order at a time; while one that needs the lock is out, `isLent` is true and no commit begins, and none
 *     goes out while another worker has the lock.
 * I2. The index of pending rows drops a segment when all of it has places (P1).
 * I3. After a worker's death or a failed order the segment is planned anew, without what has places.
 * I4. A commit that waits goes before the next order.
 */
export class Indexer {
  readonly #options: IndexerOptions;
  #thread: OrderThread<Order, Report> | undefined;
  #phase: Phase = 'rest';
  #segmentEnd = 0;
  #segmentRows = 0;
  #startedAt = 0;
  /** Some of what is frozen may have places, from an attempt that failed. What is pending at a start has none. */
  #isPartlyPlaced = false;
  #hasRubbish: boolean;
  #walPages = 0;
  /** Pages that the last copy of a checkpoint has left, as commits came in meanwhile. */
  #leftPages = 0;
  #checkpointing: 'no' | 'copy' | 'finish' = 'no';
  #checkpointAt: number;
  #lastCommitAt = performance.now();
  #isIdle = false;
  #idleTimer: NodeJS.Timeout | undefined;
  #backoffMs = FIRST_BACKOFF_MS;
  #backoffTimer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #isClosed = false;

  constructor(options: IndexerOptions, found: { hasRubbish: boolean; walPages: number }) {
    this.#options = options;
    this.#hasRubbish = found.hasRubbish;
    this.#walPages = found.walPages;
    this.#checkpointAt = options.walPages;
    this.#armIdle();
  }

  /** True while the worker holds the write lock. A report that is there already is taken in first. */
  isLent(): boolean {
    if (!this.holdsLock) return false;
    this.#isLooking = true;
    this.#thread?.look();
    this.#isLooking = false;
    return this.#thread?.order !== undefined;
  }

  /** After each commit; `walPages` when it was measured. */
  committed(walPages: number | undefined): void {
    this.#lastCommitAt = performance.now();
    this.#isIdle = false;
    this.#walPages = walPages ?? Math.max(this.#walPages, 1);
    this.#armIdle();
  }

  /** Gives the worker its next order, if there is one to give and nothing is under way. */
  proceed(): void {
    if (this.#isClosed || this.#backoffTimer !== undefined) return;
    if (this.#thread?.order !== undefined) return;
    const order = this.#nextForThread();
    if (order === undefined || (needsLock(order) && this.#options.isLockElsewhere())) return;
    this.#thread?.send(order);
  }

  /** True while its worker holds the write lock, as far as is known. */
  get holdsLock(): boolean {
    const order = this.#thread?.order;
    return order !== undefined && needsLock(order);
  }

  /**
   * Who writes much has to wait: for the lock, or for the end of a checkpoint, because that copies, with the lock
   * lent, what was written meanwhile.
   */
  get keepsWritersOut(): boolean {
    return this.holdsLock || this.#checkpointing !== 'no';
  }

  /** Something was removed, trimmed or dropped: what is left of it waits for the next purge. */
  rubbishLeft(): void {
    this.#hasRubbish = true;
  }

  /** The index was built anew from the file: what is frozen or planned means nothing any more. */
  restart(): void {
    this.#phase = 'rest';
    this.#isPartlyPlaced = false;
    this.#hasRubbish = true;
  }

  /** Ends the worker after the order it has; what is not indexed by then, `indexRest` may do. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idleTimer);
    clearTimeout(this.#backoffTimer);
    await this.#thread?.close();
  }

  /** The thread starts with the first work there is, and takes none before it is ready. */
  #nextForThread(): Order | undefined {
    if (this.#thread === undefined) {
      if (!this.#hasAnyWork()) return undefined;
      this.#thread = this.#startThread();
    }
    return this.#thread.isReady ? this.#next() : undefined;
  }

  #hasAnyWork(): boolean {
    return (
      this.#phase !== 'rest' ||
      this.#hasSegment() ||
      this.#isUntidy() ||
      this.#walPages >= this.#checkpointAt
    );
  }

  #next(): Order | undefined {
    return this.#nextCheckpoint() ?? this.#nextMove();
  }

  #nextCheckpoint(): Order | undefined {
    if (this.#checkpointing === 'no') {
      if (this.#isUntidy()) return { kind: 'checkpoint', finish: true, truncate: true };
      if (this.#walPages < this.#checkpointAt) return undefined;
      this.#checkpointing = 'copy';
      this.#leftPages = this.#walPages;
    }
    return { kind: 'checkpoint', finish: this.#checkpointing === 'finish', truncate: false };
  }

  /** All is indexed and nothing comes in: the WAL may become an empty file. */
  #isUntidy(): boolean {
    const isAtRest = this.#isIdle && this.#phase === 'rest' && !this.#options.isReading();
    return isAtRest && !this.#hasSegment() && this.#walPages > 0;
  }

  #nextMove(): Order | undefined {
    const { pending, lastRow } = this.#options;
    switch (this.#phase) {
      case 'rest':
        if (!this.#hasSegment()) return undefined;
        if (!pending.hasFrozen) pending.freeze();
        this.#segmentEnd = lastRow();
        this.#segmentRows = 0;
        this.#startedAt = performance.now();
        this.#hasRubbish = false;
        this.#phase = 'plan';
        return this.#plan();
      case 'plan':
        return this.#plan();
      case 'chunk':
        return { kind: 'chunk', places: this.#chunkPlaces() };
      case 'purge':
        return this.#purge();
      default:
        return this.#phase satisfies never;
    }
  }

  #plan(): Order {
    const rows = this.#isPartlyPlaced ? undefined : this.#options.pending.packFrozen();
    return { kind: 'plan', lastRow: this.#segmentEnd, rows };
  }

  #purge(): Order {
    const keep = this.#options.adding();
    return { kind: 'purge', lastRow: this.#segmentEnd, rows: PURGE_ROWS, keep };
  }

  /** A full segment; or, when nothing has come in for a while, anything at all. */
  #hasSegment(): boolean {
    const { pending, segmentRows, placeRows } = this.#options;
    const wanted = Math.min(pending.activeRuns * placeRows, segmentRows * MAX_SEGMENT_GROWTH);
    if (pending.activeRows >= Math.max(wanted, segmentRows)) return true;
    return this.#isIdle && (pending.totalRows > 0 || this.#hasRubbish);
  }

  #chunkPlaces(): number {
    const { pending, segmentRows, chunkPlaces } = this.#options;
    const growth = Math.ceil(pending.totalRows / segmentRows);
    return chunkPlaces * Math.max(1, Math.min(growth, MAX_CHUNK_GROWTH));
  }

  #report(report: Report, order: Order): void {
    if (report.ok) {
      this.#backoffMs = FIRST_BACKOFF_MS;
      this.#walPages = report.walPages;
      this.#done(order, report);
    } else {
      this.#failed(order, new Error(`${order.kind}: ${report.code}: ${report.message}`));
    }
  }

  #done(order: Order, { isDone, rows, leftPages }: Report & { ok: true }): void {
    switch (order.kind) {
      case 'plan':
        if (this.#phase === 'plan') this.#phase = 'chunk';
        return;
      case 'chunk':
        if (this.#phase !== 'chunk') return;
        this.#segmentRows += rows;
        if (!isDone) return;
        this.#options.pending.dropFrozen();
        this.#isPartlyPlaced = false;
        this.#phase = 'purge';
        return;
      case 'purge':
        if (isDone && this.#phase === 'purge') this.#rest();
        return;
      case 'checkpoint':
        this.#checkpointed(order, leftPages);
        return;
      default:
        order satisfies never;
    }
  }

  #rest(): void {
    this.#phase = 'rest';
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    if (this.#segmentRows > 0) this.#options.onIndexed({ rows: this.#segmentRows, seconds });
  }

  /**
   * A copy that commits have overtaken is followed by another, while each leaves half as much as the one before; the
   * last is made with the lock lent, or else the WAL never starts anew. One that a foreign reader holds up is tried
   * again when the WAL has grown by as much again.
   */
  #checkpointed({ finish, truncate }: Order & { kind: 'checkpoint' }, leftPages: number): void {
    if (truncate) this.#walPages = 0;
    if (this.#walPages > 0 && !finish) {
      const isWorthAnother = leftPages > LAST_PAGES && leftPages <= this.#leftPages / 2;
      this.#leftPages = leftPages;
      if (!isWorthAnother) this.#checkpointing = 'finish';
      return;
    }
    this.#checkpointing = 'no';
    this.#checkpointAt = this.#walPages + this.#options.walPages;
  }

  #failed(order: Order | undefined, error: unknown): void {
    if (this.#phase === 'chunk' || this.#phase === 'plan') this.#phase = 'plan';
    if (this.#phase === 'purge') {
      // Rubbish can wait; the log cannot.
      this.#hasRubbish = true;
      this.#rest();
    }
    if (order?.kind !== 'checkpoint') this.#isPartlyPlaced = true;
    this.#checkpointing = 'no';
    this.#options.onError(error);
    if (this.#isClosed) return;
    this.#backoffTimer = setTimeout(() => {
      this.#backoffTimer = undefined;
      this.proceed();
    }, this.#backoffMs).unref();
    this.#backoffMs = Math.min(this.#backoffMs * 2, MAX_BACKOFF_MS);
  }

  #startThread(): OrderThread<Order, Report> {
    return new OrderThread({
      name: 'colloquy-indexer',
      script: this.#options.script,
      path: this.#options.path,
      isAwaited: false,
      onReady: () => this.proceed(),
      onReport: (report, order) => {
        this.#report(report, order);
        this.#handBack();
      },
      onDeath: (error) => {
        this.#thread = undefined;
        this.#failed(undefined, error);
        this.#handBack();
      },
    });
  }

  /** I4. A flush that is looking for the report itself goes on by itself: it is not under way twice. */
  #handBack(): void {
    if (this.#isLooking) return;
    this.#options.flush();
    this.proceed();
  }

  #armIdle(): void {
    if (this.#idleTimer !== undefined || this.#isClosed) return;
    this.#idleTimer = setTimeout(() => {
      this.#idleTimer = undefined;
      const rested = performance.now() - this.#lastCommitAt;
      if (rested < this.#options.idleMs) {
        this.#armIdle();
        return;
      }
      this.#isIdle = true;
      this.proceed();
    }, this.#options.idleMs).unref();
  }
}
