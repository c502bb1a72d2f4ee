import { type ConversationId, type DocumentId, isId } from '../../src/domain/ids.ts';
import type { Result } from '../../src/domain/result.ts';
import { unitOf } from '../nearest.ts';
import type { Unavailable } from '../unavailable.ts';
import type { KnownSpace, Space, VectorSpaces } from '../vector-spaces.ts';
import type { Gate } from './gate.ts';

/** A space with all its vectors: dropping it drops them. */
export class MemorySpace {
  readonly documents = new Map<DocumentId, readonly Float32Array[]>();
  /** By seq, of the text that each message has in the index: those without one are as many as are missing here. */
  readonly messages = new Map<ConversationId, Map<number, Float32Array>>();
  readonly #space: Space;

  constructor({ name, dimensions }: Space) {
    this.#space = { name, dimensions };
  }

  get name(): string {
    return this.#space.name;
  }

  get space(): Space {
    return this.#space;
  }

  /** A copy of length 1, because the caller's may be written to; throws when it has other dimensions. */
  unitOf(vector: Float32Array): Float32Array {
    const { name, dimensions } = this.#space;
    if (vector.length !== dimensions)
      throw new RangeError(`a vector of ${vector.length} in the space ${name}`);
    return unitOf(vector);
  }
}

/** The spaces of the memory store, in the order they were added. */
export class MemorySpaces implements VectorSpaces {
  readonly #gate: Gate;
  readonly #spaces = new Map<string, MemorySpace>();
  #inUse: string | undefined;

  constructor(gate: Gate) {
    this.#gate = gate;
  }

  list(): Promise<Result<readonly KnownSpace[], Unavailable>> {
    return this.#gate.answer(() =>
      this.all().map(({ space }) => ({ ...space, isInUse: space.name === this.#inUse })),
    );
  }

  add(space: Space): Promise<Result<void, Unavailable>> {
    return this.#gate.answer(() => {
      this.#add(space);
    });
  }

  use(space: Space): Promise<Result<void, Unavailable>> {
    return this.#gate.answer(() => {
      this.#add(space);
      this.#inUse = space.name;
      for (const name of this.#spaces.keys()) if (name !== space.name) this.#spaces.delete(name);
    });
  }

  all(): readonly MemorySpace[] {
    return [...this.#spaces.values()];
  }

  find({ name }: Space): MemorySpace | undefined {
    return this.#spaces.get(name);
  }

  #add(space: Space): void {
    if (!isId(space.name)) throw new TypeError(`not the name of a space: ${space.name}`);
    if (!this.#spaces.has(space.name)) this.#spaces.set(space.name, new MemorySpace(space));
    this.#inUse ??= space.name;
  }
}
