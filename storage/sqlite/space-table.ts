import type { Database, Statement } from 'better-sqlite3';
import type { KnownSpace, Space } from '../vector-spaces.ts';

export interface SpaceRow {
  readonly sid: number;
  readonly dimensions: number;
}

/** Statements on `spaces`. A space that is dropped loses its number at once, and its vectors behind. */
export class SpaceTable {
  readonly #list: Statement<[], { name: string; dimensions: number; isInUse: number }>;
  readonly #find: Statement<[name: string], SpaceRow>;
  readonly #has: Statement<[sid: number], number>;
  readonly #add: Statement<[name: string, dimensions: number]>;
  readonly #use: Statement<[name: string]>;
  readonly #markDropped: Statement<[]>;
  readonly #dropOthers: Statement<[]>;

  constructor(db: Database) {
    this.#list = db.prepare(
      'SELECT name, dimensions, is_in_use AS isInUse FROM spaces ORDER BY sid',
    );
    this.#find = db.prepare('SELECT sid, dimensions FROM spaces WHERE name = ?');
    this.#has = db.prepare<[number], number>('SELECT 1 FROM spaces WHERE sid = ?').pluck();
    this.#add = db.prepare(
      `INSERT INTO spaces (name, dimensions, is_in_use)
       VALUES (?, ?, NOT EXISTS (SELECT 1 FROM spaces WHERE is_in_use = 1)) ON CONFLICT DO NOTHING`,
    );
    this.#use = db.prepare('UPDATE spaces SET is_in_use = (name = ?)');
    this.#markDropped = db.prepare(
      'INSERT INTO dropped_spaces SELECT sid FROM spaces WHERE is_in_use = 0',
    );
    this.#dropOthers = db.prepare('DELETE FROM spaces WHERE is_in_use = 0');
  }

  list(): KnownSpace[] {
    return this.#list
      .all()
      .map(({ name, dimensions, isInUse }) => ({ name, dimensions, isInUse: isInUse === 1 }));
  }

  /** Where the vectors of a space are; undefined when it is not there. */
  find({ name }: Space): SpaceRow | undefined {
    return this.#find.get(name);
  }

  /** The same; throws when the vectors are not as long as the space has dimensions. */
  fitting(space: Space, vectors: readonly Float32Array[]): SpaceRow | undefined {
    const row = this.find(space);
    const misfit = row && vectors.find(({ length }) => length !== row.dimensions);
    if (misfit === undefined) return row;
    throw new RangeError(`a vector of ${misfit.length} in the space ${space.name}`);
  }

  has(sid: number): boolean {
    return this.#has.get(sid) !== undefined;
  }

  add({ name, dimensions }: Space): void {
    this.#add.run(name, dimensions);
  }

  use(space: Space): void {
    this.add(space);
    this.#use.run(space.name);
    this.#markDropped.run();
    this.#dropOthers.run();
  }
}

/** A vector as it stands in the file: its floats of 32 bits, least byte first. */
export function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
