import { describe, expect, test } from 'vitest';
import {
  ann,
  append,
  appended,
  bob,
  headOf,
  keyOf,
  made,
  message,
  messages,
  refusal,
  wholeLog,
} from './fixtures.ts';
import type { Subject } from './store.ts';

export function keys(subject: Subject): void {
  describe('idempotency keys', () => {
    test('finds the seq a sender stored with a key, among created and appended events', async () => {
      const { store } = subject;
      await made(store, [message(1, { key: 'a' })]);
      await appended(store, [message(2), message(3, { key: 'b' })]);
      expect(await keyOf(store, ann.id, 'a')).toBe(1);
      expect(await keyOf(store, ann.id, 'b')).toBe(3);
      expect(await keyOf(store, ann.id, 'c')).toBeUndefined();
      expect(await keyOf(store, bob.id, 'a')).toBeUndefined();
    });

    test('a key belongs to its sender: another may use the same', async () => {
      const { store } = subject;
      await made(store, [message(1, { key: 'same' })]);
      await appended(store, [message(2, { key: 'same', from: bob })]);
      expect(await keyOf(store, ann.id, 'same')).toBe(1);
      expect(await keyOf(store, bob.id, 'same')).toBe(2);
    });

    test('a key belongs to its conversation', async () => {
      const { store } = subject;
      await made(store, [message(1, { key: 'k' })], { id: 'c_other' });
      await made(store, [message(1, { key: 'k' })]);
      expect(await headOf(store)).toBe(1);
    });

    test('names every taken key with its index and seq, and writes nothing', async () => {
      const { store } = subject;
      await made(store, [message(1, { key: 'a' })]);
      await appended(store, [message(2, { key: 'b' }), message(3, { key: 'c', from: bob })]);
      const batch = [
        message(4, { key: 'new' }),
        message(5, { key: 'b' }),
        message(6),
        message(7, { key: 'c' }),
        message(8, { key: 'c', from: bob }),
        message(9, { key: 'a' }),
      ];
      expect(refusal(await append(store, { events: batch }))).toEqual({
        reason: 'keys_taken',
        taken: [
          { index: 1, seq: 2 },
          { index: 4, seq: 3 },
          { index: 5, seq: 1 },
        ],
      });
      expect(await headOf(store)).toBe(3);
      expect(await keyOf(store, ann.id, 'new')).toBeUndefined();
      expect(await wholeLog(store)).toHaveLength(3);
    });

    test('a key of a refused batch is free again', async () => {
      const { store } = subject;
      await made(store, [message(1, { key: 'a' })]);
      refusal(
        await append(store, { events: [message(2, { key: 'b' }), message(3, { key: 'a' })] }),
      );
      await appended(store, [message(2, { key: 'b' })]);
      expect(await keyOf(store, ann.id, 'b')).toBe(2);
    });

    test('a key that comes twice in a batch is named', async () => {
      const { store } = subject;
      await made(store);
      const events = [message(1, { key: 'a' }), message(2, { key: 'a' })];
      expect(refusal(await append(store, { events }))).toEqual({
        reason: 'keys_taken',
        taken: [{ index: 1, seq: 1 }],
      });
      expect(await headOf(store)).toBe(0);
    });

    test('a wrong head is told before taken keys', async () => {
      const { store } = subject;
      await made(store, [message(1, { key: 'a' })]);
      const events = [message(3, { key: 'a' })];
      expect(refusal(await append(store, { events })).reason).toBe('head_conflict');
    });

    test('a key stays taken however long the log grows', async () => {
      const { store } = subject;
      await made(store, [message(1, { key: 'old' })]);
      for (let from = 2; from < 800; from += 100) await appended(store, messages(from, from + 99));
      const head = (await headOf(store)) ?? 0;
      expect(await keyOf(store, ann.id, 'old')).toBe(1);
      expect(refusal(await append(store, { events: [message(head + 1, { key: 'old' })] }))).toEqual(
        {
          reason: 'keys_taken',
          taken: [{ index: 0, seq: 1 }],
        },
      );
    });
  });
}
