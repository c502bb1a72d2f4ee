import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { KeyIndex, keyHashOf } from '../../storage/sqlite/key-index.ts';
import { Keys } from '../../storage/sqlite/keys.ts';
import { migrate } from '../../storage/sqlite/migrations.ts';
import { encodeRecords, PLACE_EVENTS } from '../../storage/sqlite/places.ts';
import { openTables } from '../../storage/sqlite/tables.ts';
import { Writer } from '../../storage/sqlite/writer.ts';
import { ann, bob, granted, message, ONE, refusal, state } from '../contract/fixtures.ts';

describe('keys by their hash', () => {
  test('keys of one hash are told apart by what the log says', () => {
    const db = new Sqlite(':memory:');
    migrate(db);
    const opened = openTables(db);
    const tables = { ...opened, keys: new Keys(() => 7, opened) };
    const writer = new Writer(tables);
    const append = (events: ReturnType<typeof message>[]) =>
      writer.append({ id: ONE, expectedHead: (events[0]?.seq ?? 1) - 1, events, effects: [] }, []);
    granted(writer.create(state(), [], []));
    granted(append([message(1, { key: 'a' }), message(2, { key: 'b' })]));
    granted(append([message(3, { key: 'a', from: bob }), message(4)]));
    expect(refusal(append([message(5, { key: 'c' }), message(6, { key: 'b' })]))).toEqual({
      reason: 'keys_taken',
      taken: [{ index: 1, seq: 2 }],
    });
    expect(refusal(append([message(5, { key: 'c' }), message(6, { key: 'c' })]))).toEqual({
      reason: 'keys_taken',
      taken: [{ index: 1, seq: 5 }],
    });
    granted(append([message(5, { key: 'c' })]));
    const { keys } = tables;
    expect(keys.seqOf(1, ann.id, 'c')).toBe(5);
    expect(keys.seqOf(1, bob.id, 'a')).toBe(3);
    expect(keys.seqOf(1, bob.id, 'b')).toBeUndefined();
    db.close();
  });

  test('a conversation with more keys than all indexes may take keeps its own', () => {
    const db = new Sqlite(':memory:');
    migrate(db);
    const keys = new Keys(() => 7, openTables(db));
    let index = keys.of(1);
    for (let seq = 1; index.bytes <= 32 * 2 ** 20; seq += 1) {
      index = keys.add(1, index, { hash: Math.imul(seq, 0x9e3779b1) >>> 0 || 1, seq });
    }
    expect(keys.of(1)).toBe(index);
    keys.forget(1);
    expect(keys.of(1)).not.toBe(index);
    db.close();
  });

  test('an index takes no room for events without a key', () => {
    const db = new Sqlite(':memory:');
    migrate(db);
    const tables = openTables(db);
    const records = (keyHash: number) =>
      encodeRecords(PLACE_EVENTS, (index) => ({ row: index + 1, keyHash, kind: 1 }));
    tables.places.insert(1, { firstSeq: 1, records: records(0) });
    tables.places.insert(2, { firstSeq: 1, records: records(7) });
    expect(tables.keys.of(1).bytes).toBe(new KeyIndex().bytes);
    expect(tables.keys.of(2).bytes).toBe(new KeyIndex(PLACE_EVENTS).bytes);
    db.close();
  });

  test('an index that grows keeps all of its keys', () => {
    let index = new KeyIndex();
    for (let seq = 1; seq <= 5_000; seq += 1) {
      if (index.isFull) index = index.grown();
      index.add(1 + (seq % 1_000), seq);
    }
    for (let seq = 1; seq <= 5_000; seq += 1) {
      expect(index.find(1 + (seq % 1_000), (found) => found === seq)).toBe(seq);
    }
    expect(index.find(3, () => false)).toBeUndefined();
    expect(index.find(77_777, () => true)).toBeUndefined();
  });

  test('an index finds seqs that need more than 32 bits', () => {
    const seqs = [5, 2 ** 32, 2 ** 32 + 5, 3 * 2 ** 32 + 5, 2 ** 52 - 1];
    let index = new KeyIndex(1);
    for (const seq of seqs) {
      if (index.isFull) index = index.grown();
      index.add(0xffff_fff7, seq);
    }
    for (let more = 0; more < 200; more += 1) {
      if (index.isFull) index = index.grown();
      index.add(1 + more, 6);
    }
    for (const seq of seqs.slice(0, -1)) {
      expect(index.find(0xffff_fff7, (found) => found === seq)).toBe(seq);
    }
    expect(index.has(0xffff_fff7)).toBe(true);
    expect(index.has(0xffff_fff8)).toBe(false);
  });

  test('an index that is made for so many keys has room for them', () => {
    for (const keys of [0, 1, 5, 6, 85, 86, 1_000]) {
      const index = new KeyIndex(keys);
      for (let seq = 1; seq <= keys; seq += 1) {
        expect(index.isFull).toBe(false);
        index.add(seq, seq);
      }
      for (let seq = 1; seq <= keys; seq += 1) expect(index.has(seq)).toBe(true);
    }
  });

  test('the hash depends on the secret, the sender, the key and where one ends; and is never 0', () => {
    const hash = keyHashOf(Uint8Array.from({ length: 12 }, (_, at) => at * 17));
    const other = keyHashOf(Uint8Array.from({ length: 12 }, (_, at) => at * 19));
    const all = [
      hash('p_ann', 'key'),
      hash('p_annk', 'ey'),
      hash('p_bob', 'key'),
      hash('p_ann', 'key2'),
      other('p_ann', 'key'),
    ];
    expect(new Set(all).size).toBe(all.length);
    const many = new Set<number>();
    for (let at = 0; at < 20_000; at += 1) many.add(hash('p_ann', `key-${at}`));
    expect(many.has(0)).toBe(false);
    expect(many.size).toBeGreaterThan(19_990);
  });
});
