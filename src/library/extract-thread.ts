import { Worker } from 'node:worker_threads';
import { type Failure, failure } from '../domain/failure.ts';
import { err, type Result } from '../domain/result.ts';
import type { Order, Reading } from './extract.ts';

interface Bounds {
  readonly deadlineMs: number;
  readonly maxMemoryBytes: number;
}

const SCRIPT = new URL('./extract-worker.ts', import.meta.url);
/** Milliseconds that loading the thread may take before it is given up. */
const START_MS = 60_000;
/** Milliseconds between two looks at the memory of a thread that works. */
const LOOK_MS = 20;
/** Milliseconds without an order after which a thread ends. */
const IDLE_MS = 30_000;
/**
 * V8's own bound on the thread's heap, out of reach: where it is met inside one allocation (JSON.parse makes many),
 * V8 ends the whole process. The bound that counts is ours: what it may miss, one call into V8 between two looks,
 * takes some 60 bytes for each one of the document.
 */
const V8_HEAP_MIB = 4_096;

type Report = Result<Reading, Failure>;

/** One thread of the extractor: an order, a report, or an end with a reason. */
export class ExtractThread {
  readonly #worker: Worker;
  readonly #bounds: Bounds;
  #report: ((report: Report) => void) | undefined;
  #isReady = false;
  #isAlive = true;
  #cause: unknown;
  #deadline: NodeJS.Timeout | undefined;
  #look: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #onEnd: () => void = () => {};

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
    this.#worker = new Worker(SCRIPT, {
      name: 'colloquy-extract',
      // No secret of the process is within reach of what reads files of strangers.
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: V8_HEAP_MIB },
      // What libraries print about hostile files is nobody's to read.
      stdout: true,
      stderr: true,
    });
    this.#worker.stdout.resume();
    this.#worker.stderr.resume();
    this.#worker.on('message', (message: Report | 'ready') => this.#hear(message));
    this.#worker.on('error', (cause) => {
      this.#cause = cause;
    });
    this.#worker.once('exit', () => this.#died());
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  run(order: Order, report: (report: Report) => void): void {
    if (this.#report !== undefined) throw new Error('the thread has an order already');
    clearTimeout(this.#idle);
    this.#worker.ref();
    this.#report = report;
    this.#deadline = setTimeout(
      () => this.#giveUp('Reading the document takes too long.'),
      this.#isReady ? this.#bounds.deadlineMs : START_MS,
    );
    this.#watch();
    const { bytes } = order;
    // Small buffers share their memory with others, and are copied.
    const isWhole = bytes.byteLength === bytes.buffer.byteLength;
    this.#worker.postMessage(order, isWhole ? [bytes.buffer as ArrayBuffer] : []);
  }

  /** Keeps the thread for a while without keeping the process alive; `onEnd` when it is over. */
  restUntil(onEnd: () => void): void {
    this.#onEnd = onEnd;
    this.#worker.unref();
    this.#idle = setTimeout(() => {
      onEnd();
      void this.end();
    }, IDLE_MS);
    this.#idle.unref();
  }

  async end(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#worker.terminate();
  }

  #hear(message: Report | 'ready'): void {
    if (message !== 'ready') {
      this.#answer(message);
      return;
    }
    this.#isReady = true;
    if (this.#report === undefined) return;
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(
      () => this.#giveUp('Reading the document takes too long.'),
      this.#bounds.deadlineMs,
    );
  }

  #answer(report: Report): void {
    const tell = this.#report;
    this.#report = undefined;
    clearTimeout(this.#deadline);
    clearTimeout(this.#look);
    tell?.(report);
  }

  /** Looks at the thread's memory, in its heap and outside, until it has answered. */
  #watch(): void {
    this.#look = setTimeout(async () => {
      // A thread that is still starting refuses to say; one that is gone has answered.
      const bytes = await this.#worker.getHeapStatistics().then(
        ({ used_heap_size: heap, external_memory: outside }) => heap + outside,
        () => 0,
      );
      if (this.#report === undefined) return;
      if (bytes > this.#bounds.maxMemoryBytes)
        this.#giveUp('Reading the document takes too much memory.');
      else this.#watch();
    }, LOOK_MS);
  }

  #giveUp(message: string): void {
    this.#isAlive = false;
    this.#answer(err(failure('document_unreadable', { message })));
    void this.end();
  }

  #died(): void {
    this.#isAlive = false;
    clearTimeout(this.#idle);
    this.#onEnd();
    const message = isMemory(this.#cause)
      ? 'Reading the document takes too much memory.'
      : 'The document could not be read.';
    this.#answer(err(failure('document_unreadable', { message, cause: this.#cause })));
  }
}

function isMemory(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY';
}
