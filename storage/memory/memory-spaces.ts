import { type ConversationId, type DocumentId, isId } from '../../src/domain/ids.ts';
import type { Result } from '../../src/domain/result.ts';
import type { Unavailable } from '../unavailable.ts';
import type { KnownSpace, Space, VectorSpaces } from '../vector-spaces.ts';
import type { Gate } from './gate.ts';

/** A vector, and the event whose text it is of. */
interface VectorOfMessage {
  readonly textSeq: number;
  readonly vector: Float32Array;
}

/** A space with all its vectors: dropping it drops them. */
export class MemorySpace {
  readonly documents = new Map<DocumentId, readonly Float32Array[]>();
  readonly messages = new Map<ConversationId, Map<number, VectorOfMessage>>();
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

  /** A copy, because the caller's may be written to; throws when it is of another length. */
  copyOf(vector: Float32Array): Float32Array {
    const { name, dimensions } = this.#space;
    if (vector.length !== dimensions)
      throw new RangeError(`a vector of ${vector.length} in the space ${name}`);
    return Float32Array.from(vector);
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

/** The cosine of the angle between two vectors; 0 when one of them has no length. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let dot = 0;
  let aSquared = 0;
  let bSquared = 0;
  a.forEach((x, index) => {
    const y = b[index] ?? 0;
    dot += x * y;
    aSquared += x * x;
    bSquared += y * y;
  });
  const lengths = Math.sqrt(aSquared * bSquared);
  return lengths === 0 ? 0 : dot / lengths;
}
