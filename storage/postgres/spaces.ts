import { isId } from '../../src/domain/ids.ts';
import { ok, type Result } from '../../src/domain/result.ts';
import type { Unavailable } from '../unavailable.ts';
import type { KnownSpace, Space, VectorSpaces } from '../vector-spaces.ts';
import type { Database, Transaction } from './database.ts';
import {
  bestStorage,
  createIndex,
  createTable,
  FIND_PGVECTOR,
  type Pgvector,
  VECTOR_TABLES,
} from './vector-tables.ts';

interface SpaceRow {
  readonly name: string;
  readonly dimensions: number;
  readonly in_use: boolean;
}

const LIST = { text: 'SELECT name, dimensions, in_use FROM vector_spaces ORDER BY sid' };
/** Those that put vectors hold their space's row; those that change which spaces there are take turns. */
const LOCK = { text: 'LOCK TABLE vector_spaces IN SHARE ROW EXCLUSIVE MODE' };
const INSERT = {
  text: `INSERT INTO vector_spaces (name, dimensions, in_use, storage)
    SELECT $1, $2, NOT EXISTS (SELECT FROM vector_spaces WHERE in_use), $3
    ON CONFLICT (name) DO NOTHING RETURNING sid`,
};
const DROP_OTHERS = { text: 'DELETE FROM vector_spaces WHERE name <> $1 RETURNING sid' };
const USE = { text: 'UPDATE vector_spaces SET in_use = true WHERE name = $1 AND NOT in_use' };
/**
 * Those that write to the tables of a space come from these. A document that is removed at the same time may wait in a
 * circle with this: one of the two is tried again.
 */
const LOCK_PARENTS = { text: 'LOCK TABLE chunks, message_texts IN ACCESS EXCLUSIVE MODE' };

/**
 * Which spaces there are. Each has two tables of its own, which go with it: a drop waits for the searches and
 * writes that are under way, and takes no longer for many vectors.
 */
export class PostgresSpaces implements VectorSpaces {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async list(): Promise<Result<readonly KnownSpace[], Unavailable>> {
    const listed = await this.#db.read<SpaceRow>(LIST);
    if (!listed.ok) return listed;
    return ok(
      listed.value.map(({ name, dimensions, in_use }) => ({ name, dimensions, isInUse: in_use })),
    );
  }

  async add(space: Space): Promise<Result<void, Unavailable>> {
    assertName(space);
    return this.#db.transaction(async (tx) => {
      await tx.run(LOCK);
      await add(tx, space);
    });
  }

  async use(space: Space): Promise<Result<void, Unavailable>> {
    assertName(space);
    return this.#db.transaction(async (tx) => {
      await tx.run(LOCK);
      await add(tx, space);
      const dropped = await tx.rows<{ sid: number }>(DROP_OTHERS, [space.name]);
      await tx.run(USE, [space.name]);
      if (dropped.length === 0) return;
      await tx.run(LOCK_PARENTS);
      const names = dropped.flatMap((tables) => VECTOR_TABLES.map(({ nameOf }) => nameOf(tables)));
      await tx.run({ text: `DROP TABLE ${names.join(', ')}` });
    });
  }
}

async function add(tx: Transaction, { name, dimensions }: Space): Promise<void> {
  const [pgvector] = await tx.rows<Pgvector>({ text: FIND_PGVECTOR });
  const storage = bestStorage(dimensions, pgvector);
  const [made] = await tx.rows<{ sid: number }>(INSERT, [name, dimensions, storage]);
  if (made === undefined) return;
  const { schema = null, type = null } = pgvector ?? {};
  const tables = { sid: made.sid, dimensions, storage, schema, type };
  for (const kind of VECTOR_TABLES)
    await tx.run({ text: createTable(tables, kind, kind.nameOf(tables)) });
  await tx.run({ text: createIndex(tables) || 'SELECT' });
}

function assertName({ name }: Space): void {
  if (!isId(name)) throw new TypeError(`not the name of a space: ${name}`);
}
