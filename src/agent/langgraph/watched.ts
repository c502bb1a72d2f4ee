/**
 * Owns the patience with one call of a model: a call that is late, that stalls, or that nobody reads
 * any more is closed. Does not own retries.
 *
 * Invariants:
 * W1. The call is closed (its signal aborts) when it fails, is left, or the turn aborts; one that ended is closed.
 * W2. No wait outlives the turn's abort, even when the model's client ignores it.
 * W3. The first token has its own time; after it every event, shown or not, winds the stall watchdog up again.
 * W4. Only who waits can wait too long: the time between two calls of `next` does not count.
 */
import { ProviderFault } from '../../provider/provider-fault.ts';
import { LEFT } from './left.ts';

export interface Patience {
  /** Milliseconds to the first token. */
  readonly firstTokenMs: number;
  /** Milliseconds between two events after it. */
  readonly stallMs: number;
}

export interface WatchOptions<T> {
  readonly signal: AbortSignal;
  readonly patience: Patience;
  /** A token, and not just a sign of life. */
  readonly isToken: (event: T) => boolean;
}

/** One model call, watched. One timer for the whole call: a token costs a look at the clock, not a timer. */
export class Watched<T> {
  readonly #options: WatchOptions<T>;
  readonly #closing = new AbortController();
  readonly #events: AsyncIterator<T>;
  readonly #lateAt: number;
  #hasToken = false;
  #hasEnded = false;
  /** Who waits for the next event. */
  #reject: ((cause: unknown) => void) | undefined;
  #waitingSince = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = 0;

  constructor(call: (signal: AbortSignal) => AsyncIterable<T>, options: WatchOptions<T>) {
    const { signal, patience } = options;
    this.#options = options;
    this.#lateAt = performance.now() + patience.firstTokenMs;
    signal.addEventListener('abort', this.#cutOff, { once: true });
    if (signal.aborted) this.#cutOff();
    this.#events = call(this.#closing.signal)[Symbol.asyncIterator]();
  }

  /** The next event. Rejects with a `ProviderFault` when it takes too long, or with the reason of the abort. */
  next(): Promise<IteratorResult<T>> {
    const { signal, isToken } = this.#options;
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      this.#waitingSince = performance.now();
      this.#arm();
      const fail = (cause: unknown) => {
        this.#reject = undefined;
        reject(cause);
      };
      this.#events.next().then((next) => {
        this.#reject = undefined;
        if (next.done === true) this.#hasEnded = true;
        else if (!this.#hasToken) this.#hasToken = isToken(next.value);
        resolve(next);
      }, fail);
    });
  }

  close(): void {
    this.#options.signal.removeEventListener('abort', this.#cutOff);
    clearTimeout(this.#timer);
    this.#reject = undefined;
    if (this.#hasEnded) return;
    this.#closing.abort(LEFT);
    // It ends by itself now that its signal is aborted; what it says about that is of no interest.
    void Promise.resolve(this.#events.return?.()).catch(() => undefined);
  }

  readonly #cutOff = () => {
    const { signal } = this.#options;
    this.#closing.abort(signal.reason);
    clearTimeout(this.#timer);
    this.#reject?.(signal.reason);
  };

  get #dueAt(): number {
    if (!this.#hasToken) return this.#lateAt;
    return this.#waitingSince + this.#options.patience.stallMs;
  }

  /** The timer goes off at the time that is due, or before: then it looks again. */
  #arm(): void {
    const dueAt = this.#dueAt;
    if (this.#timer !== undefined && this.#timerAt <= dueAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = dueAt;
    this.#timer = setTimeout(() => this.#look(), Math.max(dueAt - performance.now(), 0));
  }

  #look(): void {
    this.#timer = undefined;
    if (this.#reject === undefined) return;
    // One more look at the sockets: a process that was busy for as long finds its timer due before its mail.
    if (performance.now() >= this.#dueAt) setImmediate(() => this.#giveUp());
    else this.#arm();
  }

  #giveUp(): void {
    if (this.#reject === undefined) return;
    if (performance.now() < this.#dueAt) {
      this.#arm();
      return;
    }
    const { firstTokenMs, stallMs } = this.#options.patience;
    const fault = this.#hasToken
      ? new ProviderFault('stalled', `no token for ${stallMs} ms`)
      : new ProviderFault('late', `no token after ${firstTokenMs} ms`);
    this.#reject(fault);
  }
}
