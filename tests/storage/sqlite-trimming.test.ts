import { cpSync } from 'node:fs';
import Sqlite, { type Database } from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { conversationId } from '../../src/domain/ids.ts';
import type { Order } from '../../storage/sqlite/indexer-protocol.ts';
import { IndexerSteps } from '../../storage/sqlite/indexer-steps.ts';
import type { SqliteOptions } from '../../storage/sqlite/options.ts';
import { SqliteStore } from '../../storage/sqlite/sqlite-store.ts';
import { added } from '../contract/document-fixtures.ts';
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
  wholeLog,
} from '../contract/fixtures.ts';
import { edited, levelled, trimmedTo, withWords } from '../contract/message-index.ts';
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

/** What a second connection finds in the first column, in the state that is committed. */
function all(sql: string, path = folder.path('c.db')): unknown[] {
  const db = new Sqlite(path, { readonly: true });
  try {
    return db.prepare(sql).pluck().all();
  } finally {
    db.close();
  }
}

const keyed = (from: number, to: number) =>
  messages(from, to).map(({ seq }) => message(seq, { key: seq % 3 === 0 ? `k${seq}` : null }));

const isErased = () => all('SELECT cid FROM trims WHERE last_row IS NOT NULL').length === 0;

describe('trimmed events', () => {
  test('leave the file: all of them that have no key, and all of the others but sender and key', async () => {
    open({ idleMs: 1 });
    await made(store, keyed(1, 1_500));
    await edited(store, edit(1_501, 2, 'changed'));
    await levelled(store, 10_000);
    await trimmedTo(store, 1_201, 1_501);
    await until(isErased);
    const gone = 'FROM log WHERE seq < 1201';
    expect(all(`SELECT DISTINCT body || author_name ${gone}`)).toEqual(['']);
    expect(all(`SELECT count(*) ${gone}`)).toEqual([400]);
    expect(all('SELECT count(*) FROM indexed_messages')).toEqual([300]);
    expect(all('SELECT count(*) FROM message_words_docsize')).toEqual([300]);
    expect(granted(await store.findKey(ONE, ann.id, 'k600'))).toBe(600);
    const twin = await append(store, { events: [message(1_502, { key: 'k3' })] });
    expect(refusal(twin)).toEqual({ reason: 'keys_taken', taken: [{ index: 0, seq: 3 }] });
  });

  test('without keys leave no place behind, but for the newest', async () => {
    open({ idleMs: 1 });
    await made(store, messages(1, 2_000));
    await until(() => store.backlogRows === 0);
    await trimmedTo(store, 2_001, 2_000);
    await until(isErased);
    expect(all('SELECT count(*) FROM log')).toEqual([0]);
    expect(all('SELECT first_seq FROM places')).toHaveLength(1);
    await store.close();
    open();
    expect(granted(await store.load(ONE))?.conversation).toMatchObject({
      firstSeq: 2_001,
      headSeq: 2_000,
    });
    await appended(store, messages(2_001, 2_003));
    expect(await wholeLog(store)).toEqual(messages(2_001, 2_003));
  });

  test('that have no place yet are erased when they have one', async () => {
    open({ idleMs: 1 });
    await made(store, keyed(1, 40));
    await trimmedTo(store, 31, 40);
    await until(() => isErased() && store.backlogRows === 0);
    expect(all('SELECT count(*) FROM log')).toEqual([20]);
    await trimmedTo(store, 38, 40);
    await until(isErased);
    expect(all("SELECT seq FROM log WHERE body <> ''")).toEqual([38, 39, 40]);
    await store.close();
    expect(await wholeLog(open())).toEqual(keyed(38, 40));
  });

  test('come back whole when the commit of the trim fails, and the next one goes through', async () => {
    let connection: Database | undefined;
    open({
      tune: (db) => {
        connection = db;
      },
    });
    await made(store, messages(1, 9));
    const pages = connection?.pragma('page_count', { simple: true });
    connection?.pragma(`max_page_count = ${String(pages)}`);
    const effects = [{ kind: 'trimmed', firstSeq: 5 }] as const;
    const large = [message(10, { content: 'x'.repeat(50_000) })];
    const failed = await append(store, { events: large, effects });
    expect(refusal(failed)).toMatchObject({ reason: 'storage_unavailable' });
    expect(await wholeLog(store)).toEqual(messages(1, 9));
    connection?.pragma('max_page_count = 1000000');
    await appended(store, large, { effects });
    expect(await wholeLog(store)).toEqual([...messages(5, 9), ...large]);
  });
});

describe('a restart in the middle', () => {
  /** What a kill leaves after so many steps of a purge; and what the next start makes of it. */
  async function killedAfter(steps: number): Promise<void> {
    const copy = temporaryFolder();
    for (const end of ['', '-wal']) cpSync(folder.path(`c.db${end}`), copy.path(`c.db${end}`));
    const path = copy.path('c.db');
    const lastRow = Number(all('SELECT max(row) FROM log', path)[0]);
    const worker = new IndexerSteps(path);
    const orders: Order[] = [
      { kind: 'plan', lastRow },
      { kind: 'chunk', places: 1_000 },
    ];
    for (let step = 0; step < steps; step += 1)
      orders.push({ kind: 'purge', lastRow, rows: 40, keep: [] });
    for (const order of orders) expect(worker.run(order)).toMatchObject({ ok: true });
    worker.close();
    const next = SqliteStore.open(path, { synchronous: 'NORMAL' });
    await verify(next);
    await next.close();
    const left = ['removed', 'loose_documents', 'dropped_spaces', 'trims WHERE last_row > 0'];
    for (const table of left) expect(all(`SELECT 1 FROM ${table}`, path)).toEqual([]);
    expect(all("SELECT min(seq) FROM log WHERE body <> ''", path)).toEqual([901]);
    expect(all('SELECT count(*) FROM indexed_messages', path)).toEqual([100]);
    expect(all('SELECT count(*) FROM message_words_docsize', path)).toEqual([100]);
    expect(all('SELECT count(*) FROM chunks', path)).toEqual([1]);
    copy.clear();
  }

  async function verify(next: SqliteStore): Promise<void> {
    expect(await wholeLog(next)).toEqual(keyed(901, 1_000));
    expect(granted(await next.findKey(ONE, ann.id, 'k3'))).toBe(3);
    expect(granted(await next.findKey(ONE, ann.id, 'k900'))).toBe(900);
    await levelled(next, 1_000);
    expect(await withWords(next, '900')).toEqual([]);
    expect(await withWords(next, '999')).toEqual([999]);
    expect(granted(await next.listAll({ limit: 9 }))).toEqual([ONE]);
    expect(granted(await next.documents.list({ limit: 9 }))).toHaveLength(1);
  }

  test('of a purge goes on where it was, wherever that is', async () => {
    open({ indexerScript: new URL('../support/no-such-indexer.ts', import.meta.url) });
    await made(store, keyed(1, 1_000));
    await levelled(store, 1_000);
    const other = conversationId('c_other');
    await made(store, messages(1, 100), { id: other });
    await levelled(store, 1_000, other);
    await added(store, 'kept', { conversations: [ONE, other] });
    const gone = await added(store, 'gone', {
      texts: Array.from({ length: 60 }, (_, at) => `chunk ${at}`),
    });
    granted(await store.spaces.add({ name: 'a:2', dimensions: 2 }));
    granted(await store.spaces.use({ name: 'b:2', dimensions: 2 }));
    await trimmedTo(store, 901, 1_000);
    granted(await store.remove(other));
    granted(await store.documents.remove(gone.id));
    for (const steps of [0, 1, 5, 9, 14, 15, 16, 40, 80, 107, 108, 109, 110, 115, 120, 200])
      await killedAfter(steps);
  });
});
