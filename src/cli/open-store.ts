import type { Store } from '../../storage/store.ts';
import type { Config } from '../config.ts';
import type { Log } from '../observability/log.ts';

/** The store that the settings ask for, its migrations done. Throws `OpenError`, with a message for the operator. */
export async function openStoreOf(config: Config, log: Log): Promise<Store> {
  const { openStore } = await import('../../storage/open.ts');
  return openStore(config.store, {
    synchronous: config.sqliteSynchronous,
    onError: (cause) => log.error('store_error', { cause }),
  });
}
