/**
 * Owns the watchdogs of one model call and its end: a call that is late, that stalls, or that nobody reads
 * any more is closed. Does not own retries.
 *
 * Invariants:
 * W1. The call is closed (its signal aborts) when the stream ends, fails, is left, or the turn aborts.
 * W2. No wait outlives the turn's abort, even when the model's client ignores it.
 * W3. The first token has its own time; after it every event, shown or not, winds the stall watchdog up again.
 */
import { ProviderFault } from '../../provider/provider-fault.ts';

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

/** One model call, watched: what it gives. Throws `ProviderFault` when it is late, or the reason of the abort. */
export async function* watched<T>(
  call: (signal: AbortSignal) => AsyncIterable<T>,
  { signal, patience, isToken }: WatchOptions<T>,
): AsyncGenerator<T, void, undefined> {
  const closing = new AbortController();
  const close = () => closing.abort(signal.reason);
  signal.addEventListener('abort', close, { once: true });
  if (signal.aborted) close();
  const events = call(closing.signal)[Symbol.asyncIterator]();
  let hasToken = false;
  try {
    let waitMs = patience.firstTokenMs;
    let fault = () => new ProviderFault('late', `no token after ${patience.firstTokenMs} ms`);
    const lateAt = performance.now() + patience.firstTokenMs;
    for (;;) {
      const next = await nextOf(events, closing.signal, { waitMs, fault });
      if (next.done === true) return;
      hasToken ||= isToken(next.value);
      yield next.value;
      waitMs = hasToken ? patience.stallMs : Math.max(lateAt - performance.now(), 0);
      if (hasToken)
        fault = () => new ProviderFault('stalled', `no token for ${patience.stallMs} ms`);
    }
  } finally {
    signal.removeEventListener('abort', close);
    closing.abort();
    // It ends by itself now that its signal is aborted; what it says about that is of no interest.
    void Promise.resolve(events.return?.()).catch(() => undefined);
  }
}

interface Watch {
  readonly waitMs: number;
  readonly fault: () => ProviderFault;
}

/** The next event; the fault when it takes too long, the abort's reason when nobody waits for it any more. */
function nextOf<T>(
  events: AsyncIterator<T>,
  signal: AbortSignal,
  { waitMs, fault }: Watch,
): Promise<IteratorResult<T>> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    // One more look at the sockets: a process that was busy for as long finds its timer due before its mail.
    const timer = setTimeout(() => setImmediate(() => settle(() => reject(fault()))), waitMs);
    const abort = () => settle(() => reject(signal.reason));
    const settle = (outcome: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      outcome();
    };
    signal.addEventListener('abort', abort, { once: true });
    events.next().then(
      (next) => settle(() => resolve(next)),
      (error: unknown) => settle(() => reject(error)),
    );
  });
}
