/**
 * Owns how often and when an endpoint is called: retries with backoff, and the breaker that leaves a broken
 * endpoint alone. One for each use of an endpoint, so that all its callers know what one of them found out.
 */
import {
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  type FailureReason,
  handleWhen,
  type IBackoff,
  type IBackoffFactory,
  type IRetryBackoffContext,
  isBrokenCircuitError,
  noJitterGenerator,
  retry,
  wrap,
} from 'cockatiel';

import { ProviderFault } from './provider-fault.ts';

/** The breaker's open time doubles up to so many times the first. */
const MAX_OPEN_FACTOR = 5;
/** Calls that must succeed, one after the other, before an opened breaker closes. */
const HALF_OPEN_CALLS = 2;

/** Runs `open` until it succeeds or may not be tried again. Throws `ProviderFault`, or the reason of the abort at once. */
export type Opening = <T>(open: () => Promise<T>, signal: AbortSignal) => Promise<T>;

export interface OpeningOptions {
  /** Calls after the first that refused or failed before anything came. */
  readonly retries: number;
  /** Milliseconds before the first retry, on average; doubling. */
  readonly retryBaseMs: number;
  /** Milliseconds a retry waits at most; an endpoint that asks for longer is not asked again. */
  readonly retryMaxMs: number;
  /** Failures in a row that open the breaker. */
  readonly breakerFailures: number;
  /** Milliseconds the breaker stays open the first time, doubling up to five times as long. */
  readonly breakerOpenMs: number;
}

export function opening(options: OpeningOptions): Opening {
  const breaker = circuitBreaker(
    handleWhen((error) => error instanceof ProviderFault && error.breaks),
    {
      breaker: new ConsecutiveBreaker(options.breakerFailures),
      halfOpenAfter: new ExponentialBackoff({
        generator: noJitterGenerator,
        initialDelay: options.breakerOpenMs,
        maxDelay: options.breakerOpenMs * MAX_OPEN_FACTOR,
      }),
      halfOpenSampling: { calls: HALF_OPEN_CALLS, threshold: 0 },
    },
  );
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
  const policy = wrap(retries, breaker);

  return (open, signal) =>
    untilAborted(
      policy.execute(() => {
        signal.throwIfAborted();
        return open();
      }),
      signal,
    ).catch((error: unknown) => {
      if (isBrokenCircuitError(error)) throw new ProviderFault('resting', 'the breaker is open');
      throw error;
    });
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
