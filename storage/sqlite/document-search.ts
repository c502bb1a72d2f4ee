import type { Database, Statement } from 'better-sqlite3';
import type { Document } from '../../src/domain/document.ts';
import type { DocumentId, ParticipantId } from '../../src/domain/ids.ts';
import type { FoundChunk, StoredDocument } from '../document-store.ts';
import type { DocumentRow, DocumentTables } from './document-tables.ts';
import type { CallAnswer, CallOrder } from './search-protocol.ts';
import { bytesOf } from './space-table.ts';
import { timeForRows } from './time-for-rows.ts';
import { anyOf } from './words.ts';

interface Found {
  readonly did: number;
  readonly at: number;
  readonly score: number;
}

interface Who {
  readonly seenBy?: ParticipantId;
  readonly sharedWith?: string;
}

type Value = string | number | Buffer;

const SCOPES = {
  seen: `IN (SELECT did FROM documents WHERE owner = @seenBy UNION SELECT s.did
    FROM members m JOIN shares s ON s.cid = m.cid WHERE m.participant_id = @seenBy)`,
  shared: `IN (SELECT s.did FROM conversations c JOIN shares s ON s.cid = c.cid WHERE c.id = @sharedWith)`,
};

/**
 * The searching thread's side of documents: whatever looks at many of them. Who sees what is decided by the
 * members table inside each statement (D2), and parts without a document are in no share and have no owner (D3).
 */
export class DocumentSearch {
  readonly #db: Database;
  readonly #tables: DocumentTables;
  /** By their text; a dozen at most. */
  readonly #statements = new Map<string, Statement<[Readonly<Record<string, Value>>], Found>>();
  readonly #without: Statement<[sid: number, after: string, limit: number], DocumentId>;
  readonly #countWithout: Statement<[sid: number], number>;
  readonly #putVector: Statement<(number | Buffer)[]>;

  constructor(db: Database, tables: DocumentTables) {
    this.#db = db;
    this.#tables = tables;
    const without =
      'FROM documents d WHERE NOT EXISTS (SELECT 1 FROM document_spaces s WHERE s.sid = ? AND s.did = d.did)';
    this.#without = db
      .prepare<[number, string, number], DocumentId>(
        `SELECT d.id ${without} AND d.id > ? ORDER BY d.id LIMIT ?`,
      )
      .pluck();
    this.#countWithout = db.prepare<[number], number>(`SELECT count(*) ${without}`).pluck();
    this.#putVector = db.prepare(
      `INSERT INTO chunk_vectors (sid, did, idx, vector) VALUES (?, ?, ?, ?)
       ON CONFLICT (sid, did, idx) DO UPDATE SET vector = excluded.vector`,
    );
  }

  list({ afterId, limit, ...who }: CallOrder<'listDocuments'>): readonly StoredDocument[] {
    const rows = this.#statement(
      `SELECT did FROM documents WHERE id > @after ${scopeOf('did', who)} ORDER BY id LIMIT @limit`,
    ).all({ ...who, after: afterId ?? '', limit });
    return rows.flatMap(({ did }) => {
      const row = this.#tables.get(did);
      return row === undefined ? [] : [this.#tables.stored(row)];
    });
  }

  byTerms({ terms, limit, ...who }: CallOrder<'chunksByTerms'>): readonly FoundChunk[] {
    const query = anyOf(terms);
    if (query === undefined) return [];
    const found = this.#statement(
      `SELECT rowid >> 32 AS did, rowid & 0xffffffff AS at, -bm25(chunk_words) AS score FROM chunk_words
       WHERE chunk_words MATCH @query ${scopeOf('rowid >> 32', who)}
       ORDER BY score DESC, rowid DESC LIMIT @limit`,
    ).all({ ...who, query, limit });
    return this.#chunksOf(found);
  }

  byVector({ sid, vector, limit, ...who }: CallOrder<'chunksByVector'>): readonly FoundChunk[] {
    const found = this.#statement(
      `SELECT did, idx AS at, 1 - coalesce(vec_distance_cosine(vector, @vector), 1) AS score FROM chunk_vectors
       WHERE sid = @sid ${scopeOf('did', who)}
         AND did IN (SELECT did FROM document_spaces WHERE sid = @sid)
       ORDER BY score DESC, place LIMIT @limit`,
    ).all({ ...who, sid, vector: bytesOf(vector), limit });
    return this.#chunksOf(found);
  }

  withoutVectors({
    sid,
    afterId,
    limit,
  }: CallOrder<'documentsWithoutVectors'>): CallAnswer<'documentsWithoutVectors'> {
    const ids = this.#without.all(sid, afterId ?? '', limit);
    return { ids, count: this.#countWithout.get(sid) ?? 0 };
  }

  /** Inside a transaction, as all that writes. */
  addChunks({ did, title, chunks }: CallOrder<'addChunks'>): number {
    const hasTime = timeForRows();
    let added = 0;
    for (const chunk of chunks) {
      if (!hasTime()) break;
      this.#tables.addChunk(did, title, chunk);
      added += 1;
    }
    this.#tables.chunksAdded();
    return added;
  }

  putVectors({ did, sid, fromIndex, vectors }: CallOrder<'putChunkVectors'>): undefined {
    if (fromIndex === 0) this.#tables.dropSpace(did, sid);
    for (const [offset, vector] of vectors.entries())
      this.#putVector.run(sid, did, fromIndex + offset, bytesOf(vector));
  }

  #statement(sql: string): Statement<[Readonly<Record<string, Value>>], Found> {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare<[Readonly<Record<string, Value>>], Found>(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #chunksOf(found: readonly Found[]): FoundChunk[] {
    const documents = new Map<number, Document>();
    return found.flatMap(({ did, at, score }) => {
      const [chunk] = this.#tables.chunks(did, { afterIndex: at - 1, limit: 1 });
      const document = documents.get(did) ?? this.#document(this.#tables.get(did));
      if (document === undefined || chunk === undefined) return [];
      documents.set(did, document);
      return [{ document, chunk, score }];
    });
  }

  #document(row: DocumentRow | undefined): Document | undefined {
    return row && this.#tables.document(row);
  }
}

/** The condition on the number of a document that says whose search it is. */
function scopeOf(did: string, { seenBy, sharedWith }: Who): string {
  const seen = seenBy === undefined ? '' : `AND ${did} ${SCOPES.seen}`;
  return sharedWith === undefined ? seen : `${seen} AND ${did} ${SCOPES.shared}`;
}
