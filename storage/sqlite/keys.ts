import type { ParticipantId } from '../../src/domain/ids.ts';
import { type KeyHash, KeyIndex } from './key-index.ts';
import type { LogTable } from './log-table.ts';
import type { PendingRows } from './pending-rows.ts';
import { keyCount, keyHashAt, type PlaceTable, recordCount } from './places.ts';
import { Recent } from './recent.ts';

/** Of the indexes of the conversations lately used. One that is not there is read from places: 11 bytes an event. */
const MAX_BYTES = 96 * 1_024 * 1_024;
/** A conversation with more, some 600,000 keys, would drive all others out. */
const MAX_BYTES_EACH = MAX_BYTES / 8;
/** Of these, so many are kept all the same. */
const MAX_GIANTS = 4;

/** Which keys are taken: an index in memory for each busy conversation, of hashes; the log has the last word. */
export class Keys {
  readonly hash: KeyHash;
  readonly #log: LogTable;
  readonly #places: PlaceTable;
  readonly #pending: PendingRows;
  readonly #indexes = new Recent<number, KeyIndex>(MAX_BYTES, ({ bytes }) => bytes);
  readonly #giants = new Recent<number, KeyIndex>(MAX_GIANTS, () => 1);

  constructor(
    hash: KeyHash,
    { log, places, pending }: { log: LogTable; places: PlaceTable; pending: PendingRows },
  ) {
    this.hash = hash;
    this.#log = log;
    this.#places = places;
    this.#pending = pending;
  }

  /** The seq of a stored event. */
  seqOf(cid: number, sender: ParticipantId, key: string): number | undefined {
    const isIt = (seq: number) => this.isKeyOf(cid, seq, { sender, key });
    return this.of(cid).find(this.hash(sender, key), isIt);
  }

  isKeyOf(
    cid: number,
    seq: number,
    { sender, key }: { sender: ParticipantId; key: string },
  ): boolean {
    const row = this.#pending.rowOf(cid, seq) ?? this.#places.rowOf(cid, seq);
    if (row === undefined) return false;
    const found = this.#log.get(row);
    return found.key === key && found.author_id === sender;
  }

  /** The index of all keys of a conversation, the pending ones too. */
  of(cid: number): KeyIndex {
    return this.#indexes.get(cid) ?? this.#giants.get(cid) ?? this.#read(cid);
  }

  /** `index` is the conversation's; the answer is it, too, from now on. */
  add(cid: number, index: KeyIndex, { hash, seq }: { hash: number; seq: number }): KeyIndex {
    const roomy = index.isFull ? index.grown() : index;
    roomy.add(hash, seq);
    if (roomy !== index) this.#keep(cid, roomy);
    return roomy;
  }

  /** After a write of this conversation was taken back. */
  forget(cid: number): void {
    this.#indexes.delete(cid);
    this.#giants.delete(cid);
  }

  clear(): void {
    this.#indexes.clear();
    this.#giants.clear();
  }

  #keep(cid: number, index: KeyIndex): void {
    if (index.bytes <= MAX_BYTES_EACH) {
      this.#indexes.set(cid, index);
      return;
    }
    this.#indexes.delete(cid);
    this.#giants.set(cid, index);
  }

  #read(cid: number): KeyIndex {
    const places = [...this.#places.all(cid)];
    const pending = [...this.#pending.keyHashes(cid)].filter(({ hash }) => hash !== 0);
    const placed = places.reduce((sum, place) => sum + keyCount(place), 0);
    const index = new KeyIndex(placed + pending.length);
    const firstPending = this.#pending.firstSeq(cid) ?? Number.POSITIVE_INFINITY;
    for (const place of places) {
      const count = Math.min(recordCount(place), firstPending - place.firstSeq);
      for (let at = 0; at < count; at += 1) {
        const hash = keyHashAt(place, at);
        if (hash !== 0) index.add(hash, place.firstSeq + at);
      }
    }
    for (const { seq, hash } of pending) index.add(hash, seq);
    this.#keep(cid, index);
    return index;
  }
}
