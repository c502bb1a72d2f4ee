import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { APPEND, APPEND_CHECKED, APPEND_ONE } from '../../storage/postgres/append-statement.ts';
import { APPEND_SETTINGS, PostgresStore } from '../../storage/postgres/postgres-store.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
  await (await PostgresStore.open(database.url)).close();
});

afterAll(async () => {
  await database.drop();
});

async function planOf(text: string): Promise<string> {
  for (const [name, value] of Object.entries(APPEND_SETTINGS))
    await database.run(`SET ${name} = ${value}`);
  const rows = await database.run(`EXPLAIN (GENERIC_PLAN, COSTS OFF) ${text}`);
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}

describe('the plan of an append, made while the tables are empty', () => {
  test.for([APPEND, APPEND_CHECKED, APPEND_ONE])(
    '$name looks rows up in indexes, and reads no whole table',
    async ({ text }) => {
      const plan = await planOf(text);
      expect(plan).not.toMatch(/Seq Scan|Hash Join|Merge Join/);
      expect(plan).toMatch(/Index (Only )?Scan using conversations_id_key/);
      expect(plan).toMatch(/Index (Only )?Scan Backward using events_pkey/);
    },
  );

  test.for([APPEND, APPEND_CHECKED, APPEND_ONE])(
    '$name finds the head from the expected one on, and not among all the events before it',
    async ({ text }) => {
      expect(await planOf(text)).toMatch(
        /Index Cond: \(\(cid = \S+\) AND \(seq >= (b\.expected|\$2)\)\)/,
      );
    },
  );

  test('a key is looked up in its own index', async () => {
    expect(await planOf(APPEND_CHECKED.text)).toMatch(/Index (Only )?Scan using events_keys/);
  });
});
