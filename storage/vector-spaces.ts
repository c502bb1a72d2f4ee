import type { Result } from '../src/domain/result.ts';
import type { Unavailable } from './unavailable.ts';

/**
 * Where vectors can be compared: those of one embedder with one number of dimensions. Vectors of different
 * spaces are kept side by side while the documents are embedded anew.
 */
export interface Space {
  /** Which embedder and dimensions: `hashing-v1:256`, `openai:text-embedding-3-small:1536`. An id (`isId`), or it is refused. */
  readonly name: string;
  readonly dimensions: number;
}

/** The part of the storage port that knows which spaces there are. At most one is in use: searches go there. */
export interface VectorSpaces {
  /** In the order they were added. */
  list(): Promise<Result<readonly KnownSpace[], Unavailable>>;

  /** Makes room for vectors of this space. The first one is in use at once. Nothing changes when it is there. */
  add(space: Space): Promise<Result<void, Unavailable>>;

  /** From now on searches go to this space; the others are dropped with all their vectors. One transaction. */
  use(space: Space): Promise<Result<void, Unavailable>>;
}

export interface KnownSpace extends Space {
  readonly isInUse: boolean;
}
