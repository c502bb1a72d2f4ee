/**
 * Lets what was queued on many connections go out together, after everything that one turn of the event
 * loop has to say was said: an ack and its event, or the events of many conversations, are one write a socket.
 */
export class Flusher {
  #due: Array<() => void> = [];

  /** Calls `flush` once the code that runs now, and the promises it settled, are done. */
  request(flush: () => void): void {
    if (this.#due.push(flush) === 1) queueMicrotask(() => this.#run());
  }

  #run(): void {
    // Promises settled in the same burst stand before this microtask in the queue; those behind it come next.
    const due = this.#due;
    this.#due = [];
    for (const flush of due) flush();
  }
}
