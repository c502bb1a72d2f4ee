import { type PackedRows, packed } from './packed-rows.ts';
import type { EventRecord } from './places.ts';

/** What is packed holds up the foreground: some 20 ns a row. */
const MAX_PACKED_ROWS = 200_000;

/** The rows of one conversation in one segment of the log: their seqs are `firstSeq`, `firstSeq + 1`, … */
export interface Run {
  readonly firstSeq: number;
  readonly rows: number[];
  /** `keyHashOf` sender and key of each row; 0 where there is no key. */
  readonly keyHashes: number[];
  /** The code of each event's kind. */
  readonly kinds: number[];
}

/** A stretch of the log: what came in before the indexer took it over, or what comes in now. */
interface Segment {
  readonly runs: Map<number, Run>;
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
      run = { firstSeq: nextSeq, rows: [], keyHashes: [], kinds: [] };
      this.#active.runs.set(cid, run);
    }
    return run;
  }

  /** Adds one row that is in the file already. */
  add(cid: number, seq: number, { row, keyHash, kind }: EventRecord): void {
    const run = this.open(cid, seq);
    this.push(run, row, kind);
    run.keyHashes.push(keyHash);
  }

  /** Adds the next row to a run that `open` gave. */
  push(run: Run, row: number, kind: number): void {
    run.rows.push(row);
    run.kinds.push(kind);
    this.#active.rows += 1;
  }

  /** Takes back all but the first `length` rows of the run that is open. */
  truncate(cid: number, length: number): void {
    const run = this.#active.runs.get(cid);
    if (run === undefined) return;
    this.#active.rows -= run.rows.length - length;
    run.rows.length = length;
    run.keyHashes.length = length;
    run.kinds.length = length;
    if (length === 0) this.#active.runs.delete(cid);
  }

  /** The newest seq that is pending; undefined when none is. */
  head(cid: number): number | undefined {
    const run = this.#active.runs.get(cid) ?? this.#frozen?.runs.get(cid);
    return run === undefined ? undefined : run.firstSeq + run.rows.length - 1;
  }

  /** The oldest seq that is pending: all below it have places. */
  firstSeq(cid: number): number | undefined {
    return (this.#frozen?.runs.get(cid) ?? this.#active.runs.get(cid))?.firstSeq;
  }

  rowOf(cid: number, seq: number): number | undefined {
    return rowIn(this.#active.runs.get(cid), seq) ?? rowIn(this.#frozen?.runs.get(cid), seq);
  }

  /** Oldest first. */
  runsOf(cid: number): readonly Run[] {
    const runs = [this.#frozen?.runs.get(cid), this.#active.runs.get(cid)];
    return runs.filter((run) => run !== undefined);
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

  /** The frozen segment, for the indexer's thread; undefined when the log has to be read for it. O(rows). */
  packFrozen(): PackedRows | undefined {
    const frozen = this.#frozen;
    if (frozen === undefined || !frozen.isWhole || frozen.rows > MAX_PACKED_ROWS) return undefined;
    return packed(frozen.runs, frozen.rows);
  }

  /** The frozen segment has its places, all of it. O(1). */
  dropFrozen(): void {
    this.#frozen = undefined;
  }
}

function emptySegment(): Segment {
  return { runs: new Map(), rows: 0, isWhole: true };
}

function rowIn(run: Run | undefined, seq: number): number | undefined {
  return run?.rows[seq - run.firstSeq];
}

function forgetIn(segment: Segment | undefined, cid: number): () => void {
  const run = segment?.runs.get(cid);
  if (segment === undefined || run === undefined) return () => {};
  segment.runs.delete(cid);
  segment.rows -= run.rows.length;
  segment.isWhole = false;
  return () => {
    segment.runs.set(cid, run);
    segment.rows += run.rows.length;
  };
}
