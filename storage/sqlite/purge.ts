import type { Database, Statement } from 'better-sqlite3';
import { type PlaceTable, recordCount, rowAt } from './places.ts';

/** Deletes what is left of removed conversations, a little at a time. */
export class Purge {
  readonly #next: Statement<[lastRow: number], number>;
  readonly #place: PlaceTable;
  readonly #dropRow: Statement<[row: number]>;
  readonly #dropPlace: Statement<[cid: number, firstSeq: number]>;
  readonly #dropSides: readonly Statement<[cid: number, limit: number]>[];
  readonly #done: Statement<[cid: number]>;

  constructor(db: Database, places: PlaceTable) {
    this.#place = places;
    this.#next = db
      .prepare<[number], number>('SELECT cid FROM removed WHERE last_row <= ? LIMIT 1')
      .pluck();
    this.#dropRow = db.prepare('DELETE FROM log WHERE row = ?');
    this.#dropPlace = db.prepare('DELETE FROM places WHERE cid = ? AND first_seq = ?');
    this.#dropSides = [dropSome(db, 'edits', 'target_seq, seq'), dropSome(db, 'turns', 'id')];
    this.#done = db.prepare('DELETE FROM removed WHERE cid = ?');
  }

  /** About `rows` rows of conversations that were removed when the log had come to `lastRow`, all of it placed. */
  step(lastRow: number, rows: number): { isDone: boolean; rows: number } {
    const cid = this.#next.get(lastRow);
    if (cid === undefined) return { isDone: true, rows: 0 };
    const dropped = this.#dropEvents(cid, rows) || this.#dropSide(cid, rows);
    if (dropped === 0) this.#done.run(cid);
    return { isDone: false, rows: dropped };
  }

  #dropEvents(cid: number, rows: number): number {
    let dropped = 0;
    while (dropped < rows) {
      const place = this.#place.oldest(cid);
      if (place === undefined) break;
      const count = recordCount(place);
      for (let at = 0; at < count; at += 1) this.#dropRow.run(rowAt(place, at) ?? 0);
      this.#dropPlace.run(cid, place.firstSeq);
      dropped += count;
    }
    return dropped;
  }

  #dropSide(cid: number, rows: number): number {
    for (const drop of this.#dropSides) {
      const { changes } = drop.run(cid, rows);
      if (changes > 0) return changes;
    }
    return 0;
  }
}

function dropSome(
  db: Database,
  table: string,
  key: string,
): Statement<[cid: number, limit: number]> {
  return db.prepare(
    `DELETE FROM ${table} WHERE (cid, ${key}) IN (SELECT cid, ${key} FROM ${table} WHERE cid = ? LIMIT ?)`,
  );
}
