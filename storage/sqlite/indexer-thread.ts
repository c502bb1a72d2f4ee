import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
} from 'node:worker_threads';
import type { IndexerData, Order, Report } from './indexer-protocol.ts';

export interface ThreadEvents {
  /** The thread has the file open; before that it takes no orders. */
  readonly onReady: () => void;
  readonly onReport: (report: Report, order: Order) => void;
  /** The thread ended though nobody closed it; an order that was under way gets no report. */
  readonly onDeath: (error: unknown) => void;
}

/** The worker and its port: one order at a time, its report by message or, for who cannot wait, by looking. */
export class IndexerThread {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #events: ThreadEvents;
  readonly #ended: Promise<void>;
  #order: Order | undefined;
  #isReady = false;
  #isClosed = false;

  constructor(script: URL, path: string, events: ThreadEvents) {
    this.#events = events;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const workerData: IndexerData = { path, port: port2 };
    this.#worker = new Worker(script, {
      workerData,
      transferList: [port2],
      name: 'colloquy-indexer',
    });
    this.#worker.unref();
    port1.once('message', () => {
      port1.on('message', (report: Report) => this.#receive(report));
      port1.unref();
      this.#isReady = true;
      events.onReady();
    });
    port1.unref();
    let cause: unknown = new Error('the indexer stopped');
    this.#worker.on('error', (error) => {
      cause = error;
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        resolve();
        if (!this.#isClosed) this.#die(cause);
      });
    });
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** The order whose report is not in. */
  get order(): Order | undefined {
    return this.#order;
  }

  send(order: Order): void {
    if (this.#order !== undefined) throw new Error('the indexer has an order already');
    this.#order = order;
    this.#port.ref();
    this.#port.postMessage(order);
  }

  /** Takes the report in if it is there, without a turn of the event loop. */
  look(): void {
    if (this.#order === undefined) return;
    const found = receiveMessageOnPort(this.#port) as { message: Report } | undefined;
    if (found !== undefined) this.#receive(found.message);
  }

  /** Ends the thread after the order it has. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#worker.ref();
    this.#port.close();
    return this.#ended;
  }

  #receive(report: Report): void {
    const order = this.#order;
    if (order === undefined) return;
    this.#order = undefined;
    this.#port.unref();
    this.#events.onReport(report, order);
  }

  #die(cause: unknown): void {
    this.#isClosed = true;
    this.#order = undefined;
    this.#port.close();
    this.#events.onDeath(cause);
  }
}
