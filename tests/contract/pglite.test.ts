import { afterAll, beforeAll } from 'vitest';
import { PostgresStore } from '../../storage/postgres/postgres-store.ts';
import { Pglite } from '../support/pglite.ts';
import { EMPTY } from '../support/postgres.ts';
import type { Backend } from './backend.ts';
import { describeStore } from './store.ts';

/** Real pgvector, with one session: every call waits for the one before it. */
let server: Pglite;

const pglite: Backend = {
  name: 'postgres with pgvector',
  persists: true,
  place: () => ({
    open: () => PostgresStore.open(server.url, { poolSize: 1 }),
    clear: async () => {
      await server.run(EMPTY);
    },
  }),
};

beforeAll(async () => {
  server = await Pglite.start();
});

afterAll(() => server.end());

describeStore(pglite);
