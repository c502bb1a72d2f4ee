import type { Result } from '../domain/result.ts';

/**
 * What turns texts into vectors. An implementation is one file here and one row in `src/open-embedder.ts`.
 */
export interface Embedder {
  /**
   * The space its vectors are in: two embedders with one name make comparable vectors. The name has the model and
   * the dimensions in it (`hashing-v1:256`), in the characters of an id.
   */
  readonly space: { readonly name: string; readonly dimensions: number };
  /** For the operator, without secrets. */
  readonly label: string;
  /** It computes here and now: an embedding costs a millisecond, and no bill. */
  readonly isLocal: boolean;
  /** How much a place among its nearest counts beside one among the best by words, which counts 1. */
  readonly weight: number;
  /** Texts whose vectors have a smaller cosine have nothing to do with each other. */
  readonly leastCosine: number;
  /** Texts at a time at most; more is a broken invariant. */
  readonly maxBatch: number;
  /**
   * A vector of length 1 for each text, in order; a text without anything to embed gives a vector that is near to
   * none but its like. What of a text is beyond the embedder's reach is left out. Retries are inside.
   */
  embed(
    texts: readonly string[],
    signal?: AbortSignal,
  ): Promise<Result<readonly Float32Array[], EmbedFailure>>;
}

export interface EmbedFailure {
  readonly reason: 'embedder_unavailable';
  /** Milliseconds that it is not worth asking again, where that is known: the endpoint said so, or the breaker is open. */
  readonly retryAfterMs?: number;
  /** For the log only. */
  readonly cause: unknown;
}

/** The embedder of the settings, and those of spaces that earlier settings filled. */
export interface Embedders {
  /** What new vectors are made with; undefined when there is to be none: searches then go by words. */
  readonly configured: Embedder | undefined;

  /**
   * The one whose vectors are in the space of this name, so that an old index serves while a new one is made;
   * undefined when such vectors can't be made here any more.
   */
  readonly ofSpace: (name: string) => Embedder | undefined;
}
