import type { Chunk, Document } from '../../src/domain/document.ts';
import type { DocumentId, ParticipantId } from '../../src/domain/ids.ts';
import { ok, type Result } from '../../src/domain/result.ts';
import { assertChunks } from '../batch.ts';
import type {
  AddFailure,
  ChunkPage,
  ChunkQuery,
  DocumentPage,
  DocumentStore,
  FoundChunk,
  StoredDocument,
  TermsQuery,
  VectorQuery,
} from '../document-store.ts';
import { wellFormedChunk, wellFormedDocument } from '../text.ts';
import type { Unavailable } from '../unavailable.ts';
import type { Space } from '../vector-spaces.ts';
import type { Database, Transaction } from './database.ts';
import { addDocument } from './document-add.ts';
import {
  CHUNK_COLUMNS,
  type ChunkRow,
  chunkOf,
  DOCUMENT_COLUMNS,
  isSeen,
  SPACES_COLUMN,
  type StoredDocumentRow,
  seenDocuments,
  storedDocumentOf,
} from './document-rows.ts';
import { DocumentSearch } from './document-search.ts';
import { chunkVectors, columnNames, columnParameters, type SpaceTables } from './vector-tables.ts';
import { encodeVectors, holdSpace } from './vectors.ts';

const COUNT_OWNED = {
  name: 'documents-owned',
  text: 'SELECT count(*) AS count FROM documents WHERE owner = $1',
};
const READ_CHUNKS = {
  name: 'document-chunks',
  text: `SELECT ${CHUNK_COLUMNS} FROM documents d JOIN chunks k ON k.did = d.did
    WHERE d.id = $1 AND k.place > $2 ORDER BY k.place LIMIT $3`,
};
const REMOVE = {
  name: 'document-remove',
  text: 'DELETE FROM documents WHERE id = $1 RETURNING did',
};
const WITHOUT_VECTORS = {
  name: 'documents-without-vectors',
  text: `WITH lacking AS NOT MATERIALIZED (
      SELECT d.id FROM documents d WHERE NOT EXISTS (
        SELECT FROM document_spaces s JOIN vector_spaces v ON v.sid = s.sid
        WHERE s.did = d.did AND v.name = $1))
    SELECT (SELECT count(*) FROM lacking) AS count,
      ARRAY(SELECT id FROM lacking WHERE id > $2 ORDER BY id LIMIT $3) AS ids`,
};
/** One at a time puts vectors for a document, and it is not removed meanwhile. */
const HOLD = {
  name: 'document-hold',
  text: 'SELECT did, chunk_count FROM documents WHERE id = $1 FOR NO KEY UPDATE',
};
const HAS_VECTORS = {
  name: 'document-has-vectors',
  text: 'INSERT INTO document_spaces (did, sid) VALUES ($1, $2) ON CONFLICT DO NOTHING',
};

/** Vectors that go into one statement. */
const MAX_BATCH_VECTORS = 200;

/** Documents in rows; what participants may see is decided by the statements that read. */
export class PostgresDocuments implements DocumentStore {
  readonly #db: Database;
  readonly #search: DocumentSearch;

  constructor(db: Database) {
    this.#db = db;
    this.#search = new DocumentSearch(db);
  }

  async add(given: Document, chunks: readonly Chunk[]): Promise<Result<void, AddFailure>> {
    assertChunks(given, chunks);
    const document = wellFormedDocument(given);
    const stored = chunks.map(wellFormedChunk);
    const added = await this.#db.transaction((tx) => addDocument(tx, document, stored));
    return added.ok ? added.value : added;
  }

  async read(
    id: DocumentId,
    seenBy?: ParticipantId,
  ): Promise<Result<StoredDocument | undefined, Unavailable>> {
    const condition = seenBy === undefined ? '' : `AND ${isSeen('$2')}`;
    const found = await this.#db.read<StoredDocumentRow>(
      {
        text: `SELECT ${DOCUMENT_COLUMNS}, ${SPACES_COLUMN} FROM documents d WHERE d.id = $1 ${condition}`,
      },
      seenBy === undefined ? [id] : [id, seenBy],
    );
    return found.ok ? ok(found.value.map(storedDocumentOf)[0]) : found;
  }

  async list(page: DocumentPage): Promise<Result<readonly StoredDocument[], Unavailable>> {
    const { text, values } = seenDocuments(page);
    const next = values.length + 1;
    const found = await this.#db.read<StoredDocumentRow>(
      {
        text: `SELECT ${DOCUMENT_COLUMNS}, ${SPACES_COLUMN} FROM documents d
          WHERE d.did IN (${text}) AND d.id > $${next} ORDER BY d.id LIMIT $${next + 1}`,
      },
      [...values, page.afterId ?? '', page.limit],
    );
    return found.ok ? ok(found.value.map(storedDocumentOf)) : found;
  }

  async countOwned(owner: ParticipantId): Promise<Result<number, Unavailable>> {
    const counted = await this.#db.read<{ count: number }>(COUNT_OWNED, [owner]);
    return counted.ok ? ok(counted.value[0]?.count ?? 0) : counted;
  }

  async readChunks(
    id: DocumentId,
    { afterIndex = -1, limit }: ChunkPage,
  ): Promise<Result<readonly Chunk[], Unavailable>> {
    const found = await this.#db.read<ChunkRow>(READ_CHUNKS, [id, afterIndex, limit]);
    return found.ok ? ok(found.value.map(chunkOf)) : found;
  }

  async remove(id: DocumentId): Promise<Result<boolean, Unavailable>> {
    const removed = await this.#db.write(REMOVE, [id]);
    return removed.ok ? ok(removed.value.length > 0) : removed;
  }

  byTerms(query: ChunkQuery & TermsQuery): Promise<Result<readonly FoundChunk[], Unavailable>> {
    return this.#search.byTerms(query);
  }

  byVector(query: ChunkQuery & VectorQuery): Promise<Result<readonly FoundChunk[], Unavailable>> {
    return this.#search.byVector(query);
  }

  async withoutVectors(
    space: Space,
    { afterId, limit }: { readonly afterId?: DocumentId; readonly limit: number },
  ): Promise<Result<{ readonly ids: readonly DocumentId[]; readonly count: number }, Unavailable>> {
    const found = await this.#db.read<{ count: number; ids: DocumentId[] }>(WITHOUT_VECTORS, [
      space.name,
      afterId ?? '',
      limit,
    ]);
    return found.ok ? ok(found.value[0] ?? { ids: [], count: 0 }) : found;
  }

  async putVectors(
    space: Space,
    id: DocumentId,
    vectors: readonly Float32Array[],
  ): Promise<Result<boolean, Unavailable>> {
    return this.#db.transaction(async (tx) => {
      const tables = await holdSpace(tx, space);
      const [document] = await tx.rows<{ did: number; chunk_count: number }>(HOLD, [id]);
      if (tables === undefined || document === undefined) return false;
      if (vectors.length !== document.chunk_count)
        throw new RangeError(`${vectors.length} vectors for ${document.chunk_count} chunks`);
      await put(tx, vectors, { tables, did: document.did });
      return true;
    });
  }
}

async function put(
  tx: Transaction,
  vectors: readonly Float32Array[],
  { tables, did }: { readonly tables: SpaceTables; readonly did: number },
): Promise<void> {
  const name = chunkVectors(tables);
  const columns = columnNames(tables);
  await tx.run({ text: `DELETE FROM ${name} WHERE did = $1` }, [did]);
  for (let start = 0; start < vectors.length; start += MAX_BATCH_VECTORS) {
    const batch = vectors.slice(start, start + MAX_BATCH_VECTORS);
    await tx.run(
      {
        text: `INSERT INTO ${name} (did, place, ${columns})
          SELECT $1, $2 + g.place - 1, ${columns}
          FROM unnest(${columnParameters(tables, 3)}) WITH ORDINALITY AS g (${columns}, place)`,
      },
      [did, start, ...encodeVectors(tables, batch)],
    );
  }
  await tx.run(HAS_VECTORS, [did, tables.sid]);
}
