import type { Chunk, Document } from '../src/domain/document.ts';
import type { ConversationId, DocumentId, ParticipantId } from '../src/domain/ids.ts';
import type { Result } from '../src/domain/result.ts';
import type { Unavailable } from './unavailable.ts';
import type { Space } from './vector-spaces.ts';

/**
 * The part of the storage port that keeps documents: their chunks, found by words and by nearness.
 *
 * Invariants:
 * D1. A document is there with all its chunks and their words, or not at all; its vectors of one space are
 *     there all together, or not at all.
 * D2. `seenBy` finds what that participant owns, and what is shared with a conversation it is a member of at
 *     that moment; nothing else, by no method that takes it.
 * D3. A document that was removed is in no answer any more, of any method.
 */
export interface DocumentStore {
  /**
   * Stores a document with its chunks (index 0, 1, …) and the words of each. A conversation in it that does not
   * exist is left out. `key_taken` names the document that its owner stored with this key before.
   */
  add(document: Document, chunks: readonly Chunk[]): Promise<Result<void, AddFailure>>;

  /** By id; undefined when there is none, or `seenBy` may not see it. Without `seenBy`: for the operator. */
  read(
    id: DocumentId,
    seenBy?: ParticipantId,
  ): Promise<Result<StoredDocument | undefined, Unavailable>>;

  /** Those that `seenBy` may see, by id, after `afterId`; all of them without it (export). */
  list(page: DocumentPage): Promise<Result<readonly StoredDocument[], Unavailable>>;

  /** How many this participant owns. */
  countOwned(owner: ParticipantId): Promise<Result<number, Unavailable>>;

  /** Ascending by index, after `afterIndex`; empty when there is no such document. */
  readChunks(id: DocumentId, page: ChunkPage): Promise<Result<readonly Chunk[], Unavailable>>;

  /** Erases a document from every index. False when there was none. */
  remove(id: DocumentId): Promise<Result<boolean, Unavailable>>;

  /** The chunks that have any of the terms, best first, at most `limit`. The first of a document has those of its title, too. */
  byTerms(query: ChunkQuery & TermsQuery): Promise<Result<readonly FoundChunk[], Unavailable>>;

  /** The chunks nearest to the vector by cosine, best first, at most `limit`: exact, or by an index that says so. */
  byVector(query: ChunkQuery & VectorQuery): Promise<Result<readonly FoundChunk[], Unavailable>>;

  /** Documents that have no vectors of this space yet, by id, after `afterId`, at most `limit`; and how many there are on all pages. */
  withoutVectors(
    space: Space,
    page: { readonly afterId?: DocumentId; readonly limit: number },
  ): Promise<Result<{ readonly ids: readonly DocumentId[]; readonly count: number }, Unavailable>>;

  /**
   * Stores a vector of length 1 for each chunk, in order, in place of those before, in one transaction. False when the
   * document is gone, or the space is.
   */
  putVectors(
    space: Space,
    id: DocumentId,
    vectors: readonly Float32Array[],
  ): Promise<Result<boolean, Unavailable>>;
}

/** A document, and the spaces in which all its chunks have vectors. */
export interface StoredDocument {
  readonly document: Document;
  /** Names of spaces. */
  readonly spaces: readonly string[];
}

export interface DocumentPage {
  readonly seenBy?: ParticipantId;
  /** Only those shared with this conversation. */
  readonly sharedWith?: ConversationId;
  readonly afterId?: DocumentId;
  readonly limit: number;
}

export interface ChunkPage {
  readonly afterIndex?: number;
  readonly limit: number;
}

export interface ChunkQuery {
  readonly seenBy: ParticipantId;
  /** Only documents shared with this conversation. */
  readonly sharedWith?: ConversationId;
  readonly limit: number;
}

export interface TermsQuery {
  /** Distinct, as `termsOf` makes them (src/text/terms.ts); none finds nothing. */
  readonly terms: readonly string[];
}

export interface VectorQuery {
  /** One that is not there, or not any more, finds nothing. */
  readonly space: Space;
  /** As long as the space has dimensions, of length 1. */
  readonly vector: Float32Array;
}

export interface FoundChunk {
  readonly document: Document;
  readonly chunk: Chunk;
  /** More is better. Of words: comparable within one answer only. Of vectors: the cosine, -1 to 1. */
  readonly score: number;
}

export type AddFailure =
  | Unavailable
  | { readonly reason: 'already_exists' }
  | { readonly reason: 'key_taken'; readonly id: DocumentId };
