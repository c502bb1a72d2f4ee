import { existsSync, rmSync } from 'node:fs';
import type { CacheLimits } from '../../storage/cache/cached-conversations.ts';
import { CachedStore } from '../../storage/cache/cached-store.ts';
import { MemoryStore } from '../../storage/memory/memory-store.ts';
import { SqliteStore } from '../../storage/sqlite/sqlite-store.ts';
import type { Store } from '../../storage/store.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { restartedStore, settledStore } from './around-store.ts';
import type { Backend } from './backend.ts';

export const memory: Backend = {
  name: 'memory',
  persists: false,
  place: () => ({ open: () => new MemoryStore(), clear: () => {} }),
};

function sqlite(name: string, open: (path: string) => Store): Backend {
  return {
    name,
    persists: true,
    place: () => {
      const folder = temporaryFolder();
      return { open: () => open(folder.path('colloquy.db')), clear: folder.clear };
    },
  };
}

export const sqlitePlain = sqlite('sqlite', (path) => SqliteStore.open(path));

/** The indexer runs beside the calls, at moments of its own. */
export const sqliteIndexing = sqlite('sqlite, with an indexer that never rests', (path) =>
  SqliteStore.open(path, { segmentRows: 1, placeRows: 1 }),
);
export const sqliteIndexingFew = sqlite('sqlite, indexing three rows at a time', (path) =>
  SqliteStore.open(path, { segmentRows: 3, placeRows: 1, chunkPlaces: 1, idleMs: 1 }),
);

/** Everything written has its place before the next call. */
export const sqliteIndexed = sqlite('sqlite, with every row indexed at once', (path) => {
  const store = SqliteStore.open(path, { segmentRows: 1, placeRows: 1 });
  return settledStore(store, () => store.backlogRows === 0);
});

/** The first segment stays half indexed: some events are pending and have a place. */
export const sqliteHalfway = sqlite('sqlite, with an indexing run that never ends', (path) => {
  const marker = `${path}-halfway`;
  rmSync(marker, { force: true });
  const store = SqliteStore.open(path, {
    segmentRows: 3,
    placeRows: 1,
    indexerScript: new URL('../support/halfway-indexer.ts', import.meta.url),
  });
  return settledStore(store, () => store.backlogRows < 3 || existsSync(marker));
});

/** Every write is followed by a close, which indexes the log, and a start. */
export const sqliteRestarted = sqlite('sqlite, started anew after each write', (path) =>
  restartedStore(() => SqliteStore.open(path, { synchronous: 'NORMAL' })),
);

export const ROOMY: CacheLimits = { maxBytes: 16_000_000, maxConversations: 1_000 };
export const ONE_CONVERSATION: CacheLimits = { maxBytes: 16_000_000, maxConversations: 1 };
export const FEW_BYTES: CacheLimits = { maxBytes: 2_500, maxConversations: 1_000 };

export function cached(inner: Backend, limits: CacheLimits, size: string): Backend {
  return {
    name: `${inner.name}, behind a cache of ${size}`,
    persists: inner.persists,
    place: async () => {
      const place = await inner.place();
      return { ...place, open: async () => new CachedStore(await place.open(), limits) };
    },
  };
}
