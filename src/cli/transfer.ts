import { OpenError } from '../../storage/open-error.ts';
import type { Store } from '../../storage/store.ts';
import type { Config } from '../config.ts';
import type { ONE_MOMENT } from '../open-store.ts';
import type { Counts } from '../transfer/format.ts';
import { UsageError } from './usage-error.ts';
import { withStore } from './with-store.ts';

interface Pass<T> {
  readonly job: (store: Store) => Promise<T>;
  readonly whenInUse: string;
  readonly use?: typeof ONE_MOMENT;
}

/** The store for one pass over all that is in it: without a cache, and one that outlives the process. */
export async function lastingStore<T>(
  config: Config,
  { job, whenInUse, use }: Pass<T>,
): Promise<T> {
  if (config.store === 'memory:') {
    throw new UsageError('memory: is empty when the program starts and forgotten when it ends');
  }
  try {
    return await withStore({ ...config, cacheBytes: 0 }, job, use);
  } catch (error) {
    if (!(error instanceof OpenError) || !error.isInUse) throw error;
    throw new UsageError(`${error.message}. ${whenInUse}`);
  }
}

export function countsText(counts: Counts): string {
  return Object.entries(counts)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ');
}
