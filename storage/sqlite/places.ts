import type { Database, Statement } from 'better-sqlite3';

/**
 * A place says where up to 512 consecutive events of a conversation stand: a record each, of fixed length.
 * Row of the log, 6 bytes; hash of sender and key, 4 bytes, 0 when there is no key; code of the kind, 1 byte.
 */
export const PLACE_EVENTS = 512;
const RECORD_BYTES = 11;

export interface Place {
  readonly firstSeq: number;
  readonly records: Buffer;
}

export interface EventRecord {
  readonly row: number;
  readonly keyHash: number;
  readonly kind: number;
}

/** As many records as `recordOf` is asked for. */
export function encodeRecords(count: number, recordOf: (index: number) => EventRecord): Buffer {
  const records = Buffer.allocUnsafe(count * RECORD_BYTES);
  for (let index = 0; index < count; index += 1) {
    const { row, keyHash, kind } = recordOf(index);
    const at = index * RECORD_BYTES;
    const low = row >>> 0;
    records.writeUInt32LE(low, at);
    records.writeUInt16LE((row - low) / 2 ** 32, at + 4);
    records.writeUInt32LE(keyHash, at + 6);
    records.writeUInt8(kind, at + 10);
  }
  return records;
}

export function recordCount({ records }: Place): number {
  return records.length / RECORD_BYTES;
}

/** The row of the event at `index`; undefined when the place ends before it. */
export function rowAt({ records }: Place, index: number): number | undefined {
  const at = index * RECORD_BYTES;
  return at < records.length ? records.readUIntLE(at, 6) : undefined;
}

export function keyHashAt({ records }: Place, index: number): number {
  return records.readUInt32LE(index * RECORD_BYTES + 6);
}

/** How many of its events have a key. */
export function keyCount(place: Place): number {
  const count = recordCount(place);
  let keys = 0;
  for (let at = 0; at < count; at += 1) if (keyHashAt(place, at) !== 0) keys += 1;
  return keys;
}

function kindAt({ records }: Place, index: number): number {
  return records.readUInt8(index * RECORD_BYTES + 10);
}

/** Statements on `places`, which the indexer fills behind the log. A place never changes while it is there. */
export class PlaceTable {
  readonly #head: Statement<[cid: number], number>;
  readonly #covering: Statement<[cid: number, seq: number], Place>;
  readonly #all: Statement<[cid: number], Place>;
  readonly #oldest: Statement<[cid: number], Place>;
  readonly #insert: Statement<[cid: number, firstSeq: number, records: Buffer]>;
  readonly #drop: Statement<[cid: number, firstSeq: number]>;
  /** The place that was looked into last: a page of events asks for it again and again. */
  #last: (Place & { readonly cid: number }) | undefined;

  constructor(db: Database) {
    const columns = 'SELECT first_seq AS firstSeq, records FROM places WHERE cid = ?';
    this.#head = db
      .prepare<[number], number>(
        `SELECT first_seq + length(records) / ${RECORD_BYTES} - 1 FROM places WHERE cid = ?
         ORDER BY first_seq DESC LIMIT 1`,
      )
      .pluck();
    this.#covering = db.prepare(`${columns} AND first_seq <= ? ORDER BY first_seq DESC LIMIT 1`);
    this.#all = db.prepare(`${columns} ORDER BY first_seq`);
    this.#oldest = db.prepare(`${columns} ORDER BY first_seq LIMIT 1`);
    this.#insert = db.prepare('INSERT INTO places VALUES (?, ?, ?)');
    this.#drop = db.prepare('DELETE FROM places WHERE cid = ? AND first_seq = ?');
  }

  /** The newest seq that has a place; undefined when none has. */
  head(cid: number): number | undefined {
    return this.#head.get(cid);
  }

  rowOf(cid: number, seq: number): number | undefined {
    const place = this.#covers(cid, seq);
    return place && rowAt(place, seq - place.firstSeq);
  }

  /** The code of an event's kind, without a look at the event. */
  kindOf(cid: number, seq: number): number | undefined {
    const place = this.#covers(cid, seq);
    if (place === undefined || seq - place.firstSeq >= recordCount(place)) return undefined;
    return kindAt(place, seq - place.firstSeq);
  }

  all(cid: number): IterableIterator<Place> {
    return this.#all.iterate(cid);
  }

  oldest(cid: number): Place | undefined {
    return this.#oldest.get(cid);
  }

  /** The newest place that begins at this seq or before it. */
  covering(cid: number, seq: number): Place | undefined {
    return this.#covering.get(cid, seq);
  }

  drop(cid: number, { firstSeq }: Place): void {
    this.#drop.run(cid, firstSeq);
  }

  /** Drops a place of erased events when nothing needs it: no key is looked up by it, and no head. */
  dropKeyless(cid: number, place: Place): void {
    if (keyCount(place) > 0) return;
    if ((this.head(cid) ?? 0) >= place.firstSeq + recordCount(place)) this.drop(cid, place);
  }

  insert(cid: number, { firstSeq, records }: Place): void {
    this.#insert.run(cid, firstSeq, records);
  }

  #covers(cid: number, seq: number): Place | undefined {
    const last = this.#last;
    if (last?.cid === cid && seq >= last.firstSeq && seq < last.firstSeq + recordCount(last)) {
      return last;
    }
    const place = this.#covering.get(cid, seq);
    if (place !== undefined) this.#last = { cid, ...place };
    return place;
  }
}
