import type { ConversationId } from '../src/domain/ids.ts';
import type { Result } from '../src/domain/result.ts';
import type { TermsQuery, VectorQuery } from './document-store.ts';
import type { Unavailable } from './unavailable.ts';
import type { Space } from './vector-spaces.ts';

/**
 * The part of the storage port that finds messages of one conversation by words and by nearness.
 *
 * The index of a conversation is made when it is first searched, and brought level with the log at each search:
 * a send pays nothing for it, and a conversation that nobody searches has none.
 *
 * Invariants:
 * X1. It holds messages as they stood at its mark: the newest edit's text, nothing of deleted ones.
 * X2. An `erased` effect, a `trimmed` effect and the removal of the conversation take their messages out of it in
 *     the same transaction, also while `level` or `putVectors` runs: what was erased never comes back.
 * X3. It is made from the log alone: losing it loses nothing.
 */
export interface MessageIndex {
  /**
   * Takes in up to `limit` events after the mark: bounded work, one short transaction. True when the index is
   * level with the log's head as it was when this began. A conversation that is not there is level.
   */
  level(id: ConversationId, limit: number): Promise<Result<boolean, Unavailable>>;

  /** The messages that have any of the terms, best first, at most `limit`; what `level` has not taken in is not found. */
  byTerms(
    id: ConversationId,
    query: TermsQuery & { readonly limit: number },
  ): Promise<Result<readonly FoundMessage[], Unavailable>>;

  /** The messages nearest to the vector by cosine, best first, at most `limit`, exactly. */
  byVector(
    id: ConversationId,
    query: VectorQuery & { readonly limit: number },
  ): Promise<Result<readonly FoundMessage[], Unavailable>>;

  /**
   * Indexed messages that have no vector of this space for the text they have now, at most `limit`. Of those that
   * never had one of any space, the newest come first.
   */
  withoutVector(
    id: ConversationId,
    space: Space,
    limit: number,
  ): Promise<Result<readonly UnembeddedMessage[], Unavailable>>;

  /**
   * Stores the vectors of those messages that the index has with that text, in place of those before; of a space that
   * is gone, none. One transaction.
   */
  putVectors(
    id: ConversationId,
    space: Space,
    vectors: readonly MessageVector[],
  ): Promise<Result<void, Unavailable>>;
}

export interface FoundMessage {
  readonly seq: number;
  /** More is better. Of words: comparable within one answer only. Of vectors: the cosine, -1 to 1. */
  readonly score: number;
}

export interface UnembeddedMessage {
  readonly seq: number;
  /** The seq of the event that has its text: its own, or that of its newest edit. */
  readonly textSeq: number;
  readonly text: string;
}

export interface MessageVector {
  readonly seq: number;
  readonly textSeq: number;
  readonly vector: Float32Array;
}
