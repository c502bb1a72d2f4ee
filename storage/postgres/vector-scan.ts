import type { SpaceTables } from './vector-tables.ts';
import { unit } from './vectors.ts';

/** A vector kept as `bytes`, and a key of two numbers. */
export interface VectorRow {
  readonly first: number;
  readonly second: number;
  readonly embedding: Buffer;
}

export interface Near {
  readonly first: number;
  readonly second: number;
  /** The cosine. */
  readonly score: number;
}

/** A page of a scan takes so much memory here, and twice as much while it is read. */
const PAGE_BYTES = 4_000_000;

/**
 * The nearest of the vectors that it was offered, kept as `bytes`: exact, linear in them, and bounded in memory.
 *
 * Postgres has no operator for it, and `unnest` takes four times as long as sending the vectors here: 10,000 of
 * 384 dimensions in 0.09 s. Half of that is the driver, which reads bytes as a text of their digits.
 */
export class Nearest {
  /** How many rows a page may have. */
  readonly pageRows: number;
  readonly #wanted: Float32Array;
  readonly #limit: number;
  #best: readonly Near[] = [];

  constructor(tables: SpaceTables, wanted: Float32Array, limit: number) {
    this.#wanted = unit(tables, wanted);
    this.#limit = limit;
    this.pageRows = Math.max(16, Math.floor(PAGE_BYTES / (4 * tables.dimensions)));
  }

  /** Best first. */
  get best(): readonly Near[] {
    return this.#best;
  }

  offer(rows: readonly VectorRow[]): void {
    const near = rows.map(({ first, second, embedding }) => ({
      first,
      second,
      score: this.#cosine(embedding),
    }));
    this.#best = [...this.#best, ...near].sort((a, b) => b.score - a.score).slice(0, this.#limit);
  }

  #cosine(embedding: Buffer): number {
    const view = new DataView(embedding.buffer, embedding.byteOffset, embedding.length);
    let sum = 0;
    for (let index = 0; index < this.#wanted.length; index += 1)
      sum += (this.#wanted[index] ?? 0) * view.getFloat32(4 * index, true);
    return sum;
  }
}
