import type { Store } from '../storage/store.ts';
import type { Config } from './config.ts';
import type { Log } from './observability/log.ts';
import type { Meters } from './observability/meters.ts';
import type { Breakers } from './provider/breakers.ts';
import { STORE_BREAKER, storeBreaker } from './store-breaker.ts';

/** Whom the store tells about itself while a server serves it. */
interface Serving {
  /** They learn how long appends take, and where the cache is read. */
  readonly meters: Meters;
  /** Where a store that is elsewhere has its breaker. */
  readonly breakers: Breakers;
}

/** The task only reads, and what it reads is how the store was at one moment, whoever writes to it meanwhile. */
export const ONE_MOMENT = 'one moment';

type Use = Serving | typeof ONE_MOMENT;

/**
 * The store that the settings ask for, its migrations done, behind the cache. Throws `OpenError`, with a message
 * for the operator. Unless it is served it is opened for one task, and asked as long as that goes on.
 */
export async function openStoreOf(config: Config, log: Log, use?: Use): Promise<Store> {
  const { cacheStatsOf, isElsewhere, openStore } = await import('../storage/open.ts');
  const serving = use === ONE_MOMENT ? undefined : use;
  const breakers = isElsewhere(config.store) ? serving?.breakers : undefined;
  const store = await openStore(config.store, {
    synchronous: config.sqliteSynchronous,
    poolSize: config.storePoolSize,
    connectTimeoutMs: config.storeConnectMs,
    statementTimeoutMs: config.storeStatementMs,
    cacheBytes: config.cacheBytes,
    cacheConversations: config.cacheConversations,
    cacheEvents: config.cacheEvents,
    ...(breakers && { breaker: storeBreaker(breakers.named('store', STORE_BREAKER)) }),
    onCommit: ({ seconds }) => serving?.meters.onAppend(seconds),
    onError: (cause) => log.error('store_error', { cause }),
    isServed: serving !== undefined,
    isOneMoment: use === ONE_MOMENT,
    onRestored: () => log.info('store_restored', { store: config.store }),
    onChecked: ({ bytes, seconds, isBeside, damage }) => {
      const about = { bytes, seconds, while_serving: isBeside };
      if (damage === undefined) log.info('store_checked', about);
      else log.error('store_check_failed', { ...about, damage });
    },
  });
  if (serving !== undefined) serving.meters.cache = () => cacheStatsOf(store);
  return store;
}
