/**
 * Owns how often and when a model call is opened: retries with backoff, and the breaker that leaves a broken
 * endpoint alone. One for each agent, so that all turns know what one of them found out.
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

import { ModelFault } from './fault.ts';
import type { ModelOptions } from './options.ts';

/** The breaker's open time doubles up to so many times the first. */
const MAX_OPEN_FACTOR = 5;
/** Calls that must succeed, one after the other, before an opened breaker closes. */
const HALF_OPEN_CALLS = 2;

/** Runs `open` until it succeeds or may not be tried again. Throws `ModelFault`, or the reason of the abort at once. */
export type Opening = <T>(open: () => Promise<T>, signal: AbortSignal) => Promise<T>;

export type OpeningOptions = Pick<
  ModelOptions,
  'retries' | 'retryBaseMs' | 'retryMaxMs' | 'breakerFailures' | 'breakerOpenMs'
>;

export function opening(options: OpeningOptions): Opening {
  const breaker = circuitBreaker(
    handleWhen((error) => error instanceof ModelFault && error.breaks),
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
      if (isBrokenCircuitError(error)) throw new ModelFault('resting', 'the breaker is open');
      throw error;
    });
}

function mayRetry(error: unknown, retryMaxMs: number): boolean {
  return (
    error instanceof ModelFault && error.isTransient && (error.retryAfterMs ?? 0) <= retryMaxMs
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
  return 'error' in result && result.error instanceof ModelFault
    ? (result.error.retryAfterMs ?? 0)
    : 0;
}

/** cockatiel sleeps its backoff out before it looks at a signal; a turn that is cancelled does not. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
    if (signal.aborted) abort();
  });
}
