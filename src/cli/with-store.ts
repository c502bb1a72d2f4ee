import type { Store } from '../../storage/store.ts';
import { type Config, secretsOf } from '../config.ts';
import { pinoLog } from '../observability/pino-log.ts';
import { type ONE_MOMENT, openStoreOf } from '../open-store.ts';

/** Opens the store for one job, and closes it whatever happens. */
export async function withStore<T>(
  config: Config,
  job: (store: Store) => Promise<T>,
  use?: typeof ONE_MOMENT,
): Promise<T> {
  const log = pinoLog({ level: 'warn', secrets: secretsOf(config) });
  const store = await openStoreOf(config, log, use);
  try {
    return await job(store);
  } finally {
    await store.close();
  }
}
