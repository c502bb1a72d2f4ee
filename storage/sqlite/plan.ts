import type { KeyHash } from './key-index.ts';
import type { LogTable } from './log-table.ts';
import {
  type EventRecord,
  encodeRecords,
  PLACE_EVENTS,
  type Place,
  type PlaceTable,
  recordCount,
} from './places.ts';

export interface PlannedPlace extends Place {
  readonly cid: number;
}

interface Run {
  readonly firstSeq: number;
  readonly events: EventRecord[];
}

/** The places of a stretch of the log, in the order of their table. 40 bytes an event while it is made. */
export class Plan {
  readonly rows: number;
  readonly #places: readonly PlannedPlace[];
  #next = 0;

  constructor(places: readonly PlannedPlace[]) {
    this.#places = places;
    this.rows = places.reduce((rows, place) => rows + recordCount(place), 0);
  }

  /** The next `count` places; fewer at the end, none after it. */
  take(count: number): readonly PlannedPlace[] {
    const taken = this.#places.slice(this.#next, this.#next + count);
    this.#next += taken.length;
    return taken;
  }

  get isDone(): boolean {
    return this.#next >= this.#places.length;
  }
}

export interface PlanOf {
  readonly log: LogTable;
  readonly hash: KeyHash;
  readonly lastRow: number;
  /** Where to look up what is placed already. */
  readonly places: PlaceTable;
}

/** Reads the log above its mark; takes no lock, and no bodies. */
export function planOf({ log, hash, lastRow, places }: PlanOf): Plan {
  const runs = new Map<number, Run>();
  const placedHeads = new Map<number, number>();
  const placedHead = (cid: number) => {
    let head = placedHeads.get(cid);
    if (head === undefined) {
      head = places.head(cid) ?? 0;
      placedHeads.set(cid, head);
    }
    return head;
  };
  for (const { row, cid, seq, kind, author_id, key } of log.scan(log.indexed(), lastRow)) {
    if (seq <= placedHead(cid)) continue;
    let run = runs.get(cid);
    if (run === undefined) {
      run = { firstSeq: seq, events: [] };
      runs.set(cid, run);
    }
    run.events.push({ row, kind, keyHash: key === null ? 0 : hash(author_id, key) });
  }
  return new Plan([...runs].sort(([a], [b]) => a - b).flatMap(([cid, run]) => placesOf(cid, run)));
}

function placesOf(cid: number, { firstSeq, events }: Run): PlannedPlace[] {
  const places: PlannedPlace[] = [];
  for (let at = 0; at < events.length; at += PLACE_EVENTS) {
    const some = events.slice(at, at + PLACE_EVENTS);
    const records = encodeRecords(some.length, (index) => some[index] as EventRecord);
    places.push({ cid, firstSeq: firstSeq + at, records });
  }
  return places;
}
