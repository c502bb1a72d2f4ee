import type { Unavailable } from '../../storage/unavailable.ts';
import type { VectorSpaces } from '../../storage/vector-spaces.ts';
import { ok, type Result } from '../domain/result.ts';
import type { Embedder, Embedders } from '../search/embedder.ts';

/**
 * Which embedder searches go to. The store is asked each time: another server may have changed it, and a search
 * in a space that was dropped finds nothing.
 */
export class ServingSpace {
  readonly #spaces: VectorSpaces;
  readonly #embedders: Embedders;

  constructor(spaces: VectorSpaces, embedders: Embedders) {
    this.#spaces = spaces;
    this.#embedders = embedders;
  }

  /** The embedder of the space in use; undefined when there is none, or vectors are turned off. */
  async embedder(): Promise<Result<Embedder | undefined, Unavailable>> {
    if (this.#embedders.configured === undefined) return ok(undefined);
    const listed = await this.#spaces.list();
    if (!listed.ok) return listed;
    const inUse = listed.value.find(({ isInUse }) => isInUse);
    return ok(inUse === undefined ? undefined : this.embedderOf(inUse.name));
  }

  embedderOf(name: string): Embedder | undefined {
    return this.#embedders.ofSpace(name);
  }
}
