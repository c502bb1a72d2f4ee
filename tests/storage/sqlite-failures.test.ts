import Sqlite, { type Database } from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { conversationId } from '../../src/domain/ids.ts';
import type { SqliteOptions } from '../../storage/sqlite/options.ts';
import { SqliteStore } from '../../storage/sqlite/sqlite-store.ts';
import {
  ann,
  append,
  appended,
  granted,
  headOf,
  made,
  message,
  messages,
  ONE,
  refusal,
  state,
  wholeLog,
} from '../contract/fixtures.ts';
import { damageRoot } from '../support/damage.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

let folder: TemporaryFolder;
let store: SqliteStore;
let connection: Database;
const errors: unknown[] = [];

function open(options: SqliteOptions = {}): SqliteStore {
  errors.length = 0;
  store = SqliteStore.open(folder.path('c.db'), {
    onError: (error) => errors.push(error),
    tune: (db) => {
      connection = db;
    },
    ...options,
  });
  return store;
}

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(async () => {
  await store.close();
  folder.clear();
});

const UNAVAILABLE = { reason: 'storage_unavailable', outcome: 'none' };

describe('a full disk', () => {
  const fill = () => {
    const pages = connection.pragma('page_count', { simple: true });
    connection.pragma(`max_page_count = ${pages}`);
  };
  const free = () => connection.pragma('max_page_count = 1000000');
  const large = (seq: number, key: string | null = null) =>
    message(seq, { content: 'x'.repeat(9_000), key });

  test('refuses appends, creations and removals with nothing stored, and heals when there is room', async () => {
    open();
    await made(store, [message(1, { key: 'first' })]);
    fill();
    for (let round = 0; round < 5; round += 1) {
      const refused = await append(store, { events: [large(2, 'k'), large(3)] });
      expect(refusal(refused)).toMatchObject(UNAVAILABLE);
    }
    expect(errors.length).toBeGreaterThanOrEqual(5);
    expect(await headOf(store)).toBe(1);
    expect(await wholeLog(store)).toEqual([message(1, { key: 'first' })]);
    expect(granted(await store.findKey(ONE, ann.id, 'k'))).toBeUndefined();
    free();
    await appended(store, [large(2, 'k'), large(3)]);
    expect(granted(await store.findKey(ONE, ann.id, 'k'))).toBe(2);
    await store.close();
    expect(await wholeLog(open())).toEqual([message(1, { key: 'first' }), large(2, 'k'), large(3)]);
  });

  test('hits every conversation of the group, and each goes on where it was', async () => {
    open();
    const ids = ['c_a', 'c_b', 'c_c'].map(conversationId);
    for (const id of ids) await made(store, messages(1, 2), { id });
    fill();
    const creation = store.create(state({ id: 'c_new' }), [large(1)]);
    const refused = await Promise.all(
      ids.map((id) => append(store, { id, events: [large(3), large(4)] })),
    );
    for (const result of refused) expect(refusal(result)).toMatchObject(UNAVAILABLE);
    expect(refusal(await creation)).toMatchObject(UNAVAILABLE);
    free();
    for (const id of ids) {
      expect(await headOf(store, id)).toBe(2);
      await appended(store, messages(3, 3), { id });
    }
    await made(store, messages(1, 1), { id: 'c_new' });
  });
});

describe('a file that may not be written', () => {
  test('refuses writes, answers reads, and heals', async () => {
    open();
    await made(store, messages(1, 2));
    connection.pragma('query_only = 1');
    expect(refusal(await append(store, { events: messages(3, 3) }))).toMatchObject(UNAVAILABLE);
    expect(refusal(await store.remove(ONE))).toMatchObject(UNAVAILABLE);
    expect(await wholeLog(store)).toEqual(messages(1, 2));
    connection.pragma('query_only = 0');
    await appended(store, messages(3, 3));
    expect(await headOf(store)).toBe(3);
  });
});

describe('a file that another program has locked', () => {
  const lock = () => {
    const other = new Sqlite(folder.path('c.db'));
    other.exec('BEGIN IMMEDIATE');
    return other;
  };

  test('refuses writes after the wait, in which the event loop goes on, and heals', async () => {
    open({ lockWaitMs: 200 });
    await made(store, messages(1, 1));
    const other = lock();
    let turns = 0;
    let isWaiting = true;
    const refused = append(store, { events: messages(2, 2) }).finally(() => {
      isWaiting = false;
    });
    while (isWaiting) {
      await new Promise(setImmediate);
      turns += 1;
    }
    expect(refusal(await refused)).toMatchObject(UNAVAILABLE);
    expect(turns).toBeGreaterThan(2);
    expect(await wholeLog(store)).toEqual(messages(1, 1));
    other.close();
    await appended(store, messages(2, 2));
  });

  test('commits, late, what waited when the lock is gone in time', async () => {
    open({ lockWaitMs: 20_000 });
    await made(store, messages(1, 1));
    const other = lock();
    const late = append(store, { events: messages(2, 2) });
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
    const later = append(store, { events: messages(3, 3) });
    other.close();
    expect([(await late).ok, (await later).ok]).toEqual([true, true]);
    expect(await wholeLog(store)).toEqual(messages(1, 3));
  });
});

describe('a damaged page', () => {
  test('is a clear refusal for what stands on it, and no false ack', async () => {
    open();
    await made(store, messages(1, 50));
    await store.close();
    damageRoot(folder.path('c.db'), 'places');
    open();
    const page = { afterSeq: 0, limit: 10 };
    expect(refusal(await store.readEvents(ONE, page))).toMatchObject(UNAVAILABLE);
    expect(refusal(await append(store, { events: messages(51, 51) }))).toMatchObject(UNAVAILABLE);
    expect(refusal(await append(store, { events: messages(1, 1) }))).toMatchObject(UNAVAILABLE);
  });
});

describe('a write that breaks', () => {
  test('fails alone: the others of its group are stored', async () => {
    open();
    const ids = ['c_a', 'c_b', 'c_c'].map(conversationId);
    for (const id of ids) await made(store, [], { id });
    const broken = { ...message(1), body: Symbol('no text') as unknown as string };
    const [a, b, c] = await Promise.allSettled(
      ids.map((id, index) =>
        append(store, { id, expectedHead: 0, events: [index === 1 ? broken : message(1)] }),
      ),
    );
    expect(a).toMatchObject({ status: 'fulfilled', value: { ok: true } });
    expect(b).toMatchObject({ status: 'rejected' });
    expect(c).toMatchObject({ status: 'fulfilled', value: { ok: true } });
    const heads = await Promise.all(ids.map((id) => headOf(store, id)));
    expect(heads).toEqual([1, 0, 1]);
    await appended(store, [message(1)], { id: conversationId('c_b') });
  });
});
