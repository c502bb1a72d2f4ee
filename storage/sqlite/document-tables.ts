import type { Database, Statement } from 'better-sqlite3';
import type { Chunk, Document } from '../../src/domain/document.ts';
import type { ConversationId, DocumentId, ParticipantId } from '../../src/domain/ids.ts';
import type { ChunkPage, StoredDocument } from '../document-store.ts';
import { searchedText } from '../text.ts';
import { Words } from './words.ts';

export interface DocumentRow {
  readonly did: number;
  readonly id: DocumentId;
  readonly owner: ParticipantId;
  readonly created_key: string | null;
  /** JSON: what is not a column. */
  readonly record: string;
}

type Record = Omit<Document, 'id' | 'owner' | 'conversations' | 'createdKey'>;

/** Statements on documents one at a time: their records, shares and chunks, and what is left of removed ones. */
export class DocumentTables {
  readonly #words: Words;
  readonly #find: Statement<[id: string], DocumentRow>;
  readonly #get: Statement<[did: number], DocumentRow>;
  readonly #twin: Statement<[owner: string, key: string], DocumentId>;
  readonly #isSeen: Statement<[participant: string, did: number], number>;
  readonly #countOwned: Statement<[owner: string], number>;
  readonly #hasAny: Statement<[], number>;
  readonly #conversations: Statement<[did: number], ConversationId>;
  readonly #spaces: Statement<[did: number], string>;
  readonly #chunks: Statement<number[], Chunk>;
  readonly #loosen: Statement<[did: number | null]>;
  readonly #isLoose: Statement<[did: number], number>;
  readonly #tighten: Statement<[did: number]>;
  readonly #insert: Statement<(string | number | null)[]>;
  readonly #share: Statement<[did: number, place: number, conversation: string]>;
  readonly #delete: readonly Statement<[did: number]>[];
  readonly #addChunk: Statement<(string | number)[]>;
  readonly #putSpace: Statement<[sid: number, did: number]>;
  readonly #dropSpace: Statement<[sid: number, did: number]>;

  constructor(db: Database) {
    this.#words = new Words(db, 'chunk_words');
    this.#find = db.prepare('SELECT * FROM documents WHERE id = ?');
    this.#get = db.prepare('SELECT * FROM documents WHERE did = ?');
    this.#twin = db
      .prepare<[string, string], DocumentId>(
        'SELECT id FROM documents WHERE owner = ? AND created_key = ?',
      )
      .pluck();
    this.#isSeen = db
      .prepare<[string, number], number>(
        `SELECT 1 FROM members m JOIN shares s ON s.cid = m.cid
         WHERE m.participant_id = ? AND s.did = ? LIMIT 1`,
      )
      .pluck();
    this.#countOwned = db
      .prepare<[string], number>('SELECT count(*) FROM documents WHERE owner = ?')
      .pluck();
    this.#hasAny = db.prepare<[], number>('SELECT 1 FROM documents LIMIT 1').pluck();
    this.#conversations = db
      .prepare<[number], ConversationId>(
        'SELECT c.id FROM shares s JOIN conversations c ON c.cid = s.cid WHERE s.did = ? ORDER BY s.place',
      )
      .pluck();
    this.#spaces = db
      .prepare<[number], string>(
        'SELECT s.name FROM spaces s JOIN document_spaces d ON d.sid = s.sid WHERE d.did = ? ORDER BY s.sid',
      )
      .pluck();
    this.#chunks = db.prepare(
      `SELECT key & 0xffffffff AS "index", start, end, text FROM chunks
       WHERE key > (? << 32) + ? AND key < (? + 1) << 32 ORDER BY key LIMIT ?`,
    );
    this.#loosen = db.prepare('INSERT INTO loose_documents VALUES (?)');
    this.#isLoose = db
      .prepare<[number], number>('SELECT 1 FROM loose_documents WHERE did = ?')
      .pluck();
    this.#tighten = db.prepare('DELETE FROM loose_documents WHERE did = ?');
    this.#insert = db.prepare('INSERT INTO documents VALUES (?, ?, ?, ?, ?)');
    this.#share = db.prepare(
      'INSERT OR IGNORE INTO shares SELECT ?, cid, ? FROM conversations WHERE id = ?',
    );
    this.#delete = ['documents', 'shares'].map((table) =>
      db.prepare(`DELETE FROM ${table} WHERE did = ?`),
    );
    this.#addChunk = db.prepare('INSERT INTO chunks VALUES (? << 32 | ?, ?, ?, ?)');
    this.#putSpace = db.prepare('INSERT OR IGNORE INTO document_spaces VALUES (?, ?)');
    this.#dropSpace = db.prepare('DELETE FROM document_spaces WHERE sid = ? AND did = ?');
  }

  find(id: DocumentId): DocumentRow | undefined {
    return this.#find.get(id);
  }

  get(did: number): DocumentRow | undefined {
    return this.#get.get(did);
  }

  /** The document that this owner stored with this key. */
  twin(owner: ParticipantId, key: string): DocumentId | undefined {
    return this.#twin.get(owner, key);
  }

  isSeenBy({ did, owner }: DocumentRow, participant: ParticipantId): boolean {
    return owner === participant || this.#isSeen.get(participant, did) !== undefined;
  }

  countOwned(owner: ParticipantId): number {
    return this.#countOwned.get(owner) ?? 0;
  }

  hasAny(): boolean {
    return this.#hasAny.get() !== undefined;
  }

  document({ did, id, owner, created_key, record }: DocumentRow): Document {
    return {
      id,
      owner,
      conversations: this.#conversations.all(did),
      createdKey: created_key,
      ...(JSON.parse(record) as Record),
    };
  }

  stored(row: DocumentRow): StoredDocument {
    return { document: this.document(row), spaces: this.#spaces.all(row.did) };
  }

  chunks(did: number, { afterIndex = -1, limit }: ChunkPage): Chunk[] {
    return this.#chunks.all(did, afterIndex, did, limit);
  }

  /** A number for a document that has only parts yet. */
  newLoose(): number {
    return Number(this.#loosen.run(null).lastInsertRowid);
  }

  isLoose(did: number): boolean {
    return this.#isLoose.get(did) !== undefined;
  }

  addChunk(did: number, title: string, chunk: Chunk): void {
    const { index, start, end, text } = chunk;
    this.#addChunk.run(did, index, start, end, text);
    this.#words.insert({ whole: did, at: index }, searchedText(title, chunk));
  }

  /** The end of a transaction that added chunks. */
  chunksAdded(): void {
    this.#words.mergeAdded();
  }

  /** Makes a document of loose parts. Conversations that are not there are left out. */
  insert(did: number, document: Document): void {
    const { id, owner, conversations, createdKey, ...record } = document;
    this.#tighten.run(did);
    this.#insert.run(did, id, owner, createdKey, JSON.stringify(record satisfies Record));
    for (const [place, conversation] of conversations.entries())
      this.#share.run(did, place, conversation);
  }

  /** Makes a document invisible; its parts are loose then. */
  remove(did: number): void {
    for (const statement of this.#delete) statement.run(did);
    this.#loosen.run(did);
  }

  /** All vectors of this space are there. */
  putSpace(did: number, sid: number): void {
    this.#putSpace.run(sid, did);
  }

  dropSpace(did: number, sid: number): void {
    this.#dropSpace.run(sid, did);
  }
}
