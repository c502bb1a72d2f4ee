interface Flushed {
  readonly flush: () => void;
  /** More than one conversation may have something to say to it. */
  readonly isShared: boolean;
}

/** Connections that are written to at once: few enough to be in the processor's caches still. */
const GROUP = 64;

/**
 * Lets what was queued on many connections go out together, after everything that one turn of the event
 * loop has to say was said: an ack and its event, or the events of many conversations, are one write a socket.
 * A connection of one conversation is written to when that has said its batch: its memory is at hand then.
 */
export class Flusher {
  readonly #flush = () => this.#run();
  /** Filled up to `#size`; what is behind it was written to. */
  #due: Flushed[] = [];
  #size = 0;
  /** Those before it are shared, and wait for the others. */
  #shared = 0;
  #isAsked = false;

  /** Lets it flush once the code that runs now, and the promises it settled, are done. */
  request(connection: Flushed): void {
    this.#due[this.#size] = connection;
    this.#size += 1;
    if (this.#isAsked) return;
    this.#isAsked = true;
    queueMicrotask(this.#flush);
  }

  /** A conversation has said its batch. */
  readonly batchSaid = (): void => {
    let shared = this.#shared;
    if (this.#size - shared < GROUP) return;
    for (let at = shared; at < this.#size; at += 1) {
      const connection = this.#due[at] as Flushed;
      if (!connection.isShared) {
        connection.flush();
        continue;
      }
      this.#due[shared] = connection;
      shared += 1;
    }
    this.#shared = shared;
    this.#size = shared;
  };

  #run(): void {
    // Promises settled in the same burst stand before this microtask in the queue; those behind it come next.
    const due = this.#due;
    const size = this.#size;
    this.#due = [];
    this.#size = 0;
    this.#shared = 0;
    this.#isAsked = false;
    for (let at = 0; at < size; at += 1) (due[at] as Flushed).flush();
  }
}
