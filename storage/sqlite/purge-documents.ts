import type { Database, Statement } from 'better-sqlite3';
import { Words } from './words.ts';

/** Pages of words that one step merges: what was deleted leaves the file so. */
const MERGE_PAGES = 16;

/** Whether anything waits for `PurgeDocuments`. */
export function hasLooseParts(db: Database): boolean {
  const found = db.prepare(
    'SELECT 1 FROM loose_documents UNION ALL SELECT 1 FROM dropped_spaces LIMIT 1',
  );
  return found.get() !== undefined;
}

/** Deletes parts without a document, vectors without a space, and merges the words that are left. */
export class PurgeDocuments {
  readonly #words: Words;
  readonly #allWords: readonly Words[];
  readonly #loose: Statement<[keep: string], number>;
  readonly #chunks: Statement<[did: number, did: number, limit: number], number>;
  readonly #dropChunk: Statement<[did: number, at: number]>;
  readonly #dropVectors: Statement<[did: number, limit: number]>;
  readonly #dropSpaces: Statement<[did: number]>;
  readonly #tighten: Statement<[did: number]>;
  readonly #droppedSpace: Statement<[], number>;
  readonly #dropOfSpace: readonly Statement<[sid: number, limit: number]>[];
  readonly #forgetSpace: readonly Statement<[sid: number]>[];

  constructor(db: Database) {
    this.#words = new Words(db, 'chunk_words');
    this.#allWords = [this.#words, new Words(db, 'message_words')];
    this.#loose = db
      .prepare<[string], number>(
        'SELECT did FROM loose_documents WHERE did NOT IN (SELECT value FROM json_each(?)) LIMIT 1',
      )
      .pluck();
    this.#chunks = db
      .prepare<[number, number, number], number>(
        'SELECT key & 0xffffffff FROM chunks WHERE key >= ? << 32 AND key < (? + 1) << 32 ORDER BY key LIMIT ?',
      )
      .pluck();
    this.#dropChunk = db.prepare('DELETE FROM chunks WHERE key = (? << 32 | ?)');
    this.#dropVectors = db.prepare(
      `DELETE FROM chunk_vectors WHERE place IN (
         SELECT v.place FROM (SELECT sid FROM spaces UNION SELECT sid FROM dropped_spaces) s
         CROSS JOIN chunk_vectors v ON v.sid = s.sid AND v.did = ? LIMIT ?)`,
    );
    this.#dropSpaces = db.prepare('DELETE FROM document_spaces WHERE did = ?');
    this.#tighten = db.prepare('DELETE FROM loose_documents WHERE did = ?');
    this.#droppedSpace = db.prepare<[], number>('SELECT sid FROM dropped_spaces LIMIT 1').pluck();
    this.#dropOfSpace = ['chunk_vectors', 'message_vectors'].map((table) =>
      db.prepare(
        `DELETE FROM ${table} WHERE place IN (SELECT place FROM ${table} WHERE sid = ? LIMIT ?)`,
      ),
    );
    this.#forgetSpace = ['document_spaces', 'dropped_spaces'].map((table) =>
      db.prepare(`DELETE FROM ${table} WHERE sid = ?`),
    );
  }

  /** About `rows` rows; undefined when there is nothing left to do. */
  step(rows: number, keep: readonly number[]): number | undefined {
    const did = this.#loose.get(JSON.stringify(keep));
    if (did !== undefined) return this.#purgeLoose(did, rows);
    const sid = this.#droppedSpace.get();
    if (sid !== undefined) return this.#purgeSpace(sid, rows);
    return this.#allWords.every((words) => words.merge(MERGE_PAGES)) ? undefined : 0;
  }

  #purgeLoose(did: number, rows: number): number {
    const chunks = this.#chunks.all(did, did, rows);
    for (const at of chunks) {
      this.#dropChunk.run(did, at);
      this.#words.drop({ whole: did, at });
    }
    const dropped = chunks.length || this.#dropVectors.run(did, rows).changes;
    if (dropped > 0) return dropped;
    this.#dropSpaces.run(did);
    this.#tighten.run(did);
    return 0;
  }

  #purgeSpace(sid: number, rows: number): number {
    for (const drop of this.#dropOfSpace) {
      const { changes } = drop.run(sid, rows);
      if (changes > 0) return changes;
    }
    for (const forget of this.#forgetSpace) forget.run(sid);
    return 0;
  }
}
