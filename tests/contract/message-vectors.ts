import { describe, expect, test } from 'vitest';
import type { MessageVector } from '../../storage/message-index.ts';
import { axis, leaning, OTHER, SPACE } from './document-fixtures.ts';
import { appended, edit, granted, made, message, messages, ONE } from './fixtures.ts';
import { deleted, edited, levelled, nearest, trimmedTo, withWords } from './message-index.ts';
import type { Subject } from './store.ts';

export function messageVectors(subject: Subject): void {
  const missing = async (limit = 100, space = SPACE) =>
    granted(await subject.store.index.withoutVector(ONE, space, limit));
  const missingSeqs = async (limit?: number) => (await missing(limit)).map(({ seq }) => seq);
  const put = async (...vectors: MessageVector[]) =>
    granted(await subject.store.index.putVectors(ONE, SPACE, vectors));
  /** A vector that leans to the first axis the more the greater its seq. */
  const vectorOf = (seq: number, textSeq = seq): MessageVector => ({
    seq,
    textSeq,
    vector: leaning(seq / 100),
  });
  /** Messages 1 … count, level, the space there. */
  const ready = async (count: number) => {
    await made(subject.store, messages(1, count));
    granted(await subject.store.spaces.add(SPACE));
    await levelled(subject.store);
  };

  describe('vectors of messages', () => {
    test('those without one are told, the newest first, with the text they have now', async () => {
      await ready(5);
      await edited(subject.store, edit(6, 2, 'other text'));
      await levelled(subject.store);
      const first = await missing(3);
      expect(first).toEqual(
        [5, 4, 3].map((seq) => ({ seq, textSeq: seq, text: `message ${seq}` })),
      );
      await put(...[5, 4, 3].map((seq) => vectorOf(seq)));
      expect(await missing(3)).toEqual([
        { seq: 2, textSeq: 6, text: 'other text' },
        { seq: 1, textSeq: 1, text: 'message 1' },
      ]);
      await put(vectorOf(2, 6), vectorOf(1));
      expect(await missing()).toEqual([]);
      await appended(subject.store, messages(7, 7));
      expect(await missing()).toEqual([]);
      await levelled(subject.store);
      expect(await missingSeqs()).toEqual([7]);
    });

    test('nothing is missing of a conversation that is not indexed, or not there', async () => {
      expect(await missing()).toEqual([]);
      expect(await nearest(subject.store, axis(0))).toEqual([]);
      granted(await subject.store.spaces.add(SPACE));
      expect(await missing()).toEqual([]);
      await put(vectorOf(1));
      await made(subject.store, messages(1, 2));
      expect(await missing()).toEqual([]);
      await put(vectorOf(1));
      expect(await nearest(subject.store, axis(0))).toEqual([]);
      await levelled(subject.store);
      expect(await missingSeqs()).toEqual([2, 1]);
    });

    test('the nearest come first, with the cosine, as many as wanted', async () => {
      const { store } = subject;
      await ready(50);
      await put(...messages(1, 50).map(({ seq }) => vectorOf(seq)));
      const query = { space: SPACE, vector: axis(0) };
      const found = granted(await store.index.byVector(ONE, { ...query, limit: 3 }));
      expect(found.map(({ seq }) => seq)).toEqual([50, 49, 48]);
      for (const { seq, score } of found) expect(Math.abs(score - seq / 100)).toBeLessThan(1e-3);
      const all = granted(await store.index.byVector(ONE, { ...query, limit: 100 }));
      expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: 50 }, (_, at) => 50 - at));
    });

    test('are kept apart by conversation', async () => {
      const { store } = subject;
      await ready(2);
      const other = await made(store, messages(1, 2), { id: 'c_other' });
      await levelled(store, 100, other);
      granted(await store.index.putVectors(other, SPACE, [vectorOf(1)]));
      await put(vectorOf(2));
      expect(await nearest(store, axis(0))).toEqual([2]);
      expect(await missingSeqs()).toEqual([1]);
    });

    test('are kept apart by space', async () => {
      const { store } = subject;
      await ready(3);
      granted(await store.spaces.add(OTHER));
      const vector = axis(0, OTHER);
      granted(await store.index.putVectors(ONE, OTHER, [{ seq: 1, textSeq: 1, vector }]));
      await put(vectorOf(1), vectorOf(2));
      expect(await nearest(store, vector, { space: OTHER })).toEqual([1]);
      expect(await nearest(store, axis(0))).toEqual([2, 1]);
      const without = await missing(100, OTHER);
      expect(without.map(({ seq }) => seq)).toEqual([3, 2]);
    });

    test('are there after a start, as far as the index is', async () => {
      await ready(3);
      await put(vectorOf(3), vectorOf(1));
      await subject.reopen();
      if (!subject.backend.persists) return;
      await levelled(subject.store);
      await put(...(await missing()).map(({ seq, textSeq }) => vectorOf(seq, textSeq)));
      expect(await nearest(subject.store, axis(0))).toEqual([3, 2, 1]);
    });

    test('given again replace those before', async () => {
      await ready(2);
      await put(vectorOf(1), vectorOf(2));
      await put({ ...vectorOf(1), vector: axis(0) });
      expect(await nearest(subject.store, axis(0))).toEqual([1, 2]);
    });

    test('of a text that is no longer the message are not stored, and not found', async () => {
      await ready(2);
      const before = await missing();
      await edited(subject.store, edit(3, 1, 'another text'));
      await levelled(subject.store);
      await put(...before.map(({ seq, textSeq }) => vectorOf(seq, textSeq)));
      expect(await nearest(subject.store, axis(0))).toEqual([2]);
      expect(await missing()).toEqual([{ seq: 1, textSeq: 3, text: 'another text' }]);
      await put(vectorOf(1, 3));
      expect(await nearest(subject.store, axis(0))).toEqual([2, 1]);
      await edited(subject.store, edit(4, 1, 'a third'));
      await edited(subject.store, edit(5, 1, 'a fourth'));
      await levelled(subject.store);
      expect(await nearest(subject.store, axis(0))).toEqual([2]);
      await put(vectorOf(1, 4));
      expect(await missing()).toEqual([{ seq: 1, textSeq: 5, text: 'a fourth' }]);
    });

    test('of messages that are not there are not stored', async () => {
      await ready(2);
      await put(vectorOf(3), vectorOf(1), vectorOf(2, 1));
      expect(await nearest(subject.store, axis(0))).toEqual([1]);
      await appended(subject.store, messages(3, 3));
      await levelled(subject.store);
      expect(await nearest(subject.store, axis(0))).toEqual([1]);
      expect(await missingSeqs()).toEqual([3, 2]);
    });

    test('of a message that is deleted meanwhile are not stored, and never found', async () => {
      await ready(3);
      await put(vectorOf(1));
      const before = await missing();
      expect(before.map(({ seq }) => seq)).toEqual([3, 2]);
      await deleted(subject.store, 4, 3);
      await deleted(subject.store, 5, 1);
      expect(await nearest(subject.store, axis(0))).toEqual([]);
      expect(await missingSeqs()).toEqual([2]);
      await put(...before.map(({ seq, textSeq }) => vectorOf(seq, textSeq)));
      expect(await nearest(subject.store, axis(0))).toEqual([2]);
      await levelled(subject.store);
      expect(await nearest(subject.store, axis(0))).toEqual([2]);
      expect(await missing()).toEqual([]);
      await subject.reopen();
      await levelled(subject.store);
      expect(await nearest(subject.store, leaning(0.03))).not.toContain(3);
    });

    test('of a message that is deleted at the same time are not found', async () => {
      await ready(3);
      await Promise.all([
        put(vectorOf(1), vectorOf(2)),
        deleted(subject.store, 4, 1),
        put(vectorOf(1), vectorOf(2)),
        subject.store.index.level(ONE, 100),
      ]);
      await levelled(subject.store);
      expect(await nearest(subject.store, axis(0))).toEqual([2]);
    });

    test('of what was trimmed are gone, and not stored again', async () => {
      await ready(6);
      const before = await missing();
      await put(vectorOf(1), vectorOf(5));
      await trimmedTo(subject.store, 4, 6);
      expect(await nearest(subject.store, axis(0))).toEqual([5]);
      expect(await missingSeqs()).toEqual([6, 4]);
      await put(...before.map(({ seq, textSeq }) => vectorOf(seq, textSeq)));
      expect(await nearest(subject.store, axis(0))).toEqual([6, 5, 4]);
    });

    test('of a conversation that was removed are not in its next life', async () => {
      const { store } = subject;
      await ready(2);
      await put(vectorOf(1), vectorOf(2));
      granted(await store.remove(ONE));
      expect(await nearest(store, axis(0))).toEqual([]);
      await put(vectorOf(1));
      await made(store, [message(1, { content: 'another life' })], { epoch: 'e_second' });
      expect(await nearest(store, axis(0))).toEqual([]);
      await levelled(store);
      expect(await nearest(store, axis(0))).toEqual([]);
      expect(await missing()).toEqual([{ seq: 1, textSeq: 1, text: 'another life' }]);
      expect(await withWords(store, 'life')).toEqual([1]);
    });

    test('a space that is not there takes and finds nothing', async () => {
      const { store } = subject;
      await made(store, messages(1, 2));
      await levelled(store);
      await put(vectorOf(1));
      expect(await nearest(store, axis(0))).toEqual([]);
      granted(await store.spaces.add(SPACE));
      expect(await nearest(store, axis(0))).toEqual([]);
      expect(await missingSeqs()).toEqual([2, 1]);
    });

    test('rejects a vector of another length than the space has: a bug of the caller', async () => {
      const { store } = subject;
      await ready(1);
      const wrong = [{ seq: 1, textSeq: 1, vector: axis(0, OTHER) }];
      await expect(store.index.putVectors(ONE, SPACE, wrong)).rejects.toThrow();
      expect(await nearest(store, axis(0))).toEqual([]);
    });
  });
}
