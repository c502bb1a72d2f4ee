import { PostgresStore } from '../../storage/postgres/postgres-store.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import type { Backend } from './backend.ts';

/** Databases that a test has left, emptied: to make one takes as long as three tests. */
const left: TestDatabase[] = [];

/** Real Postgres: the server that COLLOQUY_TEST_POSTGRES_URL names, or one that the tests start. */
export const postgres: Backend = {
  name: 'postgres',
  persists: true,
  place: async () => {
    const database = left.pop() ?? (await testDatabase());
    return {
      open: () => PostgresStore.open(database.url, { poolSize: 4 }),
      clear: async () => {
        await database.empty();
        left.push(database);
      },
    };
  },
};

export async function dropDatabases(): Promise<void> {
  for (const database of left.splice(0)) await database.drop();
}
