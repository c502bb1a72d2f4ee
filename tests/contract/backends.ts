import { CachedStore, type CacheLimits } from '../../storage/cache/cached-store.ts';
import { MemoryStore } from '../../storage/memory/memory-store.ts';
import { type SqliteOptions, SqliteStore } from '../../storage/sqlite/sqlite-store.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import type { Backend } from './backend.ts';
import { RestartedStore } from './restarted-store.ts';

export const memory: Backend = {
  name: 'memory',
  persists: false,
  place: () => ({ open: () => new MemoryStore(), clear: () => {} }),
};

export function sqlite(name: string, options: SqliteOptions = {}): Backend {
  return {
    name,
    persists: true,
    place: () => {
      const folder = temporaryFolder();
      return {
        open: () => SqliteStore.open(folder.path('colloquy.db'), options),
        clear: folder.clear,
      };
    },
  };
}

/** Every write is followed by a close, which moves the log into the clustered tables, and a start. */
export const sqliteRestarted: Backend = {
  name: 'sqlite, started anew after each write',
  persists: true,
  place: () => {
    const folder = temporaryFolder();
    const open = () => SqliteStore.open(folder.path('colloquy.db'), { synchronous: 'NORMAL' });
    return { open: () => new RestartedStore(open), clear: folder.clear };
  },
};

export const sqlitePlain = sqlite('sqlite');
export const sqliteMoving = sqlite('sqlite, moving every row at once', { segmentRows: 1 });
export const sqliteMovingFew = sqlite('sqlite, moving three rows at a time', {
  segmentRows: 3,
  idleMs: 1,
});

export const ROOMY: CacheLimits = { maxBytes: 16_000_000, maxConversations: 1_000 };
export const ONE_CONVERSATION: CacheLimits = { maxBytes: 16_000_000, maxConversations: 1 };
export const FEW_BYTES: CacheLimits = { maxBytes: 2_500, maxConversations: 1_000 };

export function cached(inner: Backend, limits: CacheLimits, size: string): Backend {
  return {
    name: `${inner.name}, behind a cache of ${size}`,
    persists: inner.persists,
    place: () => {
      const place = inner.place();
      return { ...place, open: () => new CachedStore(place.open(), limits) };
    },
  };
}
