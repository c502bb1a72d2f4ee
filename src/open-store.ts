import type { Store } from '../storage/store.ts';
import type { Config } from './config.ts';
import type { Log } from './observability/log.ts';
import type { Meters } from './observability/meters.ts';

/**
 * The store that the settings ask for, its migrations done, behind the cache. Throws `OpenError`, with a message
 * for the operator. `meters` are those of the server that serves it: they learn how long appends take, and where
 * the cache is read.
 */
export async function openStoreOf(config: Config, log: Log, meters?: Meters): Promise<Store> {
  const { cacheStatsOf, openStore } = await import('../storage/open.ts');
  const store = await openStore(config.store, {
    synchronous: config.sqliteSynchronous,
    poolSize: config.storePoolSize,
    connectTimeoutMs: config.storeConnectMs,
    statementTimeoutMs: config.storeStatementMs,
    cacheBytes: config.cacheBytes,
    cacheConversations: config.cacheConversations,
    onCommit: ({ seconds }) => meters?.onAppend(seconds),
    onError: (cause) => log.error('store_error', { cause }),
    isServed: meters !== undefined,
    onRestored: () => log.info('store_restored', { store: config.store }),
    onChecked: ({ bytes, seconds, isBeside, damage }) => {
      const about = { bytes, seconds, while_serving: isBeside };
      if (damage === undefined) log.info('store_checked', about);
      else log.error('store_check_failed', { ...about, damage });
    },
  });
  if (meters !== undefined) meters.cache = () => cacheStatsOf(store);
  return store;
}
