import { err, ok, type Result } from '../../src/domain/result.ts';
import { type Unavailable, unavailable } from '../unavailable.ts';
import { codeOf } from './errors.ts';
import { OrderThread } from './order-thread.ts';
import {
  type CallAnswer,
  type CallName,
  type CallOrder,
  isWrite,
  type SearchOrder,
  type SearchReport,
} from './search-protocol.ts';

export interface SearcherOptions {
  readonly path: string;
  readonly script: URL;
  /** How long a read may take, from when it is asked for. */
  readonly readMs: number;
  /** A commit waits, or another worker has the write lock or a checkpoint under way. */
  readonly isLockElsewhere: () => boolean;
  /** The lock is back: commit what waits for it, and let the other worker have its turn. */
  readonly handBack: () => void;
  /** A read has ended, which a checkpoint may have waited for. */
  readonly onRead: () => void;
  readonly onError: (error: unknown) => void;
}

/** Operations under way at a time; each has one call in the queue at most. */
const MAX_OPERATIONS = 256;

/**
 * Gives the calls to the searching thread, one at a time.
 *
 * Owns: the queues of calls, the thread's life. Does not own: what a call does (search-steps.ts), the commits
 * (group-commit.ts), which operation makes which calls (sqlite-index.ts, sqlite-documents.ts). Bound: MAX_OPERATIONS.
 *
 * Invariants:
 * Q1. One call at a time. While a write is out, `isLent` is true and no commit begins; none goes out while the
 *     lock is elsewhere, or a commit waits.
 * Q2. What a write is about is looked up in the moment it goes out: no commit comes between that and its end.
 * Q3. Reads and writes take turns: neither waits for a queue of the other.
 * Q4. The thread's death is the answer of all calls that wait, none of which was carried out, but for the one that
 *     was out, which may have been. The next call starts another thread.
 * Q5. A read is answered within `readMs`, whatever goes before it: SQLite can't be interrupted in a thread, so one that takes
 *     too long goes on, and nobody waits for what it finds. Writes are short, and are waited for.
 */
export class Searcher {
  readonly #options: SearcherOptions;
  #thread: OrderThread<SearchOrder, SearchReport> | undefined;
  #reads: Call[] = [];
  #writes: Call[] = [];
  #current: Call | undefined;
  #lastWasRead = false;
  #isLooking = false;
  #operations = 0;
  #isClosed = false;
  #whenDone: (() => void) | undefined;

  constructor(options: SearcherOptions) {
    this.#options = options;
  }

  /** True while its thread holds the write lock, as far as is known. */
  get holdsLock(): boolean {
    const order = this.#thread?.order;
    return order !== undefined && isWrite(order.name);
  }

  /** True while a call is out: it may read from the WAL. */
  get isBusy(): boolean {
    return this.#current !== undefined;
  }

  /** True while the thread holds the write lock. A report that is there already is taken in first. */
  isLent(): boolean {
    if (!this.holdsLock) return false;
    this.#isLooking = true;
    this.#thread?.look();
    this.#isLooking = false;
    return this.#thread?.order !== undefined;
  }

  /** An operation that may make calls, one after the other; a close waits for its end. */
  async during<T, F>(
    operation: () => Promise<Result<T, F | Unavailable>>,
  ): Promise<Result<T, F | Unavailable>> {
    if (this.#isClosed) return err(unavailable(new Error('the store is closed')));
    if (this.#operations >= MAX_OPERATIONS)
      return err(unavailable(new Error('too many searches at a time')));
    this.#operations += 1;
    try {
      return await operation();
    } finally {
      this.#operations -= 1;
      if (this.#operations === 0) this.#whenDone?.();
    }
  }

  /** A read that is an operation by itself. */
  read<K extends CallName>(
    name: K,
    order: CallOrder<K>,
  ): Promise<Result<CallAnswer<K>, Unavailable>> {
    return this.during(() => this.ask(name, order));
  }

  /** A read inside an operation. */
  ask<K extends CallName>(
    name: K,
    order: CallOrder<K>,
  ): Promise<Result<CallAnswer<K>, Unavailable>> {
    return this.#call(name, () => order) as Promise<Result<CallAnswer<K>, Unavailable>>;
  }

  /** A write inside an operation. `make` is asked when its turn has come (Q2); undefined when it made no order. */
  write<K extends CallName>(
    name: K,
    make: () => CallOrder<K> | undefined,
  ): Promise<Result<CallAnswer<K> | undefined, Unavailable>> {
    return this.#call(name, make) as Promise<Result<CallAnswer<K> | undefined, Unavailable>>;
  }

  /** Gives the thread its next call, if there is one whose turn it is and nothing is under way. */
  proceed(): void {
    while (this.#current === undefined) {
      if (this.#reads.length === 0 && this.#writes.length === 0) return;
      this.#thread ??= this.#startThread();
      if (!this.#thread.isReady) return;
      const call = this.#next();
      if (call === undefined) return;
      const order = call.make();
      if (order === undefined) continue;
      this.#current = call;
      this.#thread.send({ name: call.name, order });
    }
  }

  /** Settled when all operations have ended, and the thread with them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#operations > 0) {
      await new Promise<void>((resolve) => {
        this.#whenDone = resolve;
      });
    }
    await this.#thread?.close();
  }

  #call(
    name: CallName,
    make: () => CallOrder<CallName> | undefined,
  ): Promise<Result<CallAnswer<CallName>, Unavailable>> {
    return new Promise((resolve, reject) => {
      const call = new Call(name, make, { resolve, reject });
      if (isWrite(name)) this.#writes.push(call);
      else {
        this.#reads.push(call);
        call.giveUpAfter(this.#options.readMs, () => {
          this.#reads = this.#reads.filter((waiting) => waiting !== call);
        });
      }
      this.proceed();
    });
  }

  #next(): Call | undefined {
    const canWrite = this.#writes.length > 0 && !this.#options.isLockElsewhere();
    const isRead = this.#reads.length > 0 && !(canWrite && this.#lastWasRead);
    if (!isRead && !canWrite) return undefined;
    this.#lastWasRead = isRead;
    return (isRead ? this.#reads : this.#writes).shift();
  }

  #startThread(): OrderThread<SearchOrder, SearchReport> {
    return new OrderThread({
      name: 'colloquy-search',
      script: this.#options.script,
      path: this.#options.path,
      isAwaited: true,
      onReady: () => this.proceed(),
      onReport: (report, { name }) => {
        const call = this.#current;
        this.#current = undefined;
        call?.settle(report);
        this.#goOn(isWrite(name));
      },
      onDeath: (error) => this.#died(error),
    });
  }

  #died(error: unknown): void {
    const wasLent = this.#current !== undefined && isWrite(this.#current.name);
    const calls = [this.#current, ...this.#reads, ...this.#writes];
    this.#thread = undefined;
    this.#current = undefined;
    this.#reads = [];
    this.#writes = [];
    this.#options.onError(error);
    for (const call of calls) call?.refuse(error);
    this.#goOn(wasLent);
  }

  /** A flush that is looking for the report itself goes on by itself. */
  #goOn(hadLock: boolean): void {
    if (this.#isLooking) return;
    if (hadLock) this.#options.handBack();
    else this.#options.onRead();
    this.proceed();
  }
}

interface Settle {
  readonly resolve: (result: Result<CallAnswer<CallName>, Unavailable>) => void;
  readonly reject: (error: unknown) => void;
}

/** One call and its answer. */
class Call {
  readonly name: CallName;
  readonly #make: () => CallOrder<CallName> | undefined;
  readonly #settle: Settle;
  #deadline: NodeJS.Timeout | undefined;

  constructor(name: CallName, make: () => CallOrder<CallName> | undefined, settle: Settle) {
    this.name = name;
    this.#make = make;
    this.#settle = settle;
  }

  /** Refuses it when it has no answer by then; what comes later is not looked at. */
  giveUpAfter(ms: number, onLate: () => void): void {
    this.#deadline = setTimeout(() => {
      onLate();
      this.refuse(new Error(`${this.name}: no answer in ${ms} ms`));
    }, ms);
    this.#deadline.unref();
  }

  /** Undefined when the call is settled: there is nothing to do, or it failed. */
  make(): CallOrder<CallName> | undefined {
    try {
      const order = this.#make();
      if (order === undefined) this.#settle.resolve(ok(undefined));
      return order;
    } catch (error) {
      clearTimeout(this.#deadline);
      if (codeOf(error) === undefined) this.#settle.reject(error);
      else this.refuse(error);
      return undefined;
    }
  }

  /** Only SQLite's own errors are answers; anything else is a bug and rejects. */
  settle(report: SearchReport): void {
    clearTimeout(this.#deadline);
    if (report.ok) {
      this.#settle.resolve(ok(report.answer));
      return;
    }
    const error = new Error(`${this.name}: ${report.code ?? 'a bug'}: ${report.message}`);
    if (report.code === undefined) this.#settle.reject(error);
    else this.refuse(error);
  }

  refuse(error: unknown): void {
    clearTimeout(this.#deadline);
    this.#settle.resolve(err(unavailable(error)));
  }
}
