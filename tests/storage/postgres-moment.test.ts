import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { exportStore } from '../../src/transfer/export.ts';
import { PostgresStore } from '../../storage/postgres/postgres-store.ts';
import { added } from '../contract/document-fixtures.ts';
import { ann, appended, granted, made, message, messages, ONE } from '../contract/fixtures.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { exported } from '../support/transfer.ts';

let database: TestDatabase;
let store: PostgresStore;

beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

beforeEach(async () => {
  store = await PostgresStore.open(database.url);
  return async () => {
    await store.close();
    await database.empty();
  };
});

test('an export is of one moment, whatever is written while it is made', async () => {
  await made(store, messages(1, 700), { id: 'c_first' });
  const second = await made(store, messages(1, 3), { id: 'c_second' });
  await added(store, 'a', { owner: ann.id, texts: ['one', 'two'] });
  const before = await exported(store);
  const moment = await PostgresStore.open(database.url, { isOneMoment: true });
  let written = '';
  const write = async (text: string) => {
    if (written === '') {
      granted(await store.remove(second));
      await made(store, messages(1, 2), { id: 'c_third' });
      await added(store, 'b', { owner: ann.id, texts: ['three'] });
    }
    written += text;
  };
  granted(await exportStore(moment, { write }));
  await moment.close();
  expect(written).toBe(before);
  expect(await exported(store)).not.toBe(before);
});

test('a connection that saw one moment and is cut has no successor', async () => {
  await made(store, messages(1, 5));
  const moment = await PostgresStore.open(database.url, { isOneMoment: true });
  const read = () => moment.readEvents(ONE, { afterSeq: 0, limit: 10 });
  expect(granted(await read())).toHaveLength(5);
  await appended(store, [message(6)]);
  expect(granted(await read())).toHaveLength(5);
  await database.run(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND state = 'idle in transaction'`,
  );
  expect(await read()).toMatchObject({ ok: false, failure: { reason: 'storage_unavailable' } });
  expect(await read()).toMatchObject({ ok: false });
  await moment.close();
});
