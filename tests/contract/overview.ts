import { describe, expect, test } from 'vitest';
import { conversationId } from '../../src/domain/ids.ts';
import { ann, appended, granted, made, messages, ONE, turn } from './fixtures.ts';
import type { Subject } from './store.ts';

export function overview(subject: Subject): void {
  describe('every conversation there is', () => {
    test('is listed by id, in pages, in the order of character codes, whoever is in it', async () => {
      const { store } = subject;
      const ids = ['c_b', 'c_B', 'c_a_', 'c_aB', 'c_a', 'c_~', 'C'];
      for (const [index, id] of ids.entries())
        await made(store, [], { id, ...(index % 2 === 0 ? {} : { members: [] }) });
      const sorted = ['C', 'c_B', 'c_a', 'c_aB', 'c_a_', 'c_b', 'c_~'];
      const page = async (given: { afterId?: string; limit: number }) => {
        const { afterId, limit } = given;
        const after = afterId === undefined ? {} : { afterId: conversationId(afterId) };
        return granted(await store.listAll({ ...after, limit }));
      };
      expect(await page({ limit: 100 })).toEqual(sorted);
      expect(await page({ limit: 3 })).toEqual(sorted.slice(0, 3));
      expect(await page({ afterId: 'c_a', limit: 3 })).toEqual(sorted.slice(3, 6));
      expect(await page({ afterId: 'c_a0', limit: 1 })).toEqual(['c_aB']);
      expect(await page({ afterId: 'c_~', limit: 3 })).toEqual([]);
      granted(await store.remove(conversationId('c_a')));
      expect(await page({ limit: 100 })).toEqual(sorted.filter((id) => id !== 'c_a'));
      const listed = granted(await store.listConversations(ann.id, { limit: 100 }));
      expect(listed.map(({ id }) => id)).toEqual(['C', 'c_a_', 'c_b']);
    });
  });

  describe('heads', () => {
    test('tell where the logs stand, of those that are there', async () => {
      const { store } = subject;
      const one = await made(store, messages(1, 3));
      const two = await made(store, [], { id: 'c_two', epoch: 'e_two' });
      const none = conversationId('c_none');
      const heads = async () => [...granted(await store.heads([two, none, one]))].sort();
      expect(await heads()).toEqual([
        [one, { epoch: 'e_first', firstSeq: 1, headSeq: 3 }],
        [two, { epoch: 'e_two', firstSeq: 1, headSeq: 0 }],
      ]);
      await appended(store, messages(4, 9), { effects: [{ kind: 'trimmed', firstSeq: 6 }] });
      granted(await store.remove(two));
      expect(await heads()).toEqual([[one, { epoch: 'e_first', firstSeq: 6, headSeq: 9 }]]);
      await made(store, messages(1, 1), { id: 'c_two', epoch: 'e_again' });
      expect(await heads()).toEqual([
        [one, { epoch: 'e_first', firstSeq: 6, headSeq: 9 }],
        [two, { epoch: 'e_again', firstSeq: 1, headSeq: 1 }],
      ]);
    });

    test('of none, and of many at once', async () => {
      const { store } = subject;
      expect(granted(await store.heads([])).size).toBe(0);
      const ids = Array.from({ length: 1_000 }, (_, index) => conversationId(`c_${index}`));
      for (const id of ids.slice(0, 20)) await made(store, messages(1, 2), { id });
      const heads = granted(await store.heads(ids));
      expect([...heads.keys()].sort()).toEqual(ids.slice(0, 20).sort());
      expect([...heads.values()].every(({ headSeq }) => headSeq === 2)).toBe(true);
    });
  });

  describe('the turns of a conversation', () => {
    test('come in the order they were first stored, in pages, ended or not', async () => {
      const { store } = subject;
      await made(store, messages(1, 1));
      const other = await made(store, messages(1, 1), { id: 'c_other' });
      const given = ['z', 'm', 'a', 'k', 'b'].map((name) => turn(name));
      for (const one of given)
        await appended(store, [], { expectedHead: 1, effects: [{ kind: 'turn', turn: one }] });
      const elsewhere = turn('c', { conversationId: other });
      await appended(store, [], {
        id: other,
        expectedHead: 1,
        effects: [{ kind: 'turn', turn: elsewhere }],
      });
      const ended = turn('m', { state: 'completed', endedAt: 5 });
      await appended(store, [], { expectedHead: 1, effects: [{ kind: 'turn', turn: ended }] });
      const page = async (limit: number, afterId?: ReturnType<typeof turn>) =>
        granted(
          await subject.store.readTurns(ONE, {
            limit,
            ...(afterId === undefined ? {} : { afterId: afterId.id }),
          }),
        );
      const all = given.map((one) => (one.id === ended.id ? ended : one));
      const check = async () => {
        expect(await page(100)).toEqual(all);
        expect(await page(2)).toEqual(all.slice(0, 2));
        expect(await page(2, turn('m'))).toEqual(all.slice(2, 4));
        expect(await page(9, turn('b'))).toEqual([]);
      };
      await check();
      await subject.reopen();
      if (subject.backend.persists) await check();
      expect(
        granted(await subject.store.readTurns(conversationId('c_none'), { limit: 9 })),
      ).toEqual([]);
    });
  });
}
