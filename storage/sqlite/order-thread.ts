import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
} from 'node:worker_threads';

/** What a thread is started with. */
export interface ThreadData {
  readonly path: string;
  readonly port: MessagePort;
}

export interface ThreadOptions<Order, Report> {
  readonly name: string;
  readonly script: URL;
  readonly path: string;
  /** Somebody waits for it: the process stays until it is ready. */
  readonly isAwaited: boolean;
  /** The thread has the file open; before that it takes no orders. */
  readonly onReady: () => void;
  readonly onReport: (report: Report, order: Order) => void;
  /** The thread ended though nobody closed it; an order that was under way gets no report. */
  readonly onDeath: (error: unknown) => void;
}

/** A worker and its port: one order at a time, its report by message or, for who cannot wait, by looking. */
export class OrderThread<Order, Report> {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #options: ThreadOptions<Order, Report>;
  readonly #ended: Promise<void>;
  #order: Order | undefined;
  #isReady = false;
  #isClosed = false;

  constructor(options: ThreadOptions<Order, Report>) {
    this.#options = options;
    const { name, script, path } = options;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const workerData: ThreadData = { path, port: port2 };
    this.#worker = new Worker(script, { workerData, transferList: [port2], name });
    if (!options.isAwaited) this.#worker.unref();
    port1.once('message', () => this.#ready());
    port1.unref();
    let cause: unknown = new Error(`the thread ${name} stopped`);
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
    if (this.#order !== undefined) throw new Error('the thread has an order already');
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

  #ready(): void {
    this.#worker.unref();
    this.#port.on('message', (report: Report) => this.#receive(report));
    this.#port.unref();
    this.#isReady = true;
    this.#options.onReady();
  }

  #receive(report: Report): void {
    const order = this.#order;
    if (order === undefined) return;
    this.#order = undefined;
    this.#port.unref();
    this.#options.onReport(report, order);
  }

  #die(cause: unknown): void {
    this.#isClosed = true;
    this.#order = undefined;
    this.#port.close();
    this.#options.onDeath(cause);
  }
}
