import type { Store } from '../../storage/store.ts';
import { type Config, secretsOf } from '../config.ts';
import { pinoLog } from '../observability/pino-log.ts';
import { openStoreOf } from '../open-store.ts';

/** Opens the store for one job, and closes it whatever happens. */
export async function withStore<T>(config: Config, job: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStoreOf(config, pinoLog({ level: 'warn', secrets: secretsOf(config) }));
  try {
    return await job(store);
  } finally {
    await store.close();
  }
}
