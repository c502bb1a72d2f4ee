import { expect, onTestFinished, test } from 'vitest';
import { SqliteStore } from '../../storage/sqlite/sqlite-store.ts';
import { SPACE } from '../contract/document-fixtures.ts';
import { appended, granted, made, messages, ONE, refusal } from '../contract/fixtures.ts';
import { levelled } from '../contract/message-index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('a search that does not end is refused, and those behind it; the log goes on, and a close ends', async () => {
  const folder = temporaryFolder();
  onTestFinished(() => folder.clear());
  const searchScript = new URL('../support/stuck-search.ts', import.meta.url);
  const options = { searchScript, searchMs: 1_000 };
  const store = SqliteStore.open(folder.path('c.db'), options);
  await made(store, messages(1, 3));
  await levelled(store);
  granted(await store.spaces.add(SPACE));
  expect(granted(await store.index.withoutVector(ONE, SPACE, 9))).toHaveLength(3);
  const late = { reason: 'storage_unavailable', outcome: 'none' };
  const stuck = store.index.byTerms(ONE, { terms: ['message'], limit: 5 });
  const behind = store.index.withoutVector(ONE, SPACE, 9);
  expect(refusal(await stuck)).toMatchObject(late);
  expect(refusal(await behind)).toMatchObject(late);
  await appended(store, messages(4, 5));
  expect(granted(await store.readEvents(ONE, { afterSeq: 0, limit: 9 }))).toHaveLength(5);
  await store.close();
});
