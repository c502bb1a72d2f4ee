import { encodeRecords, PLACE_EVENTS } from './places.ts';
import type { PlannedPlace } from './plan.ts';

/** The rows of a segment in the order they came in, a column each, as another thread is shown them. */
export interface PackedRows {
  readonly cids: Float64Array;
  readonly seqs: Float64Array;
  readonly rows: Float64Array;
  readonly keyHashes: Uint32Array;
  readonly kinds: Uint8Array;
}

/**
 * The places of all that was packed, in the order of their table. Where there is one core, senders wait for it, and
 * the first time in a thread nothing of it is compiled: so it loops over numbers.
 */
export function placesOfPacked({ cids, seqs, rows, keyHashes, kinds }: PackedRows): PlannedPlace[] {
  const runs = new Map<number, number[]>();
  for (let at = 0; at < cids.length; at += 1) {
    const cid = cids[at] ?? 0;
    const run = runs.get(cid);
    if (run === undefined) runs.set(cid, [at]);
    else run.push(at);
  }
  const places: PlannedPlace[] = [];
  for (const [cid, run] of [...runs].sort(([a], [b]) => a - b)) {
    for (let from = 0; from < run.length; from += PLACE_EVENTS) {
      const records = encodeRecords(Math.min(PLACE_EVENTS, run.length - from), (index) => {
        const at = run[from + index] ?? 0;
        return { row: rows[at] ?? 0, keyHash: keyHashes[at] ?? 0, kind: kinds[at] ?? 0 };
      });
      places.push({ cid, firstSeq: seqs[run[from] ?? 0] ?? 0, records });
    }
  }
  return places;
}
