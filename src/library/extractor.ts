import { type Failure, failure } from '../domain/failure.ts';
import { err, type Result } from '../domain/result.ts';
import type { Order, Reading } from './extract.ts';
import { ExtractThread } from './extract-thread.ts';

export interface ExtractorOptions {
  /** Milliseconds that reading one document may take. */
  readonly deadlineMs: number;
  /** Bytes of memory that reading one document may take. */
  readonly maxMemoryBytes?: number;
  /** Documents that are read at once. */
  readonly threads?: number;
}

const MEMORY_BYTES = 384 * 1_024 * 1_024;
const THREADS = 2;
/** Documents that wait to be read; more are refused. */
const MAX_WAITING = 64;

interface Job {
  readonly order: Order;
  readonly settle: (report: Result<Reading, Failure>) => void;
}

/**
 * Reads documents in threads of their own, with a bound on time, on memory, and on how many at once.
 *
 * Owns: the threads. Does not own: what is done with what was read.
 * Invariants: 1. A thread has one order at a time. 2. Every order gets one report, also when its thread dies, runs
 * out of time or memory, or this is closed. 3. A thread that broke a bound is ended, and another one takes the next.
 */
export class Extractor {
  readonly #options: Required<ExtractorOptions>;
  readonly #idle: ExtractThread[] = [];
  readonly #busy = new Set<ExtractThread>();
  readonly #waiting: Job[] = [];
  #isClosed = false;

  constructor(options: ExtractorOptions) {
    this.#options = { maxMemoryBytes: MEMORY_BYTES, threads: THREADS, ...options };
  }

  /** The document as text in pieces. Takes the memory of the bytes over where it can. */
  read(order: Order): Promise<Result<Reading, Failure>> {
    if (this.#isClosed) return Promise.resolve(err(failure('draining')));
    if (this.#waiting.length >= MAX_WAITING) return Promise.resolve(err(failure('overloaded')));
    return new Promise((settle) => {
      this.#waiting.push({ order, settle });
      this.#next();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { settle } of this.#waiting.splice(0)) settle(err(failure('draining')));
    await Promise.all([...this.#idle.splice(0), ...this.#busy].map((thread) => thread.end()));
  }

  #next(): void {
    if (this.#busy.size >= this.#options.threads) return;
    const job = this.#waiting.shift();
    if (job === undefined) return;
    const thread = this.#idle.pop() ?? new ExtractThread(this.#options);
    this.#busy.add(thread);
    thread.run(job.order, (report) => {
      this.#busy.delete(thread);
      if (thread.isAlive && !this.#isClosed) this.#rest(thread);
      // A thread that was ended in the middle says that it broke; the document is as good as before.
      job.settle(this.#isClosed && !report.ok ? err(failure('draining')) : report);
      this.#next();
    });
  }

  #rest(thread: ExtractThread): void {
    this.#idle.push(thread);
    thread.restUntil(() => {
      const at = this.#idle.indexOf(thread);
      if (at >= 0) this.#idle.splice(at, 1);
    });
  }
}
