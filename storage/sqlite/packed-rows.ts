import { type EventRecord, encodeRecords, PLACE_EVENTS } from './places.ts';
import type { PlannedPlace } from './plan.ts';

/** The rows of a segment, as they go to another thread: a run each conversation, its rows one after the other. */
export interface PackedRows {
  readonly cids: Float64Array;
  readonly firstSeqs: Float64Array;
  /** Rows of each run. */
  readonly counts: Uint32Array;
  readonly rows: Float64Array;
  readonly keyHashes: Uint32Array;
  readonly kinds: Uint8Array;
}

interface Rows {
  readonly firstSeq: number;
  readonly rows: readonly number[];
  readonly keyHashes: readonly number[];
  readonly kinds: readonly number[];
}

/** Packs runs that have `count` rows together, in the order of their conversations' numbers. */
export function packed(runs: ReadonlyMap<number, Rows>, count: number): PackedRows {
  const sorted = [...runs].sort(([a], [b]) => a - b);
  const pack: PackedRows = {
    cids: Float64Array.from(sorted, ([cid]) => cid),
    firstSeqs: Float64Array.from(sorted, ([, { firstSeq }]) => firstSeq),
    counts: Uint32Array.from(sorted, ([, { rows }]) => rows.length),
    rows: new Float64Array(count),
    keyHashes: new Uint32Array(count),
    kinds: new Uint8Array(count),
  };
  let at = 0;
  for (const [, { rows, keyHashes, kinds }] of sorted) {
    pack.rows.set(rows, at);
    pack.keyHashes.set(keyHashes, at);
    pack.kinds.set(kinds, at);
    at += rows.length;
  }
  return pack;
}

/** The places of all that was packed, in the order of their table. */
export function placesOfPacked(pack: PackedRows): PlannedPlace[] {
  const places: PlannedPlace[] = [];
  let start = 0;
  for (const [run, cid] of pack.cids.entries()) {
    const count = pack.counts[run] ?? 0;
    const firstSeq = pack.firstSeqs[run] ?? 0;
    for (let at = 0; at < count; at += PLACE_EVENTS) {
      const records = encodeRecords(
        recordsOf(pack, start + at, Math.min(count - at, PLACE_EVENTS)),
      );
      places.push({ cid, firstSeq: firstSeq + at, records });
    }
    start += count;
  }
  return places;
}

function recordsOf({ rows, keyHashes, kinds }: PackedRows, from: number, count: number) {
  return Array.from({ length: count }, (_, index): EventRecord => {
    const at = from + index;
    return { row: rows[at] ?? 0, keyHash: keyHashes[at] ?? 0, kind: kinds[at] ?? 0 };
  });
}
