import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { StoredAuditEntry } from '../../src/domain/audit.ts';
import { conversationId } from '../../src/domain/ids.ts';
import type { Account } from '../../src/domain/spending.ts';
import { MIGRATIONS, migrate } from '../../storage/postgres/migrations.ts';
import { PostgresStore } from '../../storage/postgres/postgres-store.ts';
import { schemaStateOf } from '../../storage/schema-state.ts';
import {
  ann,
  append,
  appended,
  bob,
  granted,
  message,
  messages,
  ONE,
  refusal,
  seqs,
  turn,
  wholeLog,
} from '../contract/fixtures.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';

/** One file a released schema: its statements, and data; `v1.sql` is what schema 1 left behind. */
const SCHEMAS = join(import.meta.dirname, 'schemas', 'postgres');
const VERSIONS = readdirSync(SCHEMAS).sort();

/** Everything that a schema is made of, as the catalogue tells it. */
const CATALOGUE = `
  SELECT 'column' AS what, table_name || '.' || column_name AS name,
    concat_ws(' ', ordinal_position, data_type, collation_name, is_nullable, column_default, identity_generation) AS is
  FROM information_schema.columns WHERE table_schema = 'public'
  UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
  UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT 'function', proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  ORDER BY 1, 2, 3`;
/** Made at run time, for each space of vectors. */
const IS_OF_A_SPACE = /_vectors_\d+/;

const databases: TestDatabase[] = [];
let database: TestDatabase;

async function fresh(): Promise<TestDatabase> {
  const made = await testDatabase();
  databases.push(made);
  return made;
}

async function released(name: string): Promise<TestDatabase> {
  const made = await fresh();
  await made.run(readFileSync(join(SCHEMAS, name), 'utf8'));
  return made;
}

async function on<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function schemaOf(of: TestDatabase): Promise<unknown[]> {
  const rows = await of.run(CATALOGUE);
  return rows.filter(({ name }) => !IS_OF_A_SPACE.test(String(name)));
}

beforeEach(async () => {
  database = await fresh();
});

afterEach(async () => {
  for (const one of databases.splice(0)) await one.drop();
});

describe('migrations of Postgres', () => {
  test('there is a fixture of every schema', () => {
    expect(VERSIONS).toEqual(MIGRATIONS.map((_, index) => `v${index + 1}.sql`));
  });

  test.for(VERSIONS.map((name, index) => ({ name, index })))(
    'schema $name is what it was when it was released',
    async ({ name, index }) => {
      const old = await released(name);
      await on(database.url, (client) => migrate(client, MIGRATIONS.slice(0, index + 1)));
      expect(await schemaOf(database)).toEqual(await schemaOf(old));
    },
  );

  test.for(VERSIONS)(
    'a database of schema %s opens at the newest, with all that is in it',
    async (name) => {
      const old = await released(name);
      const store = await PostgresStore.open(old.url);
      const log = await wholeLog(store);
      expect(log.map(({ seq, key }) => [seq, key])).toEqual([
        [1, 'placed'],
        [2, null],
        [3, null],
        [4, 'pending'],
        [5, null],
      ]);
      const [first, second] = granted(await store.readMessages(ONE, { limit: 9 }));
      expect(first?.body.content).toBe('edited');
      expect(second?.body).toEqual({ deleted: true });
      const conversation = granted(await store.load(ONE));
      expect(conversation?.members.map(({ name: called }) => called)).toEqual(['ann', 'bob']);
      expect(granted(await store.readOpenTurns(ONE))).toEqual([turn('open')]);
      expect(granted(await store.secret('tokens', () => Uint8Array.of()))).toEqual(
        Uint8Array.of(1, 2),
      );
      const taken = await append(store, { events: [message(6, { key: 'pending', from: ann })] });
      expect(refusal(taken)).toMatchObject({ taken: [{ index: 0, seq: 4 }] });
      await appended(store, messages(6, 8));
      expect(seqs(await wholeLog(store, conversationId('c_trimmed')))).toEqual([4]);
      expect(granted(await store.findKey(conversationId('c_trimmed'), bob.id, 'kept'))).toBe(1);
      // What was trimmed and removed, and not yet deleted behind, is deleted by the next store.
      const left = () =>
        old.run(`SELECT FROM events WHERE body LIKE '%not yet erased%' OR cid = 2`);
      await until(async () => (await left()).length === 0);
      await store.close();
    },
  );

  test('a database of schema v2.sql keeps documents, the index and vectors', async () => {
    const old = await released('v2.sql');
    const store = await PostgresStore.open(old.url);
    const { documents, index } = store;
    const space = { name: 'hashing-v1:2', dimensions: 2 };
    expect(granted(await store.spaces.list())).toEqual([{ ...space, isInUse: true }]);
    const who = { seenBy: bob.id, limit: 9 };
    const byTerms = granted(await documents.byTerms({ ...who, terms: ['yellow'] }));
    expect(byTerms.map(({ chunk }) => chunk.text)).toEqual(['yellow a']);
    const vector = Float32Array.of(0, 1);
    const [nearest] = granted(await documents.byVector({ ...who, space, vector }));
    expect(nearest).toMatchObject({ chunk: { text: 'blue one' } });
    expect(nearest?.score).toBeCloseTo(1);
    const edited = granted(await index.byTerms(ONE, { terms: ['edit'], limit: 9 }));
    expect(edited.map(({ seq }) => seq)).toEqual([1]);
    await store.close();
  });

  test('a database of schema v3.sql keeps the summary, the audit log, and what was spent', async () => {
    const old = await released('v3.sql');
    const store = await PostgresStore.open(old.url);
    const summary = { fromSeq: 1, toSeq: 4, text: 'They said what they said.' };
    expect(granted(await store.readSummary(ONE))).toMatchObject(summary);
    const [newest, before] = granted(await store.audit.page({ limit: 9 }));
    expect([newest?.action, before?.target]).toEqual(['signin.refused', '2']);
    expect(granted(await store.ledger.spent(20_486, ['participant:p_ann' as Account]))).toEqual([
      { inputTokens: 120, outputTokens: 30, cost: 5_000 },
    ]);
    const entry = { ...newest, at: 1_770_000_000_132 } as StoredAuditEntry;
    granted(await store.audit.add([entry]));
    const [added] = granted(await store.audit.page({ limit: 1 }));
    expect(added?.place).toBeGreaterThan(newest?.place ?? 0);
    await store.close();
  });

  test('stores that open at once migrate once', async () => {
    const stores = await Promise.all(
      Array.from({ length: 4 }, () => PostgresStore.open(database.url, { poolSize: 1 })),
    );
    expect(await database.run('SELECT version FROM schema_version')).toEqual([
      { version: MIGRATIONS.length },
    ]);
    await Promise.all(stores.map((store) => store.close()));
  });

  test('so do those of a database whose transactions see the past', async () => {
    const name = new URL(database.url).pathname.slice(1);
    const isolation = 'default_transaction_isolation';
    await database.run(`ALTER DATABASE ${name} SET ${isolation} = 'repeatable read'`);
    const stores = await Promise.all([1, 2, 3].map(() => PostgresStore.open(database.url)));
    for (const store of stores) await store.close();
    expect(await schemaOf(database)).not.toEqual([]);
  });

  test('a newer schema is refused, and left as it is', async () => {
    await on(database.url, (client) => migrate(client, [...MIGRATIONS, 'CREATE TABLE newer ()']));
    await expect(PostgresStore.open(database.url)).rejects.toThrow(
      /^the store postgres:\S+ has schema \d+, and this program knows schemas up to \d+: start a newer program, or use another database$/,
    );
    const [row] = await database.run('SELECT version FROM schema_version');
    expect(row).toEqual({ version: MIGRATIONS.length + 1 });
  });

  test('a step that fails leaves the database as it was', async () => {
    const steps = [...MIGRATIONS, 'CREATE TABLE half (); CREATE TABLE conversations ()'];
    await on(database.url, async (client) => {
      await migrate(client);
      await expect(migrate(client, steps)).rejects.toThrow();
    });
    expect(await database.run(`SELECT FROM pg_tables WHERE tablename = 'half'`)).toEqual([]);
    const [row] = await database.run('SELECT version FROM schema_version');
    expect(row).toEqual({ version: MIGRATIONS.length });
  });

  test('a database with tables of another program is refused, and left as it is', async () => {
    await database.run('CREATE TABLE conversations (mine text)');
    await expect(PostgresStore.open(database.url)).rejects.toThrow(
      /has tables of another program \(.*conversations.*\): use an empty database$/,
    );
    expect(await database.run(`SELECT FROM pg_tables WHERE tablename = 'events'`)).toEqual([]);
  });

  test('a database that cannot hold every character is refused, and left as it is', async () => {
    const latin = `${new URL(database.url).pathname.slice(1)}_latin`;
    await database.run(`CREATE DATABASE ${latin} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`);
    const url = new URL(database.url);
    url.pathname = `/${latin}`;
    try {
      await expect(PostgresStore.open(url.href)).rejects.toThrow(
        /^the store postgres:\S+ has the encoding LATIN1: use a database with UTF8$/,
      );
      expect(await schemaStateOf(url.href)).toMatchObject({ found: 0 });
    } finally {
      await database.run(`DROP DATABASE ${latin} WITH (FORCE)`);
    }
  });

  test('the schema can be asked for without changing anything', async () => {
    const known = MIGRATIONS.length;
    expect(await schemaStateOf(database.url)).toEqual({ found: 0, known });
    await on(database.url, (client) => migrate(client, MIGRATIONS.slice(0, 1)));
    expect(await schemaStateOf(database.url)).toEqual({ found: 1, known });
  });
});
