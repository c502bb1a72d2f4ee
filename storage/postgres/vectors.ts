import { err, ok, type Result } from '../../src/domain/result.ts';
import { unitOf } from '../nearest.ts';
import { type Unavailable, unavailable } from '../unavailable.ts';
import type { Space } from '../vector-spaces.ts';
import type { Database, Statement, Transaction } from './database.ts';
import { codeOf } from './errors.ts';
import { sketchOf } from './sketch.ts';
import { FIND_PGVECTOR, type SpaceTables } from './vector-tables.ts';

/** The object ids of bytea and text, in every database. */
const BYTEA = 17;
const TEXT = 25;
const FLOAT_BYTES = 4;
/** Before the floats of pgvector's binary form: how many there are, and a reserved number. */
const PGVECTOR_HEAD_BYTES = 4;
const ARRAY_HEAD_BYTES = 20;

/** DROP EXTENSION … CASCADE takes the columns of vectors away, also if there is an extension again. */
const HAS_VECTORS = `EXISTS (
    SELECT FROM pg_attribute a WHERE a.attrelid = to_regclass('chunk_vectors_' || v.sid)
      AND a.attname = 'embedding' AND NOT a.attisdropped)`;
const COLUMNS = `v.sid, v.dimensions, v.storage, p.schema, p.type, ${HAS_VECTORS} AS has_vectors`;
const FIND = `SELECT ${COLUMNS} FROM vector_spaces v LEFT JOIN (${FIND_PGVECTOR}) AS p ON true WHERE v.name = $1`;

const FIND_SPACE: Statement = { name: 'find-space', text: FIND };
/** The space stays until the end of the transaction. */
const HOLD_SPACE: Statement = { name: 'hold-space', text: `${FIND} FOR KEY SHARE OF v` };

interface FoundSpace extends SpaceTables {
  readonly has_vectors: boolean;
}

/** An undefined table. */
const GONE = ['42P01'];
/** A column, an operator, a type or a schema that was there a moment ago: pgvector was dropped meanwhile. */
const LOST = ['42703', '42883', '42704', '3F000'];

/**
 * The tables of a space; undefined when there is no such space. A failure when pgvector was dropped under it: the next start
 * finds other tables for it, and until then words answer.
 */
export async function findSpace(
  db: Database,
  space: Space,
): Promise<Result<SpaceTables | undefined, Unavailable>> {
  const found = await db.read<FoundSpace>(FIND_SPACE, [space.name]);
  if (!found.ok) return found;
  const [tables] = found.value;
  return tables === undefined || isWhole(tables) ? ok(tables) : err(unavailable(lost()));
}

/** The tables of a space that takes vectors, which stays until the end of the transaction. */
export async function holdSpace(tx: Transaction, space: Space): Promise<SpaceTables | undefined> {
  const [tables] = await tx.rows<FoundSpace>(HOLD_SPACE, [space.name]);
  return tables !== undefined && isWhole(tables) ? tables : undefined;
}

/**
 * What was found in the tables of a space; nothing when the space was dropped since it was looked up, with them. A failure
 * when pgvector was.
 */
export async function unlessDropped<T>(
  find: () => Promise<Result<readonly T[], Unavailable>>,
): Promise<Result<readonly T[], Unavailable>> {
  try {
    return await find();
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (GONE.includes(code)) return ok([]);
    if (LOST.includes(code)) return err(unavailable(lost()));
    throw error;
  }
}

function isWhole({ storage, schema, has_vectors }: FoundSpace): boolean {
  return has_vectors && (storage === 'bytes' || schema !== null);
}

class VectorsLost extends Error {
  override readonly name = 'VectorsLost';
}

function lost(): Error {
  return new VectorsLost('pgvector was dropped from the database: the next start finds out');
}

/** The failure of a search that found no vectors because pgvector was dropped. */
export function isLost({ cause }: Unavailable): boolean {
  return cause instanceof VectorsLost;
}

/** A vector of the same direction and length 1, or of length 0. Throws when it is not of this space. */
export function unit({ dimensions }: SpaceTables, vector: Float32Array): Float32Array {
  if (vector.length !== dimensions)
    throw new RangeError(`a vector of ${vector.length} in a space of ${dimensions} dimensions`);
  return unitOf(vector);
}

/** A list of vectors in Postgres' binary form, for the parameters that are arrays of `columnsOf(tables)`. */
export function encodeVectors(tables: SpaceTables, vectors: readonly Float32Array[]): Buffer[] {
  if (tables.storage !== 'bytes')
    return [encodeArray(tables.type ?? 0, vectors, (vector) => encodeVector(tables, vector))];
  return [
    encodeArray(BYTEA, vectors, (vector) => encodeVector(tables, vector)),
    encodeArray(TEXT, vectors, (vector) => sketchOf(unit(tables, vector))),
  ];
}

function encodeArray<T>(type: number, values: readonly T[], encode: (value: T) => Buffer): Buffer {
  const head = Buffer.alloc(ARRAY_HEAD_BYTES);
  head.writeInt32BE(1, 0);
  head.writeInt32BE(type, 8);
  head.writeInt32BE(values.length, 12);
  head.writeInt32BE(1, 16);
  return Buffer.concat([
    head,
    ...values.flatMap((value) => {
      const element = encode(value);
      const length = Buffer.alloc(4);
      length.writeInt32BE(element.length);
      return [length, element];
    }),
  ]);
}

/** A vector in Postgres' binary form, for a parameter of `typeOf(tables)`. */
export function encodeVector(tables: SpaceTables, given: Float32Array): Buffer {
  const vector = unit(tables, given);
  const isBytes = tables.storage === 'bytes';
  const head = isBytes ? 0 : PGVECTOR_HEAD_BYTES;
  const buffer = Buffer.alloc(head + vector.length * FLOAT_BYTES);
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  if (!isBytes) view.setInt16(0, vector.length);
  vector.forEach((x, index) => {
    view.setFloat32(head + index * FLOAT_BYTES, x, isBytes);
  });
  return buffer;
}

/** A vector that was kept as `bytes`. */
export function decodeBytes(bytes: Buffer): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const vector = new Float32Array(bytes.length / FLOAT_BYTES);
  for (let at = 0; at < vector.length; at += 1)
    vector[at] = view.getFloat32(at * FLOAT_BYTES, true);
  return vector;
}
