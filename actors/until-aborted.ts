/**
 * Ends with the abort, also when the source does not: an agent that ignores its signal holds up nobody. One listener
 * for all that the source gives.
 */
export function untilAborted<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncIterableIterator<T, undefined> {
  return new UntilAborted(source[Symbol.asyncIterator](), signal);
}

type Next<T> = IteratorResult<T, undefined>;

class UntilAborted<T> implements AsyncIterableIterator<T, undefined> {
  readonly #inner: AsyncIterator<T>;
  readonly #signal: AbortSignal;
  /** Tells who waits that it is over. */
  #end: ((over: Next<T>) => void) | undefined;

  constructor(inner: AsyncIterator<T>, signal: AbortSignal) {
    this.#inner = inner;
    this.#signal = signal;
    signal.addEventListener('abort', this.#cutOff, { once: true });
  }

  next(): Promise<Next<T>> {
    if (this.#signal.aborted) return this.return();
    return new Promise((resolve, reject) => {
      this.#end = resolve;
      const settle = (next: IteratorResult<T>) => {
        if (next.done === true) this.#stop();
        resolve(next.done === true ? OVER : next);
      };
      const fail = (cause: unknown) => {
        this.#stop();
        reject(cause);
      };
      this.#inner.next().then(settle, fail);
    });
  }

  return(): Promise<Next<T>> {
    this.#stop();
    this.#inner.return?.().catch(() => {});
    return Promise.resolve(OVER);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #stop(): void {
    this.#signal.removeEventListener('abort', this.#cutOff);
    this.#end = undefined;
  }

  readonly #cutOff = () => {
    this.#end?.(OVER);
    this.#inner.return?.().catch(() => {});
  };
}

const OVER = { done: true, value: undefined } as const;
