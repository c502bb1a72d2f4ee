import { CachedStore, type CacheStats } from './cache/cached-store.ts';
import { OpenError } from './open-error.ts';
import type { PostgresOptions } from './postgres/postgres-store.ts';
import type { SqliteOptions } from './sqlite/options.ts';
import type { Store } from './store.ts';

export interface StoreOptions extends SqliteOptions, PostgresOptions {
  /** Bytes the cache may take; 0, or no conversations, is no cache. */
  readonly cacheBytes?: number;
  readonly cacheConversations?: number;
  /** Newest events that it keeps of a conversation. */
  readonly cacheEvents?: number;
}

const CACHE_BYTES = 64 * 1_024 * 1_024;
const CACHE_CONVERSATIONS = 10_000;

/** A backend: how its URL begins, and how the rest of it is opened, its code too. Throws `OpenError`. */
interface Backend {
  readonly example: string;
  readonly isElsewhere?: true;
  readonly open: (rest: string, options: StoreOptions) => Promise<Store>;
}

const BACKENDS: Readonly<Record<string, Backend>> = {
  memory: { example: 'memory:', open: openMemory },
  sqlite: { example: 'sqlite:PATH', open: openSqlite },
  postgres: { example: 'postgres://…', isElsewhere: true, open: openPostgres },
  postgresql: { example: 'postgres://…', isElsewhere: true, open: openPostgres },
};

/**
 * Opens the store that a URL names, `memory:`, `sqlite:PATH` or `postgres://…`, behind the cache. Throws `OpenError`, one
 * sentence for a person.
 */
export async function openStore(url: string, options: StoreOptions = {}): Promise<Store> {
  const inner = await openBackend(url, options);
  const maxBytes = options.cacheBytes ?? CACHE_BYTES;
  const maxConversations = options.cacheConversations ?? CACHE_CONVERSATIONS;
  const isOff = maxBytes === 0 || maxConversations === 0;
  const { cacheEvents } = options;
  const tail = cacheEvents === undefined ? {} : { tailEvents: cacheEvents };
  return isOff ? inner : new CachedStore(inner, { maxBytes, maxConversations, ...tail });
}

/** The cache's counters, for the metrics; undefined when the cache is off. */
export function cacheStatsOf(store: Store): CacheStats | undefined {
  return store instanceof CachedStore ? store.stats() : undefined;
}

/** Whether the URL names a store in another process, which may be away while this one serves. */
export function isElsewhere(url: string): boolean {
  const [scheme = ''] = url.split(':');
  return BACKENDS[scheme]?.isElsewhere === true;
}

function openBackend(url: string, options: StoreOptions): Promise<Store> {
  const [scheme = '', ...rest] = url.split(':');
  const backend = Object.hasOwn(BACKENDS, scheme) && rest.length > 0 ? BACKENDS[scheme] : undefined;
  if (backend === undefined) {
    const known = [...new Set(Object.values(BACKENDS).map(({ example }) => example))];
    // What looks like a password is one, whatever the kind.
    const shown = url.replace(/\/\/.*@/, '//…@');
    throw new OpenError(`the store ${shown} is of no known kind; there are ${known.join(', ')}`);
  }
  return backend.open(rest.join(':'), options);
}

async function openMemory(_: string, { onCommit }: StoreOptions): Promise<Store> {
  const { MemoryStore } = await import('./memory/memory-store.ts');
  return new MemoryStore(onCommit);
}

async function openPostgres(rest: string, options: StoreOptions): Promise<Store> {
  const { PostgresStore } = await import('./postgres/postgres-store.ts');
  return PostgresStore.open(`postgres:${rest}`, options);
}

async function openSqlite(path: string, options: StoreOptions): Promise<Store> {
  if (path === '') throw new OpenError('the store sqlite: names no file; write sqlite:PATH');
  const { SqliteStore } = await import('./sqlite/sqlite-store.ts');
  return SqliteStore.open(path, options);
}
