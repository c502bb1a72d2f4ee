import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
} from 'vitest';
import { conversationId } from '../../src/domain/ids.ts';
import { PostgresStore } from '../../storage/postgres/postgres-store.ts';
import {
  added,
  axis,
  byVector,
  byWords,
  idOfDocument,
  OTHER,
  SPACE,
} from '../contract/document-fixtures.ts';
import {
  ann,
  appended,
  bob,
  granted,
  made,
  member,
  message,
  messages,
  ONE,
} from '../contract/fixtures.ts';
import { deleted, levelled, nearest, withWords } from '../contract/message-index.ts';
import { eventually } from '../support/deadline.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let store: PostgresStore;

beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

beforeEach(async () => {
  store = await PostgresStore.open(database.url, { poolSize: 6 });
});
afterEach(async () => {
  await store.close();
  await database.empty();
});

/** Holds up whoever writes to a table, until it is let go. */
async function held(table: string) {
  await database.run(`BEGIN; LOCK TABLE ${table} IN SHARE MODE`);
  return {
    waiting: (count: number) =>
      eventually(`${count} that wait`, async () => {
        const rows = await database.run('SELECT FROM pg_locks WHERE NOT granted');
        return rows.length >= count;
      }),
    letGo: () => database.run('COMMIT'),
  };
}

const say = (seq: number, content: string) => message(seq, { content });

describe('the index of messages, and what happens to the log at the same time', () => {
  test('what is deleted after `level` has read it, and before it commits, is not found', async () => {
    await made(store, [say(1, 'lion'), say(2, 'zebra')]);
    const { waiting, letGo } = await held('message_terms');
    const levelling = store.index.level(ONE, 100);
    await waiting(1);
    const deleting = deleted(store, 3, 2);
    await waiting(2);
    await letGo();
    expect(granted(await levelling)).toBe(true);
    await deleting;
    expect(await withWords(store, 'zebra')).toEqual([]);
    await levelled(store);
    expect(await withWords(store, 'zebra lion')).toEqual([1]);
  });

  test('what a deletion under way has redacted is not read', async () => {
    await made(store, [say(1, 'lion'), say(2, 'zebra')]);
    await levelled(store, 1);
    await appended(store, [say(3, 'zebra')]);
    const { waiting, letGo } = await held('message_texts');
    const deleting = deleted(store, 4, 3);
    await waiting(1);
    const levelling = store.index.level(ONE, 100);
    await waiting(2);
    await letGo();
    await deleting;
    granted(await levelling);
    await levelled(store);
    expect(await withWords(store, 'zebra lion')).toEqual([2, 1]);
  });

  test('nor is it where transactions are told to see the past', async () => {
    await store.close();
    const { pathname } = new URL(database.url);
    const name = pathname.slice(1);
    const setting = 'default_transaction_isolation';
    await database.run(`ALTER DATABASE ${name} SET ${setting} = 'repeatable read'`);
    onTestFinished(async () => {
      await database.run(`ALTER DATABASE ${name} RESET ${setting}`);
    });
    store = await PostgresStore.open(database.url, { poolSize: 6 });
    await made(store, [say(1, 'lion'), say(2, 'zebra')]);
    await levelled(store, 1);
    await appended(store, [say(3, 'zebra')]);
    const { waiting, letGo } = await held('message_texts');
    const deleting = deleted(store, 4, 3);
    await waiting(1);
    const levelling = store.index.level(ONE, 100);
    await waiting(2);
    await letGo();
    await deleting;
    granted(await levelling);
    await levelled(store);
    expect(await withWords(store, 'zebra lion')).toEqual([2, 1]);
  });

  test('a vector that is put while its message is deleted goes with it', async () => {
    await made(store, messages(1, 2));
    await levelled(store);
    granted(await store.spaces.add(SPACE));
    const [row] = await database.run('SELECT sid FROM vector_spaces');
    const { waiting, letGo } = await held(`message_vectors_${row?.['sid']}`);
    const vectors = [1, 2].map((seq) => ({ seq, textSeq: seq, vector: axis(seq) }));
    const putting = store.index.putVectors(ONE, SPACE, vectors);
    await waiting(1);
    const deleting = deleted(store, 3, 2);
    await waiting(2);
    await letGo();
    granted(await putting);
    await deleting;
    expect(await nearest(store, axis(2))).toEqual([1]);
  });

  test('a send does not wait for `level`', async () => {
    await made(store, messages(1, 3));
    const { waiting, letGo } = await held('message_terms');
    const levelling = store.index.level(ONE, 100);
    await waiting(1);
    await appended(store, messages(4, 4));
    await letGo();
    expect(granted(await levelling)).toBe(true);
    await levelled(store);
    expect(await withWords(store, '4')).toEqual([4]);
  });

  test('a conversation that is removed while it is indexed leaves nothing behind', async () => {
    await made(store, [say(1, 'zebra')]);
    const { waiting, letGo } = await held('message_terms');
    const levelling = store.index.level(ONE, 100);
    await waiting(1);
    const removing = store.remove(ONE);
    await waiting(2);
    await letGo();
    granted(await levelling);
    expect(granted(await removing)).toBe(true);
    await made(store, [say(1, 'lion')], { epoch: 'e_second' });
    await levelled(store);
    expect(await withWords(store, 'zebra lion')).toEqual([1]);
    await eventually('the old texts are deleted', async () => {
      const texts = await database.run('SELECT FROM message_texts');
      return texts.length === 1;
    });
  });
});

describe('words', () => {
  test('a message of a million characters and 160,000 words is found by each of them', async () => {
    const words = Array.from(
      { length: 160_000 },
      (_, at) => `w${at.toString(36).padStart(4, '0')}`,
    );
    await made(store, [say(1, words.join(' ').padEnd(1_000_000, '!')), say(2, 'lion')]);
    await levelled(store);
    for (const word of [words[0], words[80_000], words.at(-1)])
      expect(await withWords(store, `${word}`)).toEqual([1]);
    expect((await withWords(store, 'w0001 w2000 lion')).sort()).toEqual([1, 2]);
    await deleted(store, 3, 1);
    expect(await withWords(store, `${words[0]}`)).toEqual([]);
  });

  test('that thousands of messages have: the newest are found, and those with a rarer word before them', async () => {
    await made(store, [say(1, 'common zebra'), say(2, 'common'), say(3, 'lion')]);
    for (let from = 4; from < 5_204; from += 1_300)
      await appended(
        store,
        Array.from({ length: 1_300 }, (_, at) => say(from + at, 'common')),
      );
    const other = await made(store, [say(1, 'common zebra lion'), say(2, 'zebra')], {
      id: 'c_two',
    });
    await levelled(store, 100, other);
    await levelled(store, 1_000);
    expect((await withWords(store, 'common', 5)).sort()).toEqual([
      5_199, 5_200, 5_201, 5_202, 5_203,
    ]);
    const found = await withWords(store, 'common lion zebra', 4);
    expect(found.slice(0, 2).sort()).toEqual([1, 3]);
    expect(found.slice(2).every((seq) => seq > 3)).toBe(true);
    expect(found).toHaveLength(4);
    expect(await withWords(store, 'common', 6_000)).toHaveLength(5_202);
  });
});

describe('documents', () => {
  test('of more conversations than a query names are found by their words, and no others', async () => {
    const members = [member(ann, 'owner'), member(bob)];
    for (let at = 0; at < 120; at += 1) {
      const id = await made(store, [], { id: `c_${at}`, members: at % 10 === 9 ? [] : members });
      await added(store, `${at}`, { conversations: [id], texts: ['common', `word${at}`] });
    }
    const seenBy = bob.id;
    for (const at of [0, 57, 118])
      expect(await byWords(store, `word${at}`, { seenBy })).toEqual([`d_${at}.1`]);
    expect(await byWords(store, 'word119', { seenBy })).toEqual([]);
    expect(await byWords(store, 'common', { seenBy, limit: 200 })).toHaveLength(108);
    const sharedWith = conversationId('c_57');
    expect(await byWords(store, 'common', { seenBy, sharedWith })).toEqual(['d_57.0']);
  });
});

describe('spaces', () => {
  test('come and go while they are written to and searched: every call is answered', async () => {
    await added(store, 'a', { texts: ['one', 'two'] });
    await made(store, messages(1, 3));
    await levelled(store);
    const use = async (round: number) => {
      const [to, from] = round % 2 === 0 ? [SPACE, OTHER] : [OTHER, SPACE];
      granted(await store.spaces.add(to));
      granted(await store.spaces.use(to));
      granted(await store.spaces.add(from));
    };
    const work = async () => {
      for (const space of [SPACE, OTHER]) {
        const vectors = [axis(0, space), axis(1, space)];
        granted(await store.documents.putVectors(space, idOfDocument('a'), vectors));
        const ofMessages = [1, 2, 3].map((seq) => ({ seq, textSeq: seq, vector: axis(0, space) }));
        granted(await store.index.putVectors(ONE, space, ofMessages));
        await byVector(store, axis(0, space), { space });
        await nearest(store, axis(0, space), { space });
        granted(await store.index.withoutVector(ONE, space, 10));
        granted(await store.documents.withoutVectors(space, { limit: 10 }));
      }
    };
    for (let round = 0; round < 10; round += 1)
      await Promise.all([use(round), work(), work(), added(store, `${round}`)]);
    expect(granted(await store.spaces.list())).toHaveLength(2);
    expect(granted(await store.documents.countOwned(ann.id))).toBe(11);
  });
});

test('vectors that were stored before they had sketches are found after the next start', async () => {
  const vectors = [axis(1), axis(0), axis(2)];
  await added(store, 'a', { owner: ann.id, texts: ['one', 'two', 'three'] });
  granted(await store.spaces.add(SPACE));
  granted(await store.documents.putVectors(SPACE, idOfDocument('a'), vectors));
  await made(store, messages(1, 3));
  await levelled(store);
  const ofMessages = vectors.map((vector, at) => ({ seq: at + 1, textSeq: at + 1, vector }));
  granted(await store.index.putVectors(ONE, SPACE, ofMessages));
  await store.close();
  const [row] = await database.run('SELECT sid FROM vector_spaces');
  for (const table of ['chunk_vectors', 'message_vectors'])
    await database.run(`ALTER TABLE ${table}_${row?.['sid']} DROP COLUMN sketch`);
  store = await PostgresStore.open(database.url, { poolSize: 6 });
  expect((await byVector(store, axis(0)))[0]).toBe('d_a.1');
  expect(await nearest(store, axis(0), { limit: 1 })).toEqual([2]);
  expect(granted(await store.index.withoutVector(ONE, SPACE, 9))).toEqual([]);
});
