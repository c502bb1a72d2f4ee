interface Flushed {
  readonly flush: () => void;
}

/**
 * Lets what was queued on many connections go out together, after everything that one turn of the event
 * loop has to say was said: an ack and its event, or the events of many conversations, are one write a socket.
 */
export class Flusher {
  readonly #flush = () => this.#run();
  #due: Flushed[] = [];

  /** Lets it flush once the code that runs now, and the promises it settled, are done. */
  request(connection: Flushed): void {
    if (this.#due.push(connection) === 1) queueMicrotask(this.#flush);
  }

  #run(): void {
    // Promises settled in the same burst stand before this microtask in the queue; those behind it come next.
    const due = this.#due;
    this.#due = [];
    for (const connection of due) connection.flush();
  }
}
