import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { type ConversationId, conversationId } from '../../src/domain/ids.ts';
import { migrate } from '../../storage/sqlite/migrations.ts';
import { placesOfPacked } from '../../storage/sqlite/packed-rows.ts';
import { encodeRecords, keyHashAt, PLACE_EVENTS, rowAt } from '../../storage/sqlite/places.ts';
import { planOf } from '../../storage/sqlite/plan.ts';
import { openTables } from '../../storage/sqlite/tables.ts';
import { Writer } from '../../storage/sqlite/writer.ts';
import { event, granted, message, ONE, state } from '../contract/fixtures.ts';

const TWO = conversationId('two');

function opened() {
  const db = new Sqlite(':memory:');
  migrate(db);
  const tables = openTables(db);
  const writer = new Writer(tables);
  const create = (id: ConversationId) => {
    const made = state();
    const conversation = { ...made.conversation, id };
    granted(writer.create({ ...made, conversation }, [], []));
  };
  create(ONE);
  create(TWO);
  const say = (id: ConversationId, from: number, to: number) => {
    const events = Array.from({ length: to - from + 1 }, (_, at) => {
      const seq = from + at;
      if (seq % 7 === 0) return event(seq, 'message.deleted', { body: { target_seq: 1 } });
      return message(seq, seq % 3 === 0 ? {} : { key: `k${seq}` });
    });
    granted(writer.append({ id, expectedHead: from - 1, events, effects: [] }, []));
  };
  return { db, tables, writer, say };
}

describe('a place', () => {
  test('keeps row, hash and kind, whatever their size', () => {
    const rows = [1, 255, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 7, 2 ** 48 - 1];
    const hashes = [0, 1, 2 ** 31, 2 ** 32 - 1, 5, 2 ** 31 - 1, 9];
    const place = {
      firstSeq: 1,
      records: encodeRecords(rows.length, (index) => ({
        row: rows[index] ?? 0,
        keyHash: hashes[index] ?? 0,
        kind: index,
      })),
    };
    expect(rows.map((_, index) => rowAt(place, index))).toEqual(rows);
    expect(hashes.map((_, index) => keyHashAt(place, index))).toEqual(hashes);
    expect([...place.records].filter((_, at) => at % 11 === 10)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });
});

describe('the rows that memory has of a segment', () => {
  test('lead to the very places that the log leads to', () => {
    const { db, tables, writer, say } = opened();
    say(TWO, 1, 40);
    say(ONE, 1, PLACE_EVENTS - 1);
    say(TWO, 41, 41);
    say(ONE, PLACE_EVENTS, PLACE_EVENTS + 5);
    const { log, places, keys, pending } = tables;
    const plan = planOf({ log, places, hash: keys.hash, lastRow: writer.lastRow });
    pending.freeze();
    const pack = pending.packFrozen();
    expect(pack).toBeDefined();
    if (pack !== undefined) expect(placesOfPacked(pack)).toEqual(plan.take(100));
    db.close();
  });

  test('are found by seq, and are what they were when a batch is taken back', () => {
    const { db, tables, writer, say } = opened();
    const { pending, directory } = tables;
    const rowsOf = (id: ConversationId) => {
      const { cid, head } = directory.find(id) ?? { cid: 0, head: 0 };
      return Array.from({ length: head + 2 }, (_, seq) => pending.rowOf(cid, seq));
    };
    const hashesOf = (id: ConversationId) => [...pending.keyHashes(directory.find(id)?.cid ?? 0)];
    say(ONE, 1, 2);
    say(TWO, 1, 3);
    say(ONE, 3, 4);
    const before = [rowsOf(ONE), rowsOf(TWO), hashesOf(ONE), pending.totalRows];
    expect(before.slice(0, 2)).toEqual([
      [undefined, 1, 2, 6, 7, undefined],
      [undefined, 3, 4, 5, undefined],
    ]);
    const undo: (() => void)[] = [];
    for (const [id, seq] of [
      [TWO, 4],
      [ONE, 5],
      [TWO, 5],
      [TWO, 6],
    ] as const) {
      const events = [message(seq, { key: `again ${seq}` })];
      granted(writer.append({ id, expectedHead: seq - 1, events, effects: [] }, undo));
    }
    expect(rowsOf(TWO).slice(3)).toEqual([5, 8, 10, 11, undefined]);
    for (const takeBack of undo.reverse()) takeBack();
    expect([rowsOf(ONE), rowsOf(TWO), hashesOf(ONE), pending.totalRows]).toEqual(before);
    pending.freeze();
    say(ONE, 5, 5);
    expect(rowsOf(ONE)).toEqual([undefined, 1, 2, 6, 7, 12, undefined]);
    expect(hashesOf(ONE).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    db.close();
  });

  test('are not taken for all there is when a conversation was removed, or a transaction taken back', () => {
    for (const spoil of ['remove', 'doubt'] as const) {
      const { db, tables, writer, say } = opened();
      say(ONE, 1, 5);
      say(TWO, 1, 5);
      if (spoil === 'remove') granted(writer.remove(TWO, []));
      else tables.pending.doubt();
      tables.pending.freeze();
      expect(tables.pending.packFrozen()).toBeUndefined();
      tables.pending.dropFrozen();
      say(ONE, 6, 9);
      tables.pending.freeze();
      expect(tables.pending.packFrozen()?.rows).toHaveLength(4);
      db.close();
    }
  });
});
