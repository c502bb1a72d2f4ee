import { it } from 'vitest';
import { testDatabase } from '../support/postgres.ts';
import { killOften } from './kill-often.ts';

const store = 'sqlite:{dir}/colloquy.db';

it('loses no acked event in 20 kills under load, leaves no gap, and stores no retried key twice', async () => {
  await killOften(20, { store });
}, 600_000);

it('keeps the same promises at NORMAL, where nothing is cached', async () => {
  await killOften(6, {
    store,
    'sqlite-synchronous': 'NORMAL',
    'cache-bytes': 0,
    'cache-conversations': 0,
  });
});

it('keeps them on Postgres', async () => {
  const database = await testDatabase();
  try {
    await killOften(5, { store: database.url });
  } finally {
    await database.drop();
  }
});
