import type { Chunk, Document } from '../../src/domain/document.ts';
import type { DocumentId, ParticipantId } from '../../src/domain/ids.ts';
import { err, ok, type Result } from '../../src/domain/result.ts';
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
import type { DocumentTables } from './document-tables.ts';
import type { Searcher } from './searcher.ts';
import { detached, vectorsThatFit } from './slices.ts';
import type { SpaceTable } from './space-table.ts';
import type { Undo } from './writer.ts';

export interface DocumentParts {
  readonly documents: DocumentTables;
  readonly spaces: SpaceTable;
  readonly searcher: Searcher;
  readonly look: <T>(answer: () => T) => Result<T, Unavailable>;
  /** Runs a change in the next commit. */
  readonly change: <T, F>(
    perform: (undo: Undo) => Result<T, F>,
  ) => Promise<Result<T, F | Unavailable>>;
  /** Something was removed, or given up: what is left of it waits for the purge. */
  readonly rubbishLeft: () => void;
}

/** Chunks that one call adds at most. */
const MAX_CHUNKS = 32;

/**
 * Documents. Their parts are written in the searching thread, in transactions of about 2 ms, and seen by nobody
 * until the foreground's commit writes the document itself (D1), as durable as an append; a removal is the same
 * backwards. What a crash or a refusal leaves of parts is loose, and goes with the next purge.
 */
export class SqliteDocuments implements DocumentStore {
  readonly #parts: DocumentParts;
  /** Documents of which parts are being written. */
  readonly #adding = new Set<number>();
  /** The end of the last `putVectors`: two of them never mix their vectors. */
  #vectors: Promise<unknown> = Promise.resolve();

  constructor(parts: DocumentParts) {
    this.#parts = parts;
  }

  /** Their numbers: the purge leaves them alone. */
  get adding(): readonly number[] {
    return [...this.#adding];
  }

  async add(given: Document, chunks: readonly Chunk[]): Promise<Result<void, AddFailure>> {
    assertChunks(given, chunks);
    const document = wellFormedDocument(given);
    return this.#parts.searcher.during<void, AddFailure>(async () => {
      const { look, change, rubbishLeft } = this.#parts;
      const free = look(() => this.#refusal(document));
      if (!free.ok) return free;
      if (free.value !== undefined) return err(free.value);
      const loose = await change<number, never>((undo) => ok(this.#newLoose(undo)));
      if (!loose.ok) return loose;
      const did = loose.value;
      try {
        const parts = { title: document.title, chunks: chunks.map(wellFormedChunk) };
        const added = await this.#addParts(did, parts);
        return added.ok ? await change(() => this.#insert(did, document)) : added;
      } finally {
        this.#adding.delete(did);
        rubbishLeft();
      }
    });
  }

  async read(
    id: DocumentId,
    seenBy?: ParticipantId,
  ): Promise<Result<StoredDocument | undefined, Unavailable>> {
    const { documents, look } = this.#parts;
    return look(() => {
      const row = documents.find(id);
      if (row === undefined) return undefined;
      const isSeen = seenBy === undefined || documents.isSeenBy(row, seenBy);
      return isSeen ? documents.stored(row) : undefined;
    });
  }

  list(page: DocumentPage): Promise<Result<readonly StoredDocument[], Unavailable>> {
    return this.#parts.searcher.read('listDocuments', page);
  }

  async countOwned(owner: ParticipantId): Promise<Result<number, Unavailable>> {
    return this.#parts.look(() => this.#parts.documents.countOwned(owner));
  }

  async readChunks(
    id: DocumentId,
    page: ChunkPage,
  ): Promise<Result<readonly Chunk[], Unavailable>> {
    const { documents, look } = this.#parts;
    return look(() => {
      const row = documents.find(id);
      return row === undefined ? [] : documents.chunks(row.did, page);
    });
  }

  async remove(id: DocumentId): Promise<Result<boolean, Unavailable>> {
    const { documents, change, rubbishLeft } = this.#parts;
    const removed = await change<boolean, never>(() => {
      const row = documents.find(id);
      if (row !== undefined) documents.remove(row.did);
      return ok(row !== undefined);
    });
    rubbishLeft();
    return removed;
  }

  byTerms(query: ChunkQuery & TermsQuery): Promise<Result<readonly FoundChunk[], Unavailable>> {
    return this.#parts.searcher.read('chunksByTerms', { ...query, terms: [...query.terms] });
  }

  byVector(query: ChunkQuery & VectorQuery): Promise<Result<readonly FoundChunk[], Unavailable>> {
    const { space, vector, ...rest } = query;
    const { spaces, searcher, look } = this.#parts;
    return searcher.during(async () => {
      const found = look(() => spaces.fitting(space, [vector]));
      if (!found.ok) return found;
      if (found.value === undefined) return ok([]);
      const { sid } = found.value;
      return searcher.ask('chunksByVector', { ...rest, sid, vector: detached(vector) });
    });
  }

  withoutVectors(
    space: Space,
    page: { readonly afterId?: DocumentId; readonly limit: number },
  ): Promise<Result<{ readonly ids: readonly DocumentId[]; readonly count: number }, Unavailable>> {
    const { documents, spaces, searcher, look } = this.#parts;
    return searcher.during(async () => {
      // A server without documents never needs the searching thread, and asks this once a minute.
      const found = look(() => (documents.hasAny() ? (spaces.find(space)?.sid ?? 0) : undefined));
      if (!found.ok) return found;
      if (found.value === undefined) return ok({ ids: [], count: 0 });
      return searcher.ask('documentsWithoutVectors', { ...page, sid: found.value });
    });
  }

  putVectors(
    space: Space,
    id: DocumentId,
    vectors: readonly Float32Array[],
  ): Promise<Result<boolean, Unavailable>> {
    return this.#parts.searcher.during(() => {
      const stored = this.#vectors.then(() => this.#putVectors(space, id, vectors));
      this.#vectors = stored.catch(() => {});
      return stored;
    });
  }

  async #putVectors(
    space: Space,
    id: DocumentId,
    vectors: readonly Float32Array[],
  ): Promise<Result<boolean, Unavailable>> {
    const { documents, spaces, searcher, look, change } = this.#parts;
    const found = look(() => this.#place(space, id, vectors));
    if (!found.ok) return found;
    const place = found.value;
    if (place === undefined) return ok(false);
    const isThere = () =>
      documents.find(id)?.did === place.did && spaces.find(space)?.sid === place.sid;
    let done = 0;
    while (done < vectors.length) {
      const fromIndex = done;
      const end = done + vectorsThatFit(space.dimensions);
      const stored = await searcher.write('putChunkVectors', () =>
        isThere()
          ? { ...place, fromIndex, vectors: vectors.slice(fromIndex, end).map(detached) }
          : undefined,
      );
      if (!stored.ok) return stored;
      done = end;
    }
    return change<boolean, never>(() => {
      const isStored = isThere();
      if (isStored) documents.putSpace(place.did, place.sid);
      return ok(isStored);
    });
  }

  /** Where the vectors of a document go; throws when they are not its vectors. */
  #place(
    space: Space,
    id: DocumentId,
    vectors: readonly Float32Array[],
  ): { readonly did: number; readonly sid: number } | undefined {
    const { documents, spaces } = this.#parts;
    const row = documents.find(id);
    const found = row && spaces.find(space);
    if (row === undefined || found === undefined) return undefined;
    const { chunkCount } = documents.document(row);
    if (vectors.length !== chunkCount)
      throw new RangeError(`${vectors.length} vectors for ${chunkCount} chunks`);
    spaces.fitting(space, vectors);
    return { did: row.did, sid: found.sid };
  }

  /** A number for a document to be, which no purge takes for rubbish from this moment on. */
  #newLoose(undo: Undo): number {
    const did = this.#parts.documents.newLoose();
    undo.push(() => this.#adding.delete(did));
    this.#adding.add(did);
    return did;
  }

  async #addParts(
    did: number,
    { title, chunks }: { readonly title: string; readonly chunks: readonly Chunk[] },
  ): Promise<Result<void, Unavailable>> {
    let done = 0;
    while (done < chunks.length) {
      const slice = chunks.slice(done, done + MAX_CHUNKS);
      const added = await this.#parts.searcher.write('addChunks', () => ({
        did,
        title,
        chunks: slice,
      }));
      if (!added.ok) return added;
      done += added.value ?? 0;
    }
    return ok(undefined);
  }

  #insert(did: number, document: Document): Result<void, AddFailure> {
    const { documents } = this.#parts;
    const refusal = this.#refusal(document);
    if (refusal !== undefined) return err(refusal);
    if (!documents.isLoose(did)) throw new Error(`the parts of document ${did} are gone`);
    documents.insert(did, document);
    return ok(undefined);
  }

  #refusal({ id, owner, createdKey }: Document): Exclude<AddFailure, Unavailable> | undefined {
    const { documents } = this.#parts;
    if (documents.find(id) !== undefined) return { reason: 'already_exists' };
    const twin = createdKey === null ? undefined : documents.twin(owner, createdKey);
    return twin === undefined ? undefined : { reason: 'key_taken', id: twin };
  }
}
