import { ok, type Result } from '../../src/domain/result.ts';
import type { Unavailable } from '../unavailable.ts';
import type { Database, Value } from './database.ts';
import type { SpaceTables } from './vector-tables.ts';
import { unit } from './vectors.ts';

/** What a page of a scan has to be: ascending by `first` and `second`, which together are a key. */
export interface VectorRow {
  readonly first: number;
  readonly second: number;
  readonly embedding: Buffer;
}

export interface Near {
  readonly first: number;
  readonly second: number;
  readonly score: number;
}

/** A page takes so much memory here, twice over while it is read. */
const PAGE_BYTES = 4_000_000;

/**
 * The vectors nearest to `wanted` among those that a statement pages through, kept as `bytes`: exact, linear in
 * them, and bounded in memory. The statement's parameters are `values`, then the key to go on after, and how many.
 *
 * Postgres has no operator for it, and `unnest` takes four times as long as sending the vectors here:
 * 10,000 of 384 dimensions in 0.09 s.
 */
export async function scan(
  db: Database,
  page: { readonly text: string; readonly values: readonly Value[] },
  { tables, wanted, limit }: { tables: SpaceTables; wanted: Float32Array; limit: number },
): Promise<Result<readonly Near[], Unavailable>> {
  const vector = unit(tables, wanted);
  const rowsAtOnce = Math.max(16, Math.floor(PAGE_BYTES / (4 * tables.dimensions)));
  let best: Near[] = [];
  let after = [-1, -1];
  for (;;) {
    const read = await db.read<VectorRow>({ text: page.text }, [
      ...page.values,
      ...after,
      rowsAtOnce,
    ]);
    if (!read.ok) return read;
    best = nearest([...best, ...read.value.map((row) => near(row, vector))], limit);
    const last = read.value.at(-1);
    if (last === undefined || read.value.length < rowsAtOnce) return ok(best);
    after = [last.first, last.second];
  }
}

function near({ first, second, embedding }: VectorRow, vector: Float32Array): Near {
  const view = new DataView(embedding.buffer, embedding.byteOffset, embedding.length);
  let score = 0;
  for (let index = 0; index < vector.length; index += 1)
    score += (vector[index] ?? 0) * view.getFloat32(4 * index, true);
  return { first, second, score };
}

function nearest(all: readonly Near[], limit: number): Near[] {
  return [...all].sort((a, b) => b.score - a.score).slice(0, limit);
}
