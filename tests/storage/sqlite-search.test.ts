import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { conversationId } from '../../src/domain/ids.ts';
import type { SqliteOptions } from '../../storage/sqlite/options.ts';
import { SqliteStore } from '../../storage/sqlite/sqlite-store.ts';
import { added, axis, chunksOf, document, SPACE } from '../contract/document-fixtures.ts';
import {
  ann,
  append,
  appended,
  edit,
  granted,
  made,
  message,
  messages,
  ONE,
  refusal,
} from '../contract/fixtures.ts';
import { deleted, edited, levelled, withWords } from '../contract/message-index.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

let folder: TemporaryFolder;
let store: SqliteStore;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(async () => {
  await store.close();
  folder.clear();
});

function open(options: SqliteOptions = {}): SqliteStore {
  store = SqliteStore.open(folder.path('c.db'), options);
  return store;
}

/** What a second connection counts, in the state that is committed. */
function count(table: string): number {
  const db = new Sqlite(folder.path('c.db'), { readonly: true });
  try {
    return Number(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get());
  } finally {
    db.close();
  }
}

const INDEX = ['indexed', 'indexed_messages', 'message_words_docsize', 'message_vectors'];
const PARTS = ['loose_documents', 'shares', 'chunks', 'chunk_words_docsize', 'chunk_vectors'];
const counts = (tables: readonly string[]) => tables.map(count);
const none = (tables: readonly string[]) => tables.map(() => 0);

const textsOf = (length: number) =>
  Array.from({ length }, (_, index) => `chunk${index} ${'some more words '.repeat(40)}`);

describe('the searching thread', () => {
  test('may die again and again: that is the answer, the next call starts another, and nothing is lost', async () => {
    const errors: string[] = [];
    open({
      segmentRows: 50,
      searchScript: new URL('../support/dying-search.ts', import.meta.url),
      onError: (error) => errors.push(String(error)),
    });
    await made(store, []);
    let [head, isLevel] = [0, false];
    while (errors.length < 8 || !isLevel) {
      head += 1;
      const appending = appended(store, [message(head, { content: `word${head}` })]);
      const level = await store.index.level(ONE, 10);
      if (!level.ok) expect(level.failure.reason).toBe('storage_unavailable');
      isLevel = level.ok && level.value;
      await appending;
    }
    expect(errors.filter((error) => !/died (before|after) a call/.test(error))).toEqual([]);
    await store.close();
    open();
    await levelled(store);
    for (const seq of [1, 2, Math.ceil(head / 2), head])
      expect(await withWords(store, `word${seq}`)).toEqual([seq]);
    expect(counts(['indexed_messages', 'message_words_docsize'])).toEqual([head, head]);
  });

  test('that cannot start is the answer of every search, and nobody else is hurt', async () => {
    const errors: unknown[] = [];
    open({
      searchScript: new URL('../support/no-such-search.ts', import.meta.url),
      onError: (error) => errors.push(error),
    });
    await made(store, messages(1, 3));
    for (let round = 1; round <= 2; round += 1) {
      const failure = refusal(await store.index.level(ONE, 10));
      expect(failure).toMatchObject({ reason: 'storage_unavailable', outcome: 'none' });
      expect(errors).toHaveLength(round);
    }
    const texts = textsOf(2);
    const failed = await store.documents.add(document('one', { chunkCount: 2 }), chunksOf(texts));
    expect(refusal(failed)).toMatchObject({ reason: 'storage_unavailable' });
    await appended(store, messages(4, 9));
  });

  test('has a queue with an end: what is too much is refused, what was taken is answered', async () => {
    open();
    await made(store, messages(1, 3));
    const all = await Promise.all(
      Array.from({ length: 400 }, () => store.index.byTerms(ONE, { terms: ['3'], limit: 1 })),
    );
    expect(all.filter(({ ok }) => ok)).toHaveLength(256);
    granted(await store.spaces.add(SPACE));
    const query = { space: SPACE, vector: axis(1), limit: 1 };
    const few = await Promise.all(
      Array.from({ length: 200 }, () => store.index.byVector(ONE, query)),
    );
    expect(few.filter(({ ok }) => ok)).toHaveLength(200);
  });

  test('answers that a lock of another program keeps it from writing, searches on, and heals', async () => {
    open({ lockWaitMs: 100 });
    await made(store, messages(1, 9));
    await levelled(store);
    await appended(store, messages(10, 12));
    const other = new Sqlite(folder.path('c.db'));
    other.exec('BEGIN IMMEDIATE');
    const [level, refused] = await Promise.all([
      store.index.level(ONE, 100),
      append(store, { events: messages(13, 13) }),
    ]);
    expect(refusal(level)).toMatchObject({ reason: 'storage_unavailable', outcome: 'none' });
    expect(refusal(refused)).toMatchObject({ reason: 'storage_unavailable', outcome: 'none' });
    expect(await withWords(store, '9')).toEqual([9]);
    other.close();
    await levelled(store);
    expect(await withWords(store, '12')).toEqual([12]);
  });

  test('ends what was begun before a close: a document is there after it', async () => {
    open();
    await made(store, messages(1, 300));
    const level = store.index.level(ONE, 1_000);
    const adding = added(store, 'one', { texts: textsOf(100) });
    await store.close();
    expect([await level, (await adding).chunkCount]).toEqual([{ ok: true, value: true }, 100]);
    open();
    expect(
      granted(await store.documents.readChunks(document('one').id, { limit: 999 })),
    ).toHaveLength(100);
    expect(await withWords(store, '299')).toEqual([299]);
  });
});

describe('while the index goes level', () => {
  test('appends, edits and deletions are answered in between, and honoured', async () => {
    open({ segmentRows: 500 });
    const content = (seq: number) => `word${seq} ${'and many more of them '.repeat(30)}`;
    const log = Array.from({ length: 2_000 }, (_, at) =>
      message(at + 1, { content: content(at + 1) }),
    );
    await made(store, log);
    let isDone = false;
    const level = levelled(store, 100_000).finally(() => {
      isDone = true;
    });
    let [head, answered] = [2_000, 0];
    while (!isDone) {
      head += 1;
      if (head % 2 === 0) await deleted(store, head, head - 1_900);
      else await edited(store, edit(head, head - 1_999, `changed${head}`));
      answered += 1;
      // A server's event loop turns between commits; the thread's reports come in then.
      await new Promise(setImmediate);
    }
    await level;
    expect(answered).toBeGreaterThan(20);
    await levelled(store);
    const isDeleted = (seq: number) => {
      const by = seq + 1_900;
      return by > 2_000 && by <= head && by % 2 === 0;
    };
    for (let seq = 2_001; seq <= Math.min(head, 2_200); seq += 1) {
      const target = seq % 2 === 0 ? seq - 1_900 : seq - 1_999;
      expect(await withWords(store, `word${target}`)).toEqual([]);
      if (seq % 2 === 0) continue;
      const found = await withWords(store, `changed${seq}`);
      expect(found).toEqual(isDeleted(target) ? [] : [target]);
    }
    expect(counts(['indexed_messages'])).toEqual(counts(['message_words_docsize']));
  });

  test('the index may be lost, whole, and is made again from the log', async () => {
    open();
    await made(store, messages(1, 30));
    await levelled(store);
    const other = new Sqlite(folder.path('c.db'));
    for (const table of ['indexed', 'indexed_messages', 'message_words', 'message_vectors'])
      other.exec(`DELETE FROM ${table}`);
    other.close();
    expect(await withWords(store, '7')).toEqual([]);
    await levelled(store);
    expect(await withWords(store, '7')).toEqual([7]);
  });
});

describe('while a document is added', () => {
  test('appends are answered in between, and nobody sees any of it', async () => {
    open();
    await made(store, []);
    let isDone = false;
    const adding = added(store, 'one', { texts: textsOf(1_500) }).finally(() => {
      isDone = true;
    });
    let [head, seen] = [0, 0];
    while (!isDone) {
      head += 1;
      await appended(store, [message(head)]);
      if (isDone) break;
      const found = granted(
        await store.documents.byTerms({ seenBy: ann.id, terms: ['chunk0'], limit: 1 }),
      );
      if (!isDone) seen += found.length;
    }
    await adding;
    expect([head > 10, seen]).toEqual([true, 0]);
    const query = { seenBy: ann.id, terms: ['chunk1499'], limit: 9 };
    expect(granted(await store.documents.byTerms(query))).toHaveLength(1);
  });

  test('twice at once by one id, it is there once, and nothing is left of the other', async () => {
    open({ idleMs: 1 });
    await made(store, []);
    const texts = textsOf(40);
    const one = document('one', { chunkCount: 40 });
    const both = await Promise.all([1, 2].map(() => store.documents.add(one, chunksOf(texts))));
    expect(both.filter(({ ok }) => ok)).toHaveLength(1);
    await until(() => count('loose_documents') === 0);
    expect(counts(['chunks', 'chunk_words_docsize', 'documents'])).toEqual([40, 40, 1]);
  });
});

describe('what nobody can see any more', () => {
  test('of a removed conversation: its index, vectors and shares leave the file', async () => {
    open({ idleMs: 1 });
    await made(store, messages(1, 700));
    await levelled(store);
    granted(await store.spaces.add(SPACE));
    const vectors = Array.from({ length: 700 }, (_, at) => ({
      seq: at + 1,
      textSeq: at + 1,
      vector: axis(at % 8),
    }));
    granted(await store.index.putVectors(ONE, SPACE, vectors));
    await added(store, 'one', { conversations: [ONE] });
    expect(counts(INDEX)).toEqual([1, 700, 700, 700]);
    granted(await store.remove(ONE));
    await made(store, messages(1, 2), { id: 'c_other' });
    await until(() => count('removed') === 0);
    expect(counts([...INDEX, 'shares'])).toEqual(none([...INDEX, 'shares']));
    expect(count('chunks')).toBe(1);
  });

  test('of removed documents and dropped spaces: chunks, words and vectors leave the file', async () => {
    open({ idleMs: 1 });
    await made(store, messages(1, 5));
    await levelled(store);
    const next = { name: 'next:2', dimensions: 2 };
    granted(await store.spaces.add(SPACE));
    const one = await added(store, 'one', { texts: textsOf(300), conversations: [ONE] });
    const two = await added(store, 'two');
    const vectors = Array.from({ length: 300 }, (_, at) => axis(at % 8));
    granted(await store.documents.putVectors(SPACE, one.id, vectors));
    granted(await store.documents.putVectors(SPACE, two.id, [axis(1)]));
    const textOfOne = [{ seq: 1, textSeq: 1, vector: axis(1) }];
    granted(await store.index.putVectors(ONE, SPACE, textOfOne));
    expect(granted(await store.documents.remove(one.id))).toBe(true);
    granted(await store.spaces.use(next));
    await until(() => count('loose_documents') + count('dropped_spaces') === 0);
    expect(counts([...PARTS, 'message_vectors', 'document_spaces'])).toEqual([0, 0, 1, 1, 0, 0, 0]);
  });

  test('is deleted after a restart, and by a close', async () => {
    open();
    const one = await added(store, 'one', { texts: textsOf(50) });
    granted(await store.documents.remove(one.id));
    expect(counts(['loose_documents', 'chunks'])).toEqual([1, 50]);
    await store.close();
    expect(counts(PARTS)).toEqual(none(PARTS));
  });
});

test('a conversation that nobody searches has no index, and a send writes none', async () => {
  open();
  const ids = ['c_a', 'c_b'].map(conversationId);
  for (const id of ids) await made(store, messages(1, 9), { id });
  await levelled(store, 100, ids[0]);
  await appended(store, messages(10, 12), { id: conversationId('c_a') });
  expect(counts(['indexed', 'indexed_messages'])).toEqual([1, 9]);
});
