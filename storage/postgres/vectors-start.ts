import type { ClientBase } from 'pg';
import {
  bestStorage,
  columnNames,
  columnParameters,
  createIndex,
  createTable,
  FIND_PGVECTOR,
  hasIterativeScan,
  type Pgvector,
  type SpaceTables,
  type Storage,
  VECTOR_TABLES,
} from './vector-tables.ts';
import { decodeBytes, encodeVectors } from './vectors.ts';

/** Vectors that are moved at a time. */
const PAGE_ROWS = 500;

interface SpaceRow {
  readonly sid: number;
  readonly dimensions: number;
  readonly storage: Storage;
  /** False when DROP EXTENSION … CASCADE took the column of vectors away, also if there is an extension again. */
  readonly has_vectors: boolean;
  readonly has_sketches: boolean;
}

const hasColumn = (name: string) => `EXISTS (
    SELECT FROM pg_attribute a WHERE a.attrelid = to_regclass('chunk_vectors_' || s.sid)
      AND a.attname = '${name}' AND NOT a.attisdropped)`;
const SPACES = `SELECT s.sid, s.dimensions, s.storage,
    ${hasColumn('embedding')} AS has_vectors, ${hasColumn('sketch')} AS has_sketches
  FROM vector_spaces s ORDER BY s.sid`;

/**
 * At start: gets pgvector if it can be had, and gives the spaces that are there the best storage there is now. A
 * line for the operator: `vectors: pgvector 0.8.1, HNSW`, or `vectors: exact scan; pgvector is not installed`.
 *
 * A database that gained pgvector has its vectors moved, in one transaction, with searches going on until the end
 * of it: 10,000 of 384 dimensions take some seconds, nearly all of that for the index. One that lost it lost its
 * vectors, too (DROP EXTENSION … CASCADE drops the columns): they are made anew in the background, like those of a
 * new embedder. On an error everything is as before, and the next start tries again.
 */
export async function settleVectors(client: ClientBase): Promise<string> {
  const lacking = await getPgvector(client);
  const pgvector = await findPgvector(client);
  const { rows } = await client.query<SpaceRow>(SPACES);
  if (rows.some((space) => isToMove(space, pgvector))) await moveAll(client, pgvector);
  if (pgvector === undefined)
    return `vectors: exact scan; ${lacking ?? 'pgvector is not installed'}`;
  return hasIterativeScan(pgvector)
    ? `vectors: pgvector ${pgvector.version}, HNSW`
    : `vectors: pgvector ${pgvector.version}, exact scan; HNSW needs 0.8`;
}

/** Makes the extension when it is not there; why that is not possible. */
async function getPgvector(client: ClientBase): Promise<string | undefined> {
  const { rows } = await client.query<{ installed_version: string | null }>(
    `SELECT installed_version FROM pg_available_extensions WHERE name = 'vector'`,
  );
  const [available] = rows;
  if (available === undefined) return 'pgvector is not installed';
  if (available.installed_version !== null) return undefined;
  try {
    await client.query('CREATE EXTENSION IF NOT EXISTS vector');
    return undefined;
  } catch (error) {
    return `CREATE EXTENSION vector: ${error instanceof Error ? error.message : 'refused'}`;
  }
}

async function findPgvector(client: ClientBase): Promise<Pgvector | undefined> {
  const { rows } = await client.query<Pgvector>(FIND_PGVECTOR);
  const [found] = rows;
  // The client may be one that knows no int8 as a number.
  return found === undefined ? undefined : { ...found, type: Number(found.type) };
}

function isToMove(space: SpaceRow, pgvector: Pgvector | undefined): boolean {
  const storage = bestStorage(space.dimensions, pgvector);
  if (!space.has_vectors || storage !== space.storage) return true;
  // Made before there were sketches.
  return storage === 'bytes' && !space.has_sketches;
}

async function moveAll(client: ClientBase, pgvector: Pgvector | undefined): Promise<void> {
  await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
  try {
    await client.query(
      'SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0',
    );
    // As whoever changes the spaces; and whoever puts vectors waits for their rows.
    await client.query('LOCK TABLE vector_spaces IN SHARE ROW EXCLUSIVE MODE');
    const { rows } = await client.query<SpaceRow>(`${SPACES} FOR UPDATE OF s`);
    for (const space of rows) {
      const storage = bestStorage(space.dimensions, pgvector);
      if (isToMove(space, pgvector)) await move(client, space, tablesOf(space, storage, pgvector));
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

function tablesOf(
  { sid, dimensions }: SpaceRow,
  storage: Storage,
  { schema, type }: Partial<Pgvector> = {},
): SpaceTables {
  return { sid, dimensions, storage, schema: schema ?? null, type: type ?? null };
}

async function move(client: ClientBase, from: SpaceRow, to: SpaceTables): Promise<void> {
  if (from.storage === 'bytes' || to.storage === 'bytes' || !from.has_vectors) {
    for (const kind of VECTOR_TABLES) {
      const name = kind.nameOf(to);
      await client.query(createTable(to, kind, `${name}_new`));
      if (from.storage === 'bytes') await copy(client, to, kind);
      await client.query(`DROP TABLE ${name}; ALTER TABLE ${name}_new RENAME TO ${name}`);
    }
    if (from.storage !== 'bytes') await forget(client, to);
  } else {
    await client.query(`DROP INDEX IF EXISTS ${VECTOR_TABLES[0].nameOf(to)}_near`);
  }
  await client.query(createIndex(to));
  await client.query('UPDATE vector_spaces SET storage = $2 WHERE sid = $1', [to.sid, to.storage]);
}

/** Nothing has a vector in this space. */
async function forget(client: ClientBase, { sid }: SpaceTables): Promise<void> {
  await client.query('DELETE FROM document_spaces WHERE sid = $1', [sid]);
  await client.query('UPDATE message_texts SET embedded_in = 0 WHERE embedded_in = $1', [sid]);
}

async function copy(
  client: ClientBase,
  to: SpaceTables,
  { nameOf, keys }: (typeof VECTOR_TABLES)[number],
): Promise<void> {
  const key = keys.join(', ');
  const name = nameOf(to);
  let after: readonly unknown[] = [-1, -1];
  for (;;) {
    const { rows } = await client.query<{ first: string; second: string; embedding: Buffer }>(
      `SELECT ${keys[0]} AS first, ${keys[1]} AS second, embedding FROM ${name}
        WHERE (${key}) > ($1, $2) ORDER BY ${key} LIMIT ${PAGE_ROWS}`,
      [...after],
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    after = [last.first, last.second];
    const vectors = rows.map(({ embedding }) => decodeBytes(embedding));
    await client.query(
      `INSERT INTO ${name}_new (${key}, ${columnNames(to)})
        SELECT * FROM unnest($1::bigint[], $2::bigint[], ${columnParameters(to, 3)})`,
      [
        rows.map(({ first }) => first),
        rows.map(({ second }) => second),
        ...encodeVectors(to, vectors),
      ],
    );
  }
}
