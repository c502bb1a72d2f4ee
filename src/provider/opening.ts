/**
 * Owns how often and when an endpoint is called: retries with backoff, around the breaker that leaves a broken
 * endpoint alone.
 */
import {
  ExponentialBackoff,
  type FailureReason,
  handleWhen,
  type IBackoff,
  type IBackoffFactory,
  type IRetryBackoffContext,
  retry,
} from 'cockatiel';

import { Breaker, type BreakerOptions } from './breakers.ts';
import { ProviderFault } from './provider-fault.ts';

/** Runs `open` until it succeeds or may not be tried again. Throws `ProviderFault`, or the reason of the abort at once. */
export type Opening = <T>(open: () => Promise<T>, signal: AbortSignal) => Promise<T>;

export interface OpeningOptions extends BreakerOptions {
  /** Calls after the first that refused or failed before anything came. */
  readonly retries: number;
  /** Milliseconds before the first retry, on average; doubling. */
  readonly retryBaseMs: number;
  /** Milliseconds a retry waits at most; an endpoint that asks for longer is not asked again. */
  readonly retryMaxMs: number;
}

/** `breaker` is the one of the endpoint, known by its name; without one this opening has its own. */
export function opening(
  options: OpeningOptions,
  breaker: Breaker = new Breaker('own', options),
): Opening {
  const retries = retry(
    handleWhen((error) => mayRetry(error, options.retryMaxMs)),
    {
      maxAttempts: options.retries,
      backoff: politeBackoff(
        new ExponentialBackoff({ initialDelay: options.retryBaseMs, maxDelay: options.retryMaxMs }),
      ),
    },
    // A backoff that nobody waits for any more keeps no process alive.
  ).dangerouslyUnref();

  return (open, signal) =>
    untilAborted(
      retries.execute(() =>
        breaker.run(() => {
          signal.throwIfAborted();
          return open();
        }),
      ),
      signal,
    );
}

function mayRetry(error: unknown, retryMaxMs: number): boolean {
  return (
    error instanceof ProviderFault && error.isTransient && (error.retryAfterMs ?? 0) <= retryMaxMs
  );
}

/** Waits as long as the endpoint asked for, if that is longer than the backoff. */
function politeBackoff(
  inner: IBackoffFactory<IRetryBackoffContext<unknown>>,
): IBackoffFactory<IRetryBackoffContext<unknown>> {
  return {
    next(context) {
      const backoff = inner.next(context);
      const duration = Math.max(backoff.duration, retryAfterMsOf(context.result));
      return { duration, next: politeBackoff(backoff).next } satisfies IBackoff<
        IRetryBackoffContext<unknown>
      >;
    },
  };
}

function retryAfterMsOf(result: FailureReason<unknown>): number {
  return 'error' in result && result.error instanceof ProviderFault
    ? (result.error.retryAfterMs ?? 0)
    : 0;
}

/** cockatiel sleeps its backoff out before it looks at a signal; a caller that is gone does not. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
    if (signal.aborted) abort();
  });
}
