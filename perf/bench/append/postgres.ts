import pg from 'pg';
import { openStore } from '../../../storage/open.ts';
import { portOf, type Room, type Target } from './load.ts';

const COLUMNS = [
  'cid bigint',
  'seq bigint',
  'kind smallint',
  'author_id text',
  'author_name text',
  'author_kind smallint',
  'created_at bigint',
  'key text',
  'body text',
];

/**
 * The same columns by `INSERT … SELECT FROM unnest`, a statement a commit, into a table with the same two unique
 * indexes. As fast as the driver goes: no head is compared, and no conversation looked up.
 */
export async function barePostgres(url: string, connections: number): Promise<Target> {
  const pool = new pg.Pool({ connectionString: url, max: connections });
  // A pool that was ended may still hear a connection being ended by the drop of its database.
  pool.on('error', () => {});
  await pool.query('DROP TABLE IF EXISTS bare_log');
  await pool.query(`CREATE TABLE bare_log (${COLUMNS.join(', ')}, PRIMARY KEY (cid, seq))`);
  await pool.query(
    'CREATE UNIQUE INDEX bare_keys ON bare_log (cid, author_id, key) WHERE key IS NOT NULL',
  );
  const arrays = COLUMNS.map((column, at) => `$${at + 1}::${column.split(' ')[1]}[]`);
  const text = `INSERT INTO bare_log SELECT * FROM unnest(${arrays.join(', ')})`;
  return {
    write: async (shares) => {
      const columns: unknown[][] = COLUMNS.map(() => []);
      for (const { room, events } of shares) {
        for (const { seq, author, createdAt, key, body } of events) {
          const row = [room.number, seq, 0, author.id, author.name, 0, createdAt, key, body];
          row.forEach((value, at) => {
            columns[at]?.push(value);
          });
        }
      }
      await pool.query({ name: 'bare', text, values: columns });
    },
    close: async () => {
      await pool.query('DROP TABLE bare_log');
      await pool.end();
    },
  };
}

export async function portPostgres(
  { url, hasCache }: { url: string; hasCache: boolean },
  rooms: readonly Room[],
): Promise<Target> {
  const store = await openStore(url, {
    ...(hasCache ? {} : { cacheBytes: 0 }),
    onError: (error) => process.stderr.write(`${String(error)}\n`),
  });
  return portOf(store, rooms);
}
