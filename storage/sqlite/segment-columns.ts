import type { PackedRows } from './packed-rows.ts';
import type { EventRecord } from './places.ts';

const FIRST_ROOM = 1_024;
/** Where the row before a conversation's first one stands. */
export const NONE = -1;

/** Which event a row has, and where the conversation's row before it stands. */
interface Link {
  readonly cid: number;
  readonly seq: number;
  readonly before: number;
}

/** Rows of the log in the order they came in, 33 bytes each, of all conversations together; threads may share them. */
export class Columns {
  #count = 0;
  #cids = floats(FIRST_ROOM);
  #seqs = floats(FIRST_ROOM);
  #rows = floats(FIRST_ROOM);
  #keyHashes = words(FIRST_ROOM);
  #kinds = bytes(FIRST_ROOM);
  #before = new Int32Array(FIRST_ROOM);

  /** Where it stands from now on. */
  add({ cid, seq, before }: Link, { row, keyHash, kind }: EventRecord): number {
    const at = this.#count;
    if (at === this.#rows.length) this.#grow();
    this.#cids[at] = cid;
    this.#seqs[at] = seq;
    this.#rows[at] = row;
    this.#keyHashes[at] = keyHash;
    this.#kinds[at] = kind;
    this.#before[at] = before;
    this.#count += 1;
    return at;
  }

  /** Forgets all from here on. */
  truncate(count: number): void {
    this.#count = Math.min(this.#count, count);
  }

  before(at: number): number {
    return this.#before[at] ?? NONE;
  }

  rowAt(at: number): number | undefined {
    return this.#rows[at];
  }

  keyHashAt(at: number): number {
    return this.#keyHashes[at] ?? 0;
  }

  /** What is here, not a copy of it: another thread may read it, as long as nothing is added or taken back. */
  packed(): PackedRows {
    const count = this.#count;
    return {
      cids: this.#cids.subarray(0, count),
      seqs: this.#seqs.subarray(0, count),
      rows: this.#rows.subarray(0, count),
      keyHashes: this.#keyHashes.subarray(0, count),
      kinds: this.#kinds.subarray(0, count),
    };
  }

  #grow(): void {
    const length = this.#rows.length * 2;
    this.#cids = larger(this.#cids, floats(length));
    this.#seqs = larger(this.#seqs, floats(length));
    this.#rows = larger(this.#rows, floats(length));
    this.#keyHashes = larger(this.#keyHashes, words(length));
    this.#kinds = larger(this.#kinds, bytes(length));
    this.#before = larger(this.#before, new Int32Array(length));
  }
}

const floats = (length: number) => new Float64Array(new SharedArrayBuffer(8 * length));
const words = (length: number) => new Uint32Array(new SharedArrayBuffer(4 * length));
const bytes = (length: number) => new Uint8Array(new SharedArrayBuffer(length));

function larger<T extends Float64Array | Uint32Array | Uint8Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
