import type { Result } from '../domain/result.ts';

/**
 * What turns texts into vectors. An implementation is one file here and one row in `open-embedder.ts`.
 */
export interface Embedder {
  /**
   * The space its vectors are in: two embedders with one name make comparable vectors. The name has the model and
   * the dimensions in it (`hashing-v1:256`), in the characters of an id.
   */
  readonly space: { readonly name: string; readonly dimensions: number };
  /** For the operator, without secrets. */
  readonly label: string;
  /** Texts at a time at most. */
  readonly maxBatch: number;
  /**
   * A vector of length 1 for each text, in order; a text without anything to embed gives a vector that is near to
   * none. Failures: it did not answer in time, or its breaker is open (`isBroken`): no retry of ours helps then.
   */
  embed(
    texts: readonly string[],
    signal?: AbortSignal,
  ): Promise<Result<readonly Float32Array[], EmbedFailure>>;
}

export interface EmbedFailure {
  readonly reason: 'embedder_unavailable';
  /** For the log only. */
  readonly cause: unknown;
}
