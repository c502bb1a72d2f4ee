import { setTimeout as nextTry } from 'node:timers/promises';
import type { Database, Statement } from 'better-sqlite3';
import { err, type Result } from '../../src/domain/result.ts';
import type { Commit } from '../store.ts';
import { type Unavailable, unavailable } from '../unavailable.ts';
import { isBusy, isEnvironment, mayBeStored } from './errors.ts';
import type { Undo } from './writer.ts';

/** Rows in one transaction at most; what is over goes into the next, after the event loop had its turn. */
const MAX_COMMIT_ROWS = 8_192;
/** How soon a file that someone else has locked is tried again. */
const RETRY_MS = 5;

/** Who has the write lock when it is not ours: another thread of the store, or another program. */
type Holder = 'worker' | 'stranger';

export interface GroupCommitOptions {
  readonly db: Database;
  /** How long writes wait for a lock that another program holds before they are refused. */
  readonly lockWaitMs: number;
  /** The same for a lock that a worker holds, which does give it back: as fast as the disk lets it. */
  readonly lentWaitMs: number;
  /** True while a worker holds the file's write lock; `flush` is called when it has let go. */
  readonly isLent: () => boolean;
  /** Writes what the writes have left to be written together; `drop` forgets it. */
  readonly finish: () => void;
  readonly drop: () => void;
  /** Makes memory agree with the file when a rollback could not be trusted; throws when it can't be read. */
  readonly resync: () => void;
  readonly onCommit: (commit: Commit) => void;
  /** After each turn of the lock, committed or not. */
  readonly onFlushed: () => void;
  readonly onError: (error: unknown) => void;
}

/**
 * One transaction for all the writes that came in since the last: what is queued in one callback of the event
 * loop is committed in the microtask after it.
 *
 * Owns: the queue of writes, the transaction, when memory is undone. Does not own: what a write does (writer.ts),
 * the lock's other user (indexer.ts). Bound: a conversation has one write under way, so the queue is as long as
 * conversations are busy; nothing waits longer than `lentWaitMs`.
 *
 * Invariants:
 * G1. A write is answered after its transaction's COMMIT returned, or after its ROLLBACK did.
 * G2. Writes are performed in the order they were queued.
 * G3. A write that breaks (a value SQLite refuses, a bug) fails alone: the others of its group are committed.
 */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #begin: Statement<[]>;
  readonly #commit: Statement<[]>;
  readonly #rollback: Statement<[]>;
  #queue: Queued[] = [];
  #isScheduled = false;
  #isOutOfSync = false;
  #retry: NodeJS.Timeout | undefined;
  /** Since when writes wait, and since when another program was seen to have the lock. */
  #blockedSince: number | undefined;
  #lockedSince: number | undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#begin = options.db.prepare('BEGIN IMMEDIATE');
    this.#commit = options.db.prepare('COMMIT');
    this.#rollback = options.db.prepare('ROLLBACK');
  }

  get hasQueued(): boolean {
    return this.#queue.length > 0;
  }

  submit(write: Queued): void {
    this.#queue.push(write);
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      queueMicrotask(() => {
        this.#isScheduled = false;
        this.flush();
      });
    }
  }

  /** Commits what is queued, unless the lock is elsewhere; then it is tried again. */
  flush(): void {
    if (this.#queue.length === 0) return;
    if (this.#options.isLent()) {
      this.#wait('worker', new Error('a worker holds the write lock'));
      return;
    }
    const group = this.#takeGroup();
    if (!this.#commitGroup(group)) return;
    this.#unblock();
    if (this.#queue.length > 0) setImmediate(() => this.flush());
    this.#options.onFlushed();
  }

  /** Settled when nothing is queued any more. */
  async drain(): Promise<void> {
    while (this.#queue.length > 0) {
      this.flush();
      if (this.#queue.length > 0) await nextTry(RETRY_MS);
    }
  }

  #takeGroup(): Queued[] {
    let rows = 0;
    let count = 0;
    for (const { rows: more } of this.#queue) {
      if (count > 0 && rows + more > MAX_COMMIT_ROWS) break;
      rows += more;
      count += 1;
    }
    if (count < this.#queue.length) return this.#queue.splice(0, count);
    const group = this.#queue;
    this.#queue = [];
    return group;
  }

  /** False when the lock was elsewhere and the group is back in the queue. */
  #commitGroup(group: Queued[]): boolean {
    const undo: Undo = [];
    const started = performance.now();
    let phase: 'begin' | 'write' | 'commit' = 'begin';
    try {
      if (this.#isOutOfSync) this.#resync();
      this.#begin.run();
      phase = 'write';
      for (const write of group) write.perform(undo);
      this.#options.finish();
      phase = 'commit';
      this.#commit.run();
    } catch (error) {
      if (phase === 'begin' && isBusy(error)) {
        this.#queue = [...group, ...this.#queue];
        this.#wait('stranger', error);
        return false;
      }
      this.#takeBack(undo, phase);
      if (phase === 'write' && !isEnvironment(error)) this.#isolate(group, error);
      else this.#refuse(group, error, phase);
      return true;
    }
    let rows = 0;
    for (const write of group) rows += write.rows;
    this.#options.onCommit({
      rows,
      requests: group.length,
      seconds: (performance.now() - started) / 1_000,
    });
    for (const write of group) write.settle();
    return true;
  }

  #takeBack(undo: Undo, phase: 'begin' | 'write' | 'commit'): void {
    this.#options.drop();
    try {
      if (this.#options.db.inTransaction) this.#rollback.run();
    } catch (error) {
      this.#isOutOfSync = true;
      this.#options.onError(error);
    }
    for (let index = undo.length - 1; index >= 0; index -= 1) undo[index]?.();
    if (phase === 'commit') this.#isOutOfSync = true;
  }

  #resync(): void {
    this.#options.resync();
    this.#isOutOfSync = false;
  }

  /** G3: each by itself; the one that breaks again is its caller's broken invariant. */
  #isolate(group: Queued[], error: unknown): void {
    const [first] = group;
    if (group.length === 1) {
      first?.fail(error);
      return;
    }
    for (const [index, write] of group.entries()) {
      if (this.#commitGroup([write])) continue;
      this.#queue.splice(1, 0, ...group.slice(index + 1));
      return;
    }
  }

  #refuse(group: readonly Queued[], error: unknown, phase: 'begin' | 'write' | 'commit'): void {
    this.#options.onError(error);
    const outcome = phase === 'commit' && mayBeStored(error) ? 'unknown' : 'none';
    for (const write of group) write.refuse(unavailable(error, outcome));
  }

  #wait(holder: Holder, cause: unknown): void {
    const now = performance.now();
    const { lentWaitMs, lockWaitMs } = this.#options;
    this.#blockedSince ??= now;
    // A worker may be waiting for that lock, too: it does not begin the wait anew.
    if (holder === 'stranger') this.#lockedSince ??= now;
    const isLocked = holder === 'stranger' && now - (this.#lockedSince ?? now) >= lockWaitMs;
    if (isLocked || now - this.#blockedSince >= lentWaitMs) {
      this.#unblock();
      const refused = this.#queue;
      this.#queue = [];
      this.#refuse(refused, cause, 'begin');
      this.#options.onFlushed();
      return;
    }
    if (this.#retry !== undefined) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.flush();
    }, RETRY_MS);
  }

  #unblock(): void {
    this.#blockedSince = undefined;
    this.#lockedSince = undefined;
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }
}

/** A write and where its answer goes. Of the last three, one is called, once; none may throw. */
export interface Queued {
  readonly rows: number;
  perform(undo: Undo): void;
  settle(): void;
  refuse(failure: Unavailable): void;
  fail(error: unknown): void;
}

/** A write that is answered by a promise. */
export class QueuedWrite<T, F> implements Queued {
  readonly rows: number;
  readonly answer: Promise<Result<T, F | Unavailable>>;
  readonly #perform: (undo: Undo) => Result<T, F>;
  #resolve: (result: Result<T, F | Unavailable>) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #result: Result<T, F> | undefined;

  constructor(rows: number, perform: (undo: Undo) => Result<T, F>) {
    this.rows = rows;
    this.#perform = perform;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  perform(undo: Undo): void {
    this.#result = this.#perform(undo);
  }

  settle(): void {
    if (this.#result !== undefined) this.#resolve(this.#result);
  }

  refuse(failure: Unavailable): void {
    this.#resolve(err(failure));
  }

  fail(error: unknown): void {
    this.#reject(error);
  }
}
