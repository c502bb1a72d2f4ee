import type { StoreBreaker } from '../storage/postgres/store-breaker.ts';
import { BREAKER_DEFAULTS, type Breaker, type BreakerOptions } from './provider/breakers.ts';
import { ProviderFault } from './provider/provider-fault.ts';

/**
 * The breaker of the store (docs/adr/0014): a second at first, five at last, for everybody waits for it; no limit of
 * its own on calls, for the pool of connections has one.
 */
export const STORE_BREAKER = {
  breakerFailures: BREAKER_DEFAULTS.breakerFailures,
  breakerOpenMs: 1_000,
  atOnce: Number.MAX_SAFE_INTEGER,
  waiting: 0,
  isTriedApart: true,
} as const satisfies BreakerOptions;

/** A breaker of the server, as the store sees it. */
export function storeBreaker(breaker: Breaker): StoreBreaker {
  return {
    get isClosed() {
      return breaker.isClosed;
    },
    get restMs() {
      return breaker.restMs;
    },
    run: (call, isAway) => answered((counted) => breaker.run(counted), call, isAway),
    trial: (call, isAway) => answered((counted) => breaker.trial(counted), call, isAway),
    onOpened: (tell) => breaker.onOpened(tell),
  };
}

/** An answer that says that the store is away counts as a failure, and comes back as it was. */
async function answered<T>(
  through: (call: () => Promise<T>) => Promise<T>,
  call: () => Promise<T>,
  isAway: (answer: T) => boolean,
): Promise<T | undefined> {
  try {
    return await through(async () => {
      const answer = await call();
      if (isAway(answer)) throw new Away(answer);
      return answer;
    });
  } catch (error) {
    if (error instanceof Away) return error.answer as T;
    if (error instanceof ProviderFault) return undefined;
    throw error;
  }
}

class Away extends ProviderFault {
  readonly answer: unknown;

  constructor(answer: unknown) {
    super('unreachable', 'the store does not answer');
    this.answer = answer;
  }
}
