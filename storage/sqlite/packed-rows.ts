import { type EventRecord, encodeRecords, PLACE_EVENTS } from './places.ts';
import type { PlannedPlace } from './plan.ts';

/** The rows of a segment in the order they came in, a column each, as another thread is shown them. */
export interface PackedRows {
  readonly cids: Float64Array;
  readonly seqs: Float64Array;
  readonly rows: Float64Array;
  readonly keyHashes: Uint32Array;
  readonly kinds: Uint8Array;
}

/** The places of all that was packed, in the order of their table. */
export function placesOfPacked(pack: PackedRows): PlannedPlace[] {
  const runs = new Map<number, number[]>();
  for (const [at, cid] of pack.cids.entries()) {
    const run = runs.get(cid);
    if (run === undefined) runs.set(cid, [at]);
    else run.push(at);
  }
  const places: PlannedPlace[] = [];
  for (const [cid, run] of [...runs].sort(([a], [b]) => a - b)) {
    for (let from = 0; from < run.length; from += PLACE_EVENTS) {
      const some = run.slice(from, from + PLACE_EVENTS);
      const records = encodeRecords(some.map((at) => recordAt(pack, at)));
      places.push({ cid, firstSeq: pack.seqs[some[0] ?? 0] ?? 0, records });
    }
  }
  return places;
}

function recordAt({ rows, keyHashes, kinds }: PackedRows, at: number): EventRecord {
  return { row: rows[at] ?? 0, keyHash: keyHashes[at] ?? 0, kind: kinds[at] ?? 0 };
}
