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
  #cids = new Float64Array(shared(FIRST_ROOM, Float64Array));
  #seqs = new Float64Array(shared(FIRST_ROOM, Float64Array));
  #rows = new Float64Array(shared(FIRST_ROOM, Float64Array));
  #keyHashes = new Uint32Array(shared(FIRST_ROOM, Uint32Array));
  #kinds = new Uint8Array(shared(FIRST_ROOM, Uint8Array));
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
    this.#cids = larger(this.#cids, new Float64Array(shared(length, Float64Array)));
    this.#seqs = larger(this.#seqs, new Float64Array(shared(length, Float64Array)));
    this.#rows = larger(this.#rows, new Float64Array(shared(length, Float64Array)));
    this.#keyHashes = larger(this.#keyHashes, new Uint32Array(shared(length, Uint32Array)));
    this.#kinds = larger(this.#kinds, new Uint8Array(shared(length, Uint8Array)));
    this.#before = larger(this.#before, new Int32Array(length));
  }
}

function shared(
  length: number,
  { BYTES_PER_ELEMENT }: { readonly BYTES_PER_ELEMENT: number },
): SharedArrayBuffer {
  return new SharedArrayBuffer(length * BYTES_PER_ELEMENT);
}

function larger<T extends Float64Array | Uint32Array | Uint8Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
