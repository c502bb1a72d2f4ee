/**
 * How the vectors of a space are kept, and compared: `bytes` are little-endian 32-bit floats that we compare, with a
 * sketch of each (storage/postgres/sketch.ts);
 * `pgvector` is its type and operator, without an index; `hnsw` is its index, for chunks. Messages are compared
 * one conversation at a time, exactly, and need none.
 */
export type Storage = 'bytes' | 'pgvector' | 'hnsw';

/** The extension as this database has it. */
export interface Pgvector {
  readonly version: string;
  /** The schema of its types and operators, quoted. */
  readonly schema: string;
  /** The object id of its type `vector`. */
  readonly type: number;
}

/** One row, or none, for the extension in this database. */
export const FIND_PGVECTOR = `
SELECT e.extversion AS version, quote_ident(n.nspname) AS schema, t.oid::bigint AS type
FROM pg_extension e
JOIN pg_namespace n ON n.oid = e.extnamespace
JOIN pg_type t ON t.typnamespace = n.oid AND t.typname = 'vector'
WHERE e.extname = 'vector'`;

/** A space, and what is needed to write statements about its tables. */
export interface SpaceTables {
  readonly sid: number;
  readonly dimensions: number;
  readonly storage: Storage;
  /** Of pgvector; null when the database does not have it, and the storage is `bytes`. */
  readonly schema: string | null;
  readonly type: number | null;
}

/** What pgvector's type `vector` holds. */
const MAX_DIMENSIONS = 16_000;
/** What its index takes of type `vector`, and of `halfvec`, whose floats have 16 bits. */
const MAX_HNSW_VECTOR = 2_000;
const MAX_HNSW_HALFVEC = 4_000;

/** The best way that there is. Before 0.8 a search with a filter could end before it had found enough. */
export function bestStorage(dimensions: number, pgvector: Pgvector | undefined): Storage {
  if (pgvector === undefined || dimensions > MAX_DIMENSIONS) return 'bytes';
  return hasIterativeScan(pgvector) && dimensions <= MAX_HNSW_HALFVEC ? 'hnsw' : 'pgvector';
}

export function hasIterativeScan({ version }: Pgvector): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 0 || minor >= 8;
}

export function chunkVectors({ sid }: Pick<SpaceTables, 'sid'>): string {
  return `chunk_vectors_${sid}`;
}

export function messageVectors({ sid }: Pick<SpaceTables, 'sid'>): string {
  return `message_vectors_${sid}`;
}

/** The type of a vector in its table, and as a parameter. */
export function typeOf({ storage, schema }: SpaceTables): string {
  return storage === 'bytes' ? 'bytea' : `${schema}.vector`;
}

/**
 * The negative inner product of two expressions, which of vectors of length 1 is the negative cosine. Ours are
 * (`unit`), and it is defined for those of length 0, as the cosine is not.
 */
export function distance({ schema }: SpaceTables, a: string, b: string): string {
  return `(${a} OPERATOR(${schema}.<#>) ${b})`;
}

/** What the index orders by, for an expression of type `vector`. */
export function indexed({ dimensions, schema }: SpaceTables, expression: string): string {
  if (dimensions <= MAX_HNSW_VECTOR) return expression;
  return `(${expression}::${schema}.halfvec(${dimensions}))`;
}

/** The tables of a space: a vector goes with its chunk, or its message, by the foreign key. */
export const VECTOR_TABLES = [
  { nameOf: chunkVectors, keys: ['did', 'place'], parent: 'chunks' },
  { nameOf: messageVectors, keys: ['cid', 'seq'], parent: 'message_texts' },
] as const;

/** A column that has something of a vector, and its type as a parameter. */
interface VectorColumn {
  readonly name: string;
  readonly type: string;
}

/** What a table has of each vector. */
export function columnsOf(tables: SpaceTables): readonly VectorColumn[] {
  const embedding = { name: 'embedding', type: typeOf(tables) };
  return tables.storage === 'bytes' ? [embedding, { name: 'sketch', type: 'text' }] : [embedding];
}

/** Their names, for a list of columns. */
export function columnNames(tables: SpaceTables): string {
  return columnsOf(tables)
    .map(({ name }) => name)
    .join(', ');
}

/** The same as parameters, an array each, the first of them with this number. */
export function columnParameters(tables: SpaceTables, from: number): string {
  return columnsOf(tables)
    .map(({ type }, at) => `$${from + at}::${type}[]`)
    .join(', ');
}

/** Floats of so many dimensions fit in a page with their key: a scan reads them there, and not each from a table of its own. */
const MAX_INLINE = 2_000;

/** A table of vectors, without an index of them. */
export function createTable(
  tables: SpaceTables,
  { keys, parent }: (typeof VECTOR_TABLES)[number],
  name: string,
): string {
  const [first, second] = keys;
  const isBytes = tables.storage === 'bytes';
  const isInline = !isBytes && tables.dimensions <= MAX_INLINE;
  const type = isBytes ? 'bytea' : `${typeOf(tables)}(${tables.dimensions})`;
  return `
CREATE TABLE ${name} (
  ${first} bigint NOT NULL,
  ${second} bigint NOT NULL,
  embedding ${type} NOT NULL,
  ${isBytes ? 'sketch text COLLATE "C" NOT NULL,' : ''}
  PRIMARY KEY (${first}, ${second})
);
${isBytes ? `ALTER TABLE ${name} ALTER COLUMN sketch SET STORAGE MAIN;` : ''}
ALTER TABLE ${name} ALTER COLUMN embedding SET STORAGE ${isInline ? 'PLAIN' : 'EXTERNAL'},
  ADD FOREIGN KEY (${first}, ${second}) REFERENCES ${parent} ON DELETE CASCADE;`;
}

/** The index of a space whose storage is `hnsw`; nothing for others. */
export function createIndex(tables: SpaceTables): string {
  if (tables.storage !== 'hnsw') return '';
  const { dimensions, schema } = tables;
  const kind = dimensions <= MAX_HNSW_VECTOR ? 'vector' : 'halfvec';
  const name = chunkVectors(tables);
  return `
CREATE INDEX ${name}_near ON ${name} USING hnsw (${indexed(tables, 'embedding')} ${schema}.${kind}_ip_ops);`;
}
