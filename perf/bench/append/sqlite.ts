import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { openStore } from '../../../storage/open.ts';
import { portOf, type Room, type Target } from './load.ts';

export type Synchronous = 'FULL' | 'NORMAL';

/** The same columns, a transaction a commit, in rowid order: as fast as the driver goes, and no promises kept. */
export function bareSqlite(folder: string, synchronous: Synchronous): Target {
  const db = new Sqlite(join(folder, 'bare.db'));
  db.pragma('journal_mode = WAL');
  db.pragma(`synchronous = ${synchronous}`);
  db.exec(`CREATE TABLE log (row INTEGER PRIMARY KEY, cid INTEGER, seq INTEGER, kind INTEGER, author_id TEXT,
    author_name TEXT, author_kind INTEGER, created_at INTEGER, key TEXT, body TEXT)`);
  const insert = db.prepare(
    'INSERT INTO log (cid, seq, kind, author_id, author_name, author_kind, created_at, key, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const insertAll = db.transaction((shares: Parameters<Target['write']>[0]) => {
    for (const { room, events } of shares) {
      for (const { seq, author, createdAt, key, body } of events) {
        insert.run(room.number, seq, 0, author.id, author.name, 0, createdAt, key, body);
      }
    }
  });
  return {
    write: async (shares) => insertAll.immediate(shares),
    close: async () => {
      db.close();
    },
  };
}

export async function portSqlite(
  {
    folder,
    synchronous,
    hasCache,
  }: { folder: string; synchronous: Synchronous; hasCache: boolean },
  rooms: readonly Room[],
): Promise<Target> {
  const store = await openStore(`sqlite:${join(folder, 'port.db')}`, {
    synchronous,
    ...(hasCache ? {} : { cacheBytes: 0 }),
    onError: (error) => process.stderr.write(`${String(error)}\n`),
  });
  return portOf(store, rooms);
}
