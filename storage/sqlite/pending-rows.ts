import type { PackedRows } from './packed-rows.ts';
import type { EventRecord } from './places.ts';
import { Columns, NONE } from './segment-columns.ts';

/** The rows of one conversation in one segment of the log: their seqs are `firstSeq`, `firstSeq + 1`, … */
interface Run {
  readonly firstSeq: number;
  count: number;
  /** Where the newest stands in the segment's columns; each knows the one before it. */
  last: number;
  /** Where each stands, as far as somebody has asked: most are written and not read while they are here. */
  at: number[] | undefined;
}

/** A stretch of the log: what came in before the indexer took it over, or what comes in now. */
interface Segment {
  readonly runs: Map<number, Run>;
  /** Of the runs, and of what was forgotten since. */
  readonly columns: Columns;
  rows: number;
  /** It holds all rows of its stretch: nothing of it was forgotten, no transaction taken back meanwhile. */
  isWhole: boolean;
}

/**
 * Where the events are that have no place yet.
 *
 * Owns: which row of `log` holds which of these events, and the hashes of their keys. Bounded by what the indexer
 * leaves behind: two segments while it keeps up. Does not own: the rows; for what is not here, `places` knows.
 *
 * Invariants:
 * P1. An event is here, or has a place, or both: a segment is dropped when all of it has places.
 * P2. A conversation's seqs in the frozen segment end right below those in the active one.
 * P3. What is packed is all that its stretch of the log has, or there is no pack: else the log itself is read.
 */
export class PendingRows {
  #active: Segment = emptySegment();
  #frozen: Segment | undefined;

  /** Rows in the active segment. */
  get activeRows(): number {
    return this.#active.rows;
  }

  /** Conversations in the active segment. */
  get activeRuns(): number {
    return this.#active.runs.size;
  }

  get hasFrozen(): boolean {
    return this.#frozen !== undefined;
  }

  get totalRows(): number {
    return this.#active.rows + (this.#frozen?.rows ?? 0);
  }

  /** The run which a conversation's next events are added to. */
  open(cid: number, nextSeq: number): Run {
    let run = this.#active.runs.get(cid);
    if (run === undefined) {
      run = { firstSeq: nextSeq, count: 0, last: NONE, at: undefined };
      this.#active.runs.set(cid, run);
    }
    return run;
  }

  /** Adds one row that is in the file already. */
  add(cid: number, seq: number, record: EventRecord): void {
    this.push(this.open(cid, seq), cid, record);
  }

  /** Adds the next row to a run that `open` gave. */
  push(run: Run, cid: number, record: EventRecord): void {
    const { columns } = this.#active;
    run.last = columns.add({ cid, seq: run.firstSeq + run.count, before: run.last }, record);
    run.count += 1;
    this.#active.rows += 1;
  }

  /** Takes back all but the first `count` rows of the run that is open: the newest rows there are. */
  truncate(cid: number, count: number): void {
    const { runs, columns } = this.#active;
    const run = runs.get(cid);
    if (run === undefined) return;
    this.#active.rows -= run.count - count;
    for (; run.count > count; run.count -= 1) {
      columns.truncate(run.last);
      run.last = columns.before(run.last);
    }
    if (run.at !== undefined && run.at.length > count) run.at.length = count;
    if (count === 0) runs.delete(cid);
  }

  /** The newest seq that is pending; undefined when none is. */
  head(cid: number): number | undefined {
    const run = this.#active.runs.get(cid) ?? this.#frozen?.runs.get(cid);
    return run === undefined ? undefined : run.firstSeq + run.count - 1;
  }

  /** The oldest seq that is pending: all below it have places. */
  firstSeq(cid: number): number | undefined {
    return (this.#frozen?.runs.get(cid) ?? this.#active.runs.get(cid))?.firstSeq;
  }

  rowOf(cid: number, seq: number): number | undefined {
    return rowIn(this.#active, cid, seq) ?? (this.#frozen && rowIn(this.#frozen, cid, seq));
  }

  /** `keyHashOf` sender and key, 0 where there is no key, of each event, oldest first. */
  *keyHashes(cid: number): Generator<{ readonly seq: number; readonly hash: number }> {
    for (const segment of [this.#frozen, this.#active]) {
      const run = segment?.runs.get(cid);
      if (segment === undefined || run === undefined) continue;
      for (const [index, at] of standsOf(run, segment.columns).entries()) {
        yield { seq: run.firstSeq + index, hash: segment.columns.keyHashAt(at) };
      }
    }
  }

  /** Forgets a conversation; the answer puts it back. */
  forget(cid: number): () => void {
    const restores = [forgetIn(this.#active, cid), forgetIn(this.#frozen, cid)];
    return () => {
      for (const restore of restores) restore();
    };
  }

  clear(): void {
    this.#active = emptySegment();
    this.#frozen = undefined;
  }

  /** Hands the active segment to the indexer; there is none before it. */
  freeze(): void {
    if (this.#frozen !== undefined) throw new Error('a segment is being indexed');
    this.#frozen = this.#active;
    this.#active = emptySegment();
  }

  /** A transaction was taken back, and the file may hold it all the same. */
  doubt(): void {
    this.#active.isWhole = false;
    if (this.#frozen !== undefined) this.#frozen.isWhole = false;
  }

  /** The frozen segment, for the indexer's thread; undefined when the log has to be read for it. O(1). */
  packFrozen(): PackedRows | undefined {
    const frozen = this.#frozen;
    if (frozen === undefined || !frozen.isWhole) return undefined;
    return frozen.columns.packed();
  }

  /** The frozen segment has its places, all of it. O(1). */
  dropFrozen(): void {
    this.#frozen = undefined;
  }
}

function emptySegment(): Segment {
  return { runs: new Map(), columns: new Columns(), rows: 0, isWhole: true };
}

function rowIn({ runs, columns }: Segment, cid: number, seq: number): number | undefined {
  const run = runs.get(cid);
  if (run === undefined || seq < run.firstSeq || seq >= run.firstSeq + run.count) return undefined;
  const at = standsOf(run, columns)[seq - run.firstSeq];
  return at === undefined ? undefined : columns.rowAt(at);
}

/** Where each row of a run stands. Follows it back only to where that was asked before. */
function standsOf(run: Run, columns: Columns): readonly number[] {
  run.at ??= [];
  const newer: number[] = [];
  let at = run.last;
  for (let left = run.count - run.at.length; left > 0; left -= 1) {
    newer.push(at);
    at = columns.before(at);
  }
  for (let index = newer.length - 1; index >= 0; index -= 1) run.at.push(newer[index] ?? NONE);
  return run.at;
}

function forgetIn(segment: Segment | undefined, cid: number): () => void {
  const run = segment?.runs.get(cid);
  if (segment === undefined || run === undefined) return () => {};
  segment.runs.delete(cid);
  segment.rows -= run.count;
  segment.isWhole = false;
  return () => {
    segment.runs.set(cid, run);
    segment.rows += run.count;
  };
}
