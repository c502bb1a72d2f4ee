import { ok, type Result } from '../../src/domain/result.ts';
import type { ChunkQuery, FoundChunk, TermsQuery, VectorQuery } from '../document-store.ts';
import type { Unavailable } from '../unavailable.ts';
import type { Database, Transaction, Value } from './database.ts';
import { ownerScope } from './document-add.ts';
import {
  CHUNK_COLUMNS,
  type ChunkRow,
  DOCUMENT_COLUMNS,
  type DocumentRow,
  foundChunkOf,
  seenDocuments,
} from './document-rows.ts';
import { lexeme, rankSql, termParameters } from './terms.ts';
import { type Near, nearestOf, pageRows, type ScanPage } from './vector-scan.ts';
import { chunkVectors, distance, indexed, type SpaceTables, typeOf } from './vector-tables.ts';
import { encodeVector, findSpace, unlessDropped } from './vectors.ts';

/** So many conversations of a participant narrow a search in the index of words; with more, rows are looked at. */
const MAX_SCOPES = 100;
/** How many documents are asked for how many chunks they have, to weigh words by. */
const MAX_WEIGHED = 10_000;
/** Below this the vectors of all that is seen are compared: as fast as the index, and exact. */
const MAX_COMPARED = 5_000;
/** How many candidates the index of vectors keeps while it searches: pgvector's `hnsw.ef_search`, of 1 to 1,000. */
const MIN_CANDIDATES = 100;
const MAX_CANDIDATES = 1_000;

type Search<Q> = ChunkQuery & Q;

/** Where a chunk is: `first` is the number of its document, `second` its place there. */
interface Placed {
  readonly first: number;
  readonly second: number;
  readonly score: number;
}

/** The searches for chunks. They find places, and what is at a place is read as it is seen at that moment (D2, D3). */
export class DocumentSearch {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async byTerms(query: Search<TermsQuery>): Promise<Result<readonly FoundChunk[], Unavailable>> {
    const { text, values } = termsSql(query);
    const found = await this.#db.read<Placed>({ text }, [
      ...values,
      ...termParameters(query.terms),
      query.limit,
    ]);
    return found.ok ? this.#at(query, found.value) : found;
  }

  async byVector(query: Search<VectorQuery>): Promise<Result<readonly FoundChunk[], Unavailable>> {
    const space = await findSpace(this.#db, query.space);
    if (!space.ok) return space;
    const tables = space.value;
    if (tables === undefined) return ok([]);
    const found = await unlessDropped(() => this.#nearest(tables, query));
    return found.ok ? this.#at(query, found.value) : found;
  }

  async #nearest(
    tables: SpaceTables,
    query: Search<VectorQuery>,
  ): Promise<Result<readonly Near[], Unavailable>> {
    if (tables.storage === 'bytes') return this.#scan(tables, query);
    if (tables.storage === 'hnsw') {
      const found = await this.#byIndex(tables, query);
      if (!found.ok || found.value !== undefined)
        return found as Result<readonly Near[], Unavailable>;
    }
    return this.#compare(tables, query);
  }

  /** Undefined when the index is of no use: few chunks are seen, or those seen are far from the nearest ones. */
  async #byIndex(
    tables: SpaceTables,
    query: Search<VectorQuery>,
  ): Promise<Result<readonly Near[] | undefined, Unavailable>> {
    const seen = seenDocuments(query);
    const count = await this.#db.read<{ chunks: number }>(
      { text: seenChunksSql(seen.text, MAX_COMPARED + 1) },
      seen.values,
    );
    if (!count.ok) return count;
    if ((count.value[0]?.chunks ?? 0) <= MAX_COMPARED) return ok(undefined);
    const candidates = Math.min(MAX_CANDIDATES, Math.max(MIN_CANDIDATES, 2 * query.limit));
    const found = await this.#db.snapshot(async (tx) => {
      await tx.rows({ text: INDEX_SETTINGS }, [String(candidates)]);
      return tx.rows<Near>({ text: byIndexSql(tables, seen) }, [
        ...seen.values,
        encodeVector(tables, query.vector),
        query.limit,
      ]);
    });
    return found.ok && found.value.length < query.limit ? ok(undefined) : found;
  }

  #compare(tables: SpaceTables, query: Search<VectorQuery>) {
    const seen = seenDocuments(query);
    return this.#db.read<Near>({ text: compareSql(tables, seen) }, [
      ...seen.values,
      encodeVector(tables, query.vector),
      query.limit,
    ]);
  }

  #scan(
    tables: SpaceTables,
    query: Search<VectorQuery>,
  ): Promise<Result<readonly Near[], Unavailable>> {
    const scanned = { tables, table: chunkVectors(tables), keys: ['did', 'place'] } as const;
    const { vector: wanted, limit } = query;
    return this.#db.snapshot((tx) =>
      nearestOf(tx, scanned, { wanted, limit, pages: scanPages(tx, tables, query) }),
    );
  }

  async #at(
    query: ChunkQuery,
    places: readonly Placed[],
  ): Promise<Result<readonly FoundChunk[], Unavailable>> {
    if (places.length === 0) return ok([]);
    const { text, values } = seenDocuments(query);
    const next = values.length + 1;
    const found = await this.#db.read<DocumentRow & ChunkRow & { score: number }>(
      {
        text: `SELECT ${DOCUMENT_COLUMNS}, ${CHUNK_COLUMNS}, g.score
          FROM unnest($${next}::bigint[], $${next + 1}::bigint[], $${next + 2}::float8[])
            WITH ORDINALITY AS g (did, place, score, rank)
          JOIN documents d ON d.did = g.did JOIN chunks k ON k.did = g.did AND k.place = g.place
          WHERE d.did IN (${text}) ORDER BY g.rank`,
      },
      [
        ...values,
        places.map(({ first }) => first),
        places.map(({ second }) => second),
        places.map(({ score }) => score),
      ],
    );
    return found.ok ? ok(found.value.map(foundChunkOf)) : found;
  }
}

/** A filter is applied while the index is walked, nearest first, until there are enough. */
const INDEX_SETTINGS = `SELECT set_config('hnsw.ef_search', $1, true),
  set_config('hnsw.iterative_scan', 'strict_order', true), set_config('enable_sort', 'off', true)`;

interface Seen {
  readonly text: string;
  readonly values: readonly Value[];
}

function seenChunksSql(seen: string, limit: number): string {
  return `SELECT coalesce(sum(chunk_count), 0)::bigint AS chunks FROM (
    SELECT d.chunk_count FROM documents d WHERE d.did IN (${seen}) LIMIT ${limit}) AS few`;
}

function byIndexSql(tables: SpaceTables, { text, values }: Seen): string {
  const wanted = `$${values.length + 1}::${typeOf(tables)}`;
  const by = distance(tables, indexed(tables, 'v.embedding'), indexed(tables, wanted));
  // IS TRUE keeps the list of documents a filter: a join with it would end the order of the index.
  return `SELECT first, second, score FROM (
      SELECT v.did AS first, v.place AS second, -${distance(tables, 'v.embedding', wanted)} AS score
      FROM ${chunkVectors(tables)} v WHERE (v.did IN (${text})) IS TRUE
      ORDER BY ${by} LIMIT $${values.length + 2}) AS near
    ORDER BY score DESC`;
}

function compareSql(tables: SpaceTables, { text, values }: Seen): string {
  const away = distance(tables, 'v.embedding', `$${values.length + 1}::${typeOf(tables)}`);
  return `WITH near AS MATERIALIZED (
      SELECT v.did AS first, v.place AS second, -${away} AS score
      FROM ${chunkVectors(tables)} v WHERE v.did IN (${text}))
    SELECT * FROM near ORDER BY score DESC, first DESC, second DESC LIMIT $${values.length + 2}`;
}

/** A document and its chunks' number. */
interface Sized {
  readonly did: number;
  readonly chunk_count: number;
}

const SIZED_AT_ONCE = 1_000;

function sizedSql({ text, values }: Seen): string {
  return `SELECT did, chunk_count FROM documents d WHERE d.did IN (${text}) AND d.did > $${values.length + 1}
    ORDER BY d.did LIMIT ${SIZED_AT_ONCE}`;
}

/** So many chunks at a time, of one document or of several. */
async function* scanPages(
  tx: Transaction,
  tables: SpaceTables,
  query: Search<VectorQuery>,
): AsyncGenerator<ScanPage> {
  const seen = seenDocuments(query);
  const from = `${chunkVectors(tables)} v WHERE v.did = ANY($1::bigint[]) AND v.place >= $2 AND v.place < $3`;
  for (let after = 0; ; ) {
    const some = await tx.rows<Sized>({ text: sizedSql(seen) }, [...seen.values, after]);
    for (const { dids, from: start, to } of pagesOf(some, pageRows(tables)))
      yield { from, values: [dids, start, to] };
    const last = some.at(-1);
    if (last === undefined || some.length < SIZED_AT_ONCE) return;
    after = last.did;
  }
}

interface ChunkRange {
  readonly dids: readonly number[];
  readonly from: number;
  readonly to: number;
}

/** The chunks of these documents in ranges of `rows` at most. */
function* pagesOf(documents: readonly Sized[], rows: number): Generator<ChunkRange> {
  let dids: number[] = [];
  let room = rows;
  for (const { did, chunk_count: count } of documents) {
    if (count > room && dids.length > 0) {
      yield { dids, from: 0, to: rows };
      dids = [];
      room = rows;
    }
    for (let from = 0; count > rows && from < count; from += rows)
      yield { dids: [did], from, to: from + rows };
    if (count > rows) continue;
    dids.push(did);
    room -= count;
  }
  if (dids.length > 0) yield { dids, from: 0, to: rows };
}

/** The owner's lexeme comes as a parameter after those of what is seen. */
function termsSql(query: Search<TermsQuery>) {
  const { text, values } = seenDocuments(query);
  const owner = `$${values.length + 1}::text`;
  const conversations =
    query.sharedWith === undefined
      ? `SELECT DISTINCT s.cid FROM members m JOIN document_shares s ON s.cid = m.cid
          WHERE m.participant_id = $1 LIMIT ${MAX_SCOPES + 1}`
      : 'SELECT c.cid FROM conversations c WHERE c.id = $1';
  const place = `seen AS MATERIALIZED (${text}),
    places AS MATERIALIZED (${conversations}),
    place AS MATERIALIZED (
      SELECT CASE WHEN (SELECT count(*) FROM places) <= ${MAX_SCOPES} THEN
          concat_ws(' | ', nullif(${owner}, ''), (SELECT string_agg('''@c' || cid || '''', ' | ') FROM places))::tsquery
        END AS scope,
        (${seenChunksSql('SELECT did FROM seen', MAX_WEIGHED)})::float8 AS total)`;
  const seen = 'm.did IN (SELECT did FROM seen)';
  const ranked = rankSql(
    { place, table: 'chunk_terms', keys: ['did', 'place'], seen, walked: seen },
    values.length + 2,
  );
  const scope = query.sharedWith === undefined ? lexeme(ownerScope(query.seenBy)) : '';
  return {
    text: `SELECT did AS first, place AS second, score FROM (${ranked}) AS ranked
      ORDER BY score DESC, first DESC, second DESC`,
    values: [...values, scope],
  };
}
