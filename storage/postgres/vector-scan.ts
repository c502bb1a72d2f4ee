import { Best, innerProduct } from '../nearest.ts';
import type { Transaction } from './database.ts';
import { Sketched, sketchChars } from './sketch.ts';
import type { SpaceTables } from './vector-tables.ts';
import { decodeBytes, unit } from './vectors.ts';

export interface Near {
  /** The key of a vector is two numbers. */
  readonly first: number;
  readonly second: number;
  /** The cosine. */
  readonly score: number;
}

interface VectorRow {
  readonly first: number;
  readonly second: number;
  readonly embedding: Buffer;
}

/** Where the vectors are. */
export interface Scanned {
  readonly tables: SpaceTables;
  readonly table: string;
  /** The columns of its key. */
  readonly keys: readonly [first: string, second: string];
}

/** What is scanned: a page of vectors, as FROM and WHERE say, with what is in the place of the parameters. */
export interface ScanPage {
  readonly from: string;
  readonly values: readonly (string | number | readonly number[])[];
}

/** A page of sketches takes so much memory, and twice as much while it is read; the event loop waits some milliseconds. */
const PAGE_BYTES = 2_000_000;
/** Vectors that are read at once. */
const READ_AT_ONCE = 250;

/** How many rows a page of a scan may have. */
export function pageRows({ dimensions }: SpaceTables): number {
  return Math.max(16, Math.floor(PAGE_BYTES / sketchChars(dimensions)));
}

/**
 * The nearest of the vectors in some pages, kept as `bytes`: exact, linear in them, and bounded in memory. The sketches of
 * all are read, and the vectors of those that can be the nearest. The pages are of one snapshot.
 *
 * Postgres has no operator for it, and `unnest` takes longer than sending the vectors here.
 */
export async function nearestOf(
  tx: Transaction,
  scanned: Scanned,
  { wanted, limit, pages }: Wanted,
): Promise<readonly Near[]> {
  const direction = unit(scanned.tables, wanted);
  const sketched = new Sketched(direction, limit);
  const [first, second] = scanned.keys;
  for await (const { from, values } of pages) {
    // Aggregates that are given the same rows give them in the same order.
    const text = `SELECT string_agg(v.${first}::text, ',') AS firsts, string_agg(v.${second}::text, ',') AS seconds,
      string_agg(v.sketch, '') AS sketches FROM ${from}`;
    const [page] = await tx.rows<SketchPage>({ text }, values);
    if (page === undefined || page.sketches === null) continue;
    const { sketches, firsts, seconds } = page;
    sketched.offer(Buffer.from(sketches, 'latin1'), numbersOf(firsts), numbersOf(seconds));
  }
  return exactly(tx, scanned, { direction, limit, sketched });
}

interface Wanted {
  readonly wanted: Float32Array;
  readonly limit: number;
  readonly pages: Iterable<ScanPage> | AsyncIterable<ScanPage>;
}

interface SketchPage {
  readonly firsts: string;
  readonly seconds: string;
  /** Null when the page is empty. */
  readonly sketches: string | null;
}

interface Found {
  readonly direction: Float32Array;
  readonly limit: number;
  readonly sketched: Sketched;
}

/** Reads vectors, the most promising first, until none that is left can be nearer than those found. */
async function exactly(
  tx: Transaction,
  { table, keys: [first, second] }: Scanned,
  { direction, limit, sketched }: Found,
): Promise<readonly Near[]> {
  const best = new Best<Near>(limit);
  const { possible } = sketched;
  const text = `SELECT v.${first} AS first, v.${second} AS second, v.embedding
    FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS k (first, second, place)
    JOIN ${table} v ON v.${first} = k.first AND v.${second} = k.second ORDER BY k.place`;
  for (let at = 0; at < possible.length; at += READ_AT_ONCE) {
    const some = possible.slice(at, at + READ_AT_ONCE);
    if ((some[0]?.most ?? 0) < best.bar) break;
    const keys = [some.map((one) => one.first), some.map((one) => one.second)];
    for (const row of await tx.rows<VectorRow>({ text }, keys)) {
      const score = innerProduct(direction, decodeBytes(row.embedding));
      if (score > best.bar) best.offer({ first: row.first, second: row.second, score });
    }
  }
  return best.items;
}

function numbersOf(text: string): readonly number[] {
  return text.split(',').map(Number);
}
