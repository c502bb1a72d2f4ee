import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite, { type Database } from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { StoredAuditEntry } from '../../src/domain/audit.ts';
import { conversationId } from '../../src/domain/ids.ts';
import type { Account } from '../../src/domain/spending.ts';
import { MIGRATIONS, migrate } from '../../storage/sqlite/migrations.ts';
import { SqliteStore } from '../../storage/sqlite/sqlite-store.ts';
import {
  ann,
  append,
  appended,
  bob,
  granted,
  message,
  messages,
  ONE,
  refusal,
  turn,
  wholeLog,
} from '../contract/fixtures.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

/** One file a released schema: its tables as SQLite has them, and data; `v1.sql` is what schema 1 left behind. */
const SCHEMAS = join(import.meta.dirname, 'schemas');
const VERSIONS = readdirSync(SCHEMAS)
  .filter((name) => name.endsWith('.sql'))
  .sort();

let folder: TemporaryFolder;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => {
  folder.clear();
});

function schemaOf(db: Database): unknown[] {
  return db
    .prepare(
      "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name",
    )
    .all();
}

describe('migrations', () => {
  test('there is a fixture of every schema', () => {
    expect(VERSIONS).toEqual(MIGRATIONS.map((_, index) => `v${index + 1}.sql`));
  });

  test.for(VERSIONS.map((name, index) => ({ name, index })))(
    'schema $name is what it was when it was released',
    ({ name, index }) => {
      const [released, made] = [new Sqlite(':memory:'), new Sqlite(':memory:')];
      released.exec(readFileSync(join(SCHEMAS, name), 'utf8'));
      migrate(made, MIGRATIONS.slice(0, index + 1));
      expect(schemaOf(made)).toEqual(schemaOf(released));
    },
  );

  test.for(VERSIONS)(
    'a file of schema %s opens at the newest, with all that is in it',
    async (name) => {
      const old = new Sqlite(folder.path('c.db'));
      old.exec(readFileSync(join(SCHEMAS, name), 'utf8'));
      old.close();
      const store = SqliteStore.open(folder.path('c.db'));
      const log = await wholeLog(store);
      expect(log.map(({ seq, key }) => [seq, key])).toEqual([
        [1, 'placed'],
        [2, null],
        [3, null],
        [4, 'pending'],
        [5, null],
      ]);
      const [first, second] = granted(await store.readMessages(ONE, { limit: 9 }));
      expect(first?.body.content).toBe('edited');
      expect(second?.body).toEqual({ deleted: true });
      const conversation = granted(await store.load(ONE));
      expect(conversation?.members.map(({ name: called }) => called)).toEqual(['ann', 'bob']);
      expect(granted(await store.readOpenTurns(ONE))).toEqual([turn('open')]);
      expect(granted(await store.secret('tokens', () => Uint8Array.of()))).toEqual(
        Uint8Array.of(1, 2),
      );
      for (const [key, seq] of [
        ['placed', 1],
        ['pending', 4],
      ] as const) {
        expect(granted(await store.findKey(ONE, ann.id, key))).toBe(seq);
        const taken = await append(store, { events: [message(6, { key })] });
        expect(refusal(taken)).toMatchObject({ taken: [{ index: 0, seq }] });
      }
      await appended(store, messages(6, 8));
      await store.close();
    },
  );

  test('a file of schema v2.sql keeps documents, vectors, and what was trimmed and dropped', async () => {
    const [space, trimmed] = [{ name: 'hashing-v1:2', dimensions: 2 }, conversationId('c_trimmed')];
    const old = new Sqlite(folder.path('c.db'));
    old.exec(readFileSync(join(SCHEMAS, 'v2.sql'), 'utf8'));
    old.close();
    const store = SqliteStore.open(folder.path('c.db'));
    const { documents, index } = store;
    const [one, ...others] = granted(await documents.list({ limit: 9 }));
    expect(others).toEqual([]);
    expect(one).toMatchObject({
      document: { id: 'd_one', conversations: [ONE] },
      spaces: [space.name],
    });
    const who = { seenBy: bob.id, limit: 9 };
    const byTerms = granted(await documents.byTerms({ ...who, terms: ['yellow', 'loose'] }));
    expect(byTerms.map(({ chunk }) => chunk.text)).toEqual(['yellow a']);
    const vector = Float32Array.of(0, 1);
    const [nearest] = granted(await documents.byVector({ ...who, space, vector }));
    expect(nearest).toMatchObject({ chunk: { text: 'blue one' }, score: 1 });
    const edited = granted(await index.byTerms(ONE, { terms: ['edit'], limit: 9 }));
    expect(edited.map(({ seq }) => seq)).toEqual([1]);
    const spaces = granted(await store.spaces.list());
    expect(spaces.map(({ name, isInUse }) => [name, isInUse])).toEqual([
      [space.name, true],
      ['other:2', false],
    ]);
    expect((await wholeLog(store, trimmed)).map(({ seq }) => seq)).toEqual([4]);
    await store.close();
    const left = new Sqlite(folder.path('c.db'), { readonly: true });
    const all = (sql: string) => left.prepare(sql).pluck().all();
    expect(all('SELECT row FROM log WHERE cid = 3')).toEqual([8, 11]);
    expect(all('SELECT body FROM log WHERE row = 8')).toEqual(['']);
    expect(all('SELECT did FROM loose_documents UNION SELECT sid FROM dropped_spaces')).toEqual([]);
    expect(all('SELECT text FROM chunks')).toEqual(['yellow a', 'blue one']);
    expect(all('SELECT sid FROM message_vectors')).toEqual([1]);
    left.close();
    const again = SqliteStore.open(folder.path('c.db'));
    expect(granted(await again.findKey(trimmed, bob.id, 'kept'))).toBe(1);
    await again.close();
  });

  test('a file of schema v3.sql keeps the summary, the audit log, and what was spent', async () => {
    const old = new Sqlite(folder.path('c.db'));
    old.exec(readFileSync(join(SCHEMAS, 'v3.sql'), 'utf8'));
    old.close();
    const store = SqliteStore.open(folder.path('c.db'));
    const summary = { fromSeq: 1, toSeq: 4, text: 'They said what they said.' };
    expect(granted(await store.readSummary(ONE))).toMatchObject(summary);
    const [newest, before] = granted(await store.audit.page({ limit: 9 }));
    expect([newest?.action, before?.target]).toEqual(['signin.refused', '2']);
    expect(granted(await store.ledger.spent(20_486, ['participant:p_ann' as Account]))).toEqual([
      { inputTokens: 120, outputTokens: 30, cost: 5_000 },
    ]);
    const entry = { ...newest, at: 1_770_000_000_132 } as StoredAuditEntry;
    granted(await store.audit.add([entry]));
    const [added] = granted(await store.audit.page({ limit: 1 }));
    expect(added?.place).toBeGreaterThan(newest?.place ?? 0);
    await store.close();
  });

  test('a step that fails leaves the file as it was', () => {
    const db = new Sqlite(folder.path('c.db'));
    migrate(db);
    const before = schemaOf(db);
    const broken = [...MIGRATIONS, 'CREATE TABLE halfway (a); CREATE TABLE log (b);'];
    expect(() => migrate(db, broken)).toThrow(/already exists/);
    expect(schemaOf(db)).toEqual(before);
    expect(db.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length);
    db.close();
  });
});
