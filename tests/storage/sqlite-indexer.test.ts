import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { conversationId } from '../../src/domain/ids.ts';
import type { SqliteOptions } from '../../storage/sqlite/options.ts';
import { SqliteStore } from '../../storage/sqlite/sqlite-store.ts';
import {
  ann,
  append,
  appended,
  granted,
  made,
  message,
  messages,
  ONE,
  refusal,
  wholeLog,
} from '../contract/fixtures.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

let folder: TemporaryFolder;
let store: SqliteStore;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(async () => {
  goOn();
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

/** An indexer that is held (held-indexer.ts) is held no more. */
const goOn = () => writeFileSync(folder.path('c.db-go'), '');

const walBytes = () => statSync(folder.path('c.db-wal')).size;

describe('the indexer', () => {
  test('makes places for a full segment while appends go on', async () => {
    let indexed = 0;
    open({ segmentRows: 100, onIndexed: ({ rows }) => (indexed += rows) });
    const ids = Array.from({ length: 10 }, (_, index) => conversationId(`c_${index}`));
    for (const id of ids) await made(store, [], { id });
    for (let seq = 1; seq <= 60; seq += 1) {
      const key = `k${seq}`;
      await Promise.all(ids.map((id) => appended(store, [message(seq, { key })], { id })));
    }
    await until(() => indexed >= 500);
    for (const id of ids) {
      const log = await wholeLog(store, id, 17);
      expect(log).toHaveLength(60);
      expect(log[41]).toEqual(message(42, { key: 'k42' }));
      expect(granted(await store.findKey(id, ann.id, 'k7'))).toBe(7);
      const taken = await append(store, { id, events: [message(61, { key: 'k1' })] });
      expect(refusal(taken)).toEqual({ reason: 'keys_taken', taken: [{ index: 0, seq: 1 }] });
    }
  });

  test.for([
    { placeRows: 1, rows: 12, why: 'a segment of 10' },
    { placeRows: 3, rows: 18, why: '3 of each of the 6 conversations' },
    { placeRows: 50, rows: 42, why: 'four segments, though that is not 50 of each' },
  ])('waits until there are $rows rows: $why', async ({ placeRows, rows: wanted }) => {
    const indexed: number[] = [];
    open({
      segmentRows: 10,
      placeRows,
      idleMs: 60_000,
      onIndexed: ({ rows }) => indexed.push(rows),
    });
    // Its thread starts with the first work there is.
    await made(store, messages(1, 10 * Math.min(placeRows, 4)));
    await until(() => indexed.length === 1);
    const ids = Array.from({ length: 6 }, (_, index) => conversationId(`c_${index}`));
    for (const id of ids) await made(store, [], { id });
    for (let seq = 1; store.backlogRows < wanted; seq += 1) {
      await Promise.all(ids.map((id) => appended(store, [message(seq)], { id })));
    }
    await until(() => indexed.length === 2);
    expect(indexed[1]).toBe(wanted);
  });

  test('indexes what there is when nothing came in for a while, and empties the WAL', async () => {
    open({ idleMs: 1 });
    await made(store, messages(1, 20));
    await until(() => store.backlogRows === 0 && walBytes() === 0);
    expect(count('places')).toBe(1);
    await appended(store, messages(21, 22));
    await until(() => store.backlogRows === 0 && walBytes() === 0);
    expect(await wholeLog(store)).toEqual(messages(1, 22));
  });

  test('has the WAL begin anew, again and again, under writes that never pause', async () => {
    open({ walPages: 50, segmentRows: 200, synchronous: 'NORMAL' });
    await made(store);
    // The WAL's header has a number that changes when it begins anew.
    const lives = new Set<string>();
    for (let seq = 1; lives.size < 5; seq += 1) {
      await appended(store, [message(seq, { content: 'x'.repeat(3_000) })]);
      lives.add(readFileSync(folder.path('c.db-wal')).subarray(16, 20).toString('hex'));
      // A server's event loop turns between commits; the worker's reports come in then.
      await new Promise(setImmediate);
    }
  });

  test('deletes all that is left of removed conversations', async () => {
    open({ idleMs: 1 });
    await made(store, [message(1, { key: 'k' }), ...messages(2, 3_000)]);
    await until(() => store.backlogRows === 0);
    await appended(store, [message(3_001, { key: 'later' })]);
    granted(await store.remove(ONE));
    await made(store, messages(1, 2), { id: 'c_other' });
    await until(() => count('removed') === 0 && store.backlogRows === 0);
    expect([count('log'), count('places')]).toEqual([2, 1]);
  });

  test('deletes after a restart what was removed before it', async () => {
    open();
    await made(store, [message(1, { key: 'k' }), ...messages(2, 40)]);
    granted(await store.remove(ONE));
    await store.close();
    expect([count('removed'), count('log'), count('places')]).toEqual([0, 0, 0]);
    // Row numbers go on where they were, or new events would seem to be indexed.
    open();
    await made(store, messages(1, 3));
    await store.close();
    expect(await wholeLog(open())).toEqual(messages(1, 3));
  });
});

describe("the indexer's thread", () => {
  test('may die again and again: appends go on, all is indexed once, and nothing is lost', async () => {
    const errors: string[] = [];
    let indexed = 0;
    open({
      segmentRows: 40,
      chunkPlaces: 1,
      indexerScript: new URL('../support/dying-indexer.ts', import.meta.url),
      onError: (error) => errors.push(String(error)),
      onIndexed: ({ rows }) => (indexed += rows),
    });
    // More places than one chunk writes, however far it is behind.
    const ids = Array.from({ length: 40 }, (_, index) => conversationId(`c_${index}`));
    for (const id of ids) await made(store, [], { id });
    let head = 0;
    while (errors.length < 12 || indexed < 20) {
      head += 1;
      const events = [message(head, { key: `k${head}` })];
      await Promise.all(ids.map((id) => appended(store, events, { id })));
      await new Promise(setImmediate);
    }
    expect(errors.filter((error) => !/died (before|after) an order/.test(error))).toEqual([]);
    const expected = Array.from({ length: head }, (_, at) =>
      message(at + 1, { key: `k${at + 1}` }),
    );
    for (const id of ids) expect(await wholeLog(store, id)).toEqual(expected);
    await store.close();
    open();
    for (const id of ids) expect(await wholeLog(store, id)).toEqual(expected);
    const places = new Sqlite(folder.path('c.db'), { readonly: true });
    const records = places.prepare('SELECT sum(length(records)) / 11 FROM places').pluck().get();
    places.close();
    expect(records).toBe(40 * head);
  });

  test('that cannot start costs nothing but tidiness', async () => {
    const errors: unknown[] = [];
    open({
      segmentRows: 1,
      placeRows: 1,
      indexerScript: new URL('../support/no-such-indexer.ts', import.meta.url),
      onError: (error) => errors.push(error),
    });
    await made(store, messages(1, 3));
    await until(() => errors.length > 0);
    await appended(store, messages(4, 9));
    expect(await wholeLog(store)).toEqual(messages(1, 9));
  });
});

describe('a write that the indexer keeps waiting', () => {
  /** Appends until the indexer has the lock, and keeps it; then one more, and turns of the event loop for 50 ms. */
  const blocked = async (options: SqliteOptions) => {
    open({
      ...options,
      segmentRows: 1,
      placeRows: 1,
      indexerScript: new URL('../support/held-indexer.ts', import.meta.url),
    });
    await made(store, messages(1, 1));
    await until(() => existsSync(folder.path('c.db-held')));
    let answered = false;
    const answer = append(store, { events: messages(2, 2) }).finally(() => {
      answered = true;
    });
    const from = performance.now();
    await until(() => answered || performance.now() - from > 50);
    return { answer, answered };
  };

  test('is stored, however slow the disk is under it: no other program has the lock', async () => {
    const { answer, answered } = await blocked({ lockWaitMs: 1 });
    expect(answered).toBe(false);
    goOn();
    expect((await answer).ok).toBe(true);
    expect(await wholeLog(store)).toEqual(messages(1, 2));
  });

  test('is refused in the end, when the disk never answers, and nothing of it is stored', async () => {
    const { answer } = await blocked({ lentWaitMs: 10 });
    expect(refusal(await answer)).toMatchObject({ outcome: 'none' });
    goOn();
    await until(async () => (await append(store, { events: messages(2, 2) })).ok);
    expect(await wholeLog(store)).toEqual(messages(1, 2));
  });
});

describe('the group commit', () => {
  test('stores what was asked in one turn of the event loop in one transaction', async () => {
    const commits: { rows: number; requests: number }[] = [];
    open({ onCommit: ({ rows, requests }) => commits.push({ rows, requests }) });
    const ids = Array.from({ length: 40 }, (_, index) => conversationId(`c_${index}`));
    await Promise.all(ids.map((id) => made(store, messages(1, 1), { id })));
    await Promise.all(ids.map((id) => appended(store, messages(2, 4), { id })));
    expect(commits).toEqual([
      { rows: 40, requests: 40 },
      { rows: 120, requests: 40 },
    ]);
  });

  test('splits what is too much for one transaction, and lets the event loop turn between', async () => {
    const commits: number[] = [];
    open({ onCommit: ({ rows }) => commits.push(rows), synchronous: 'NORMAL' });
    const ids = Array.from({ length: 12 }, (_, index) => conversationId(`c_${index}`));
    await Promise.all(ids.map((id) => made(store, [], { id })));
    commits.length = 0;
    await Promise.all(ids.map((id) => appended(store, messages(1, 1_000), { id })));
    expect(commits).toEqual([8_000, 4_000]);
  });
});
