import { describe, expect, test } from 'vitest';
import type { EventBodies, LogEvent } from '../../src/domain/event.ts';
import { termsOf } from '../../src/text/terms.ts';
import type { Store } from '../../storage/store.ts';
import type { Space } from '../../storage/vector-spaces.ts';
import { SPACE } from './document-fixtures.ts';
import {
  appended,
  bob,
  deletion,
  edit,
  event,
  granted,
  made,
  member,
  message,
  messages,
  ONE,
} from './fixtures.ts';
import type { Subject } from './store.ts';

/** Brings the index level with the log, in steps of `limit` events; how many it took. */
export async function levelled(store: Store, limit = 100, id = ONE): Promise<number> {
  for (let steps = 1; steps <= 100; steps += 1) {
    if (granted(await store.index.level(id, limit))) return steps;
  }
  throw new Error('never level');
}

/** The seqs of the messages that have any of the words, best first. */
export async function withWords(store: Store, words: string, limit = 100): Promise<number[]> {
  const terms = [...new Set(termsOf(words))];
  return granted(await store.index.byTerms(ONE, { terms, limit })).map(({ seq }) => seq);
}

/** The seqs of the messages with vectors, nearest first. */
export async function nearest(
  store: Store,
  vector: Float32Array,
  { space = SPACE, limit = 100 }: { readonly space?: Space; readonly limit?: number } = {},
): Promise<number[]> {
  return granted(await store.index.byVector(ONE, { space, vector, limit })).map(({ seq }) => seq);
}

/** Appends an edit of the message, with its effect. */
export function edited(store: Store, event: LogEvent) {
  const { target_seq: targetSeq } = JSON.parse(event.body) as EventBodies['message.edited'];
  return appended(store, [event], { effects: [{ kind: 'edited', targetSeq, seq: event.seq }] });
}

/** Appends the deletion of the message, with its effect. */
export function deleted(store: Store, seq: number, targetSeq: number) {
  return appended(store, [deletion(seq, targetSeq)], { effects: [{ kind: 'erased', targetSeq }] });
}

export function trimmedTo(store: Store, firstSeq: number, expectedHead: number) {
  return appended(store, [], { expectedHead, effects: [{ kind: 'trimmed', firstSeq }] });
}

export function messageIndex(subject: Subject): void {
  const say = (seq: number, content: string) => message(seq, { content });

  describe('the index of messages', () => {
    test('finds what `level` took in, by any of the terms, the best first', async () => {
      const { store } = subject;
      await made(store, [say(1, 'A zebra'), say(2, 'Nothing'), say(3, 'A zebra and a giraffe')]);
      await appended(store, [say(4, 'Giraffes'), say(5, 'Two lions')]);
      expect(await withWords(store, 'zebra')).toEqual([]);
      await levelled(store);
      expect((await withWords(store, 'zebra')).sort()).toEqual([1, 3]);
      expect((await withWords(store, 'giraffe lion')).sort()).toEqual([3, 4, 5]);
      expect((await withWords(store, 'zebra giraffe'))[0]).toBe(3);
      expect(await withWords(store, 'zebra giraffe', 1)).toEqual([3]);
      expect(await withWords(store, 'elephant')).toEqual([]);
      expect(await withWords(store, '')).toEqual([]);
      const found = granted(await store.index.byTerms(ONE, { terms: ['zebra'], limit: 9 }));
      const scores = found.map(({ score }) => score);
      expect(scores).toEqual([...scores].sort((a, b) => b - a));
    });

    test('goes level in steps of so many events, oldest first', async () => {
      const { store } = subject;
      await made(store, messages(1, 4));
      await appended(store, messages(5, 10));
      expect(granted(await store.index.level(ONE, 3))).toBe(false);
      expect((await withWords(store, '3 4')).sort()).toEqual([3]);
      expect(granted(await store.index.level(ONE, 3))).toBe(false);
      expect(granted(await store.index.level(ONE, 3))).toBe(false);
      expect((await withWords(store, '9 10')).sort()).toEqual([9]);
      expect(granted(await store.index.level(ONE, 3))).toBe(true);
      expect(await withWords(store, '10')).toEqual([10]);
      expect(granted(await store.index.level(ONE, 3))).toBe(true);
      await appended(store, messages(11, 13));
      expect(await withWords(store, '12')).toEqual([]);
      expect(granted(await store.index.level(ONE, 3))).toBe(true);
      expect(await withWords(store, '12')).toEqual([12]);
    });

    test('is level at once for a conversation that is empty, or not there', async () => {
      const { store } = subject;
      expect(granted(await store.index.level(ONE, 1))).toBe(true);
      expect(await withWords(store, 'message')).toEqual([]);
      await made(store);
      expect(granted(await store.index.level(ONE, 1))).toBe(true);
      await appended(store, messages(1, 1));
      await levelled(store);
      expect(await withWords(store, 'message')).toEqual([1]);
    });

    test('is level after many small steps as after a large one', async () => {
      const { store } = subject;
      await made(store, messages(1, 50));
      for (let from = 51; from <= 300; from += 50) await appended(store, messages(from, from + 49));
      await edited(store, edit(301, 7, 'zebra'));
      expect(await levelled(store, 31)).toBe(10);
      expect(await withWords(store, 'message', 1_000)).toHaveLength(299);
      expect(await withWords(store, 'zebra')).toEqual([7]);
    });

    test('has messages only: what else happens is not found', async () => {
      const { store } = subject;
      const participant = member({ ...bob, name: 'zebra' });
      await made(store, [
        event(1, 'participant.joined', { body: { participant }, from: participant }),
        event(2, 'conversation.updated', { body: { changes: { title: 'zebra' } } }),
        event(3, 'message', {
          body: { content: 'lion', metadata: { zebra: 'zebra' } },
          from: participant,
          key: 'zebra',
        }),
      ]);
      await levelled(store);
      expect(await withWords(store, 'zebra')).toEqual([]);
      expect(await withWords(store, 'lion')).toEqual([3]);
    });

    test('keeps conversations apart', async () => {
      const { store } = subject;
      await made(store, [say(1, 'zebra'), say(2, 'lion')]);
      const other = await made(store, [say(1, 'lion'), say(2, 'zebra')], { id: 'c_other' });
      await levelled(store);
      await levelled(store, 100, other);
      expect(await withWords(store, 'zebra')).toEqual([1]);
    });

    test('is there after a start, or made anew from the log', async () => {
      await made(subject.store, [say(1, 'zebra'), say(2, 'lion')]);
      await levelled(subject.store, 1);
      await edited(subject.store, edit(3, 1, 'giraffe'));
      await subject.reopen();
      if (!subject.backend.persists) return;
      await levelled(subject.store);
      expect(await withWords(subject.store, 'zebra')).toEqual([]);
      expect(await withWords(subject.store, 'giraffe')).toEqual([1]);
      expect(await withWords(subject.store, 'lion')).toEqual([2]);
    });
  });

  describe('the index of messages that change', () => {
    test('has the newest edit of a message, and not its older texts', async () => {
      const { store } = subject;
      await made(store, [say(1, 'zebra'), say(2, 'lion')]);
      await edited(store, edit(3, 1, 'giraffe'));
      await edited(store, edit(4, 1, 'elephant'));
      await levelled(store);
      expect(await withWords(store, 'zebra giraffe')).toEqual([]);
      expect(await withWords(store, 'elephant')).toEqual([1]);
      await edited(store, edit(5, 1, 'zebra again'));
      expect(await withWords(store, 'again')).toEqual([]);
      await levelled(store);
      expect(await withWords(store, 'elephant')).toEqual([]);
      expect(await withWords(store, 'zebra')).toEqual([1]);
      await edited(store, edit(6, 2, 'ant'));
      await edited(store, edit(7, 2, 'bee'));
      await levelled(store, 1);
      expect(await withWords(store, 'lion ant')).toEqual([]);
      expect(await withWords(store, 'bee')).toEqual([2]);
    });

    test('loses a deleted message at once, and for ever', async () => {
      const { store } = subject;
      await made(store, [say(1, 'zebra'), say(2, 'zebra')]);
      await edited(store, edit(3, 1, 'zebra giraffe'));
      await levelled(store);
      await deleted(store, 4, 1);
      expect(await withWords(store, 'zebra giraffe')).toEqual([2]);
      await levelled(store);
      expect(await withWords(store, 'zebra giraffe')).toEqual([2]);
      await subject.reopen();
      await levelled(subject.store);
      expect(await withWords(subject.store, 'giraffe')).toEqual([]);
    });

    test('never takes in what was deleted before it came there', async () => {
      const { store } = subject;
      await made(store, [say(1, 'zebra'), say(2, 'lion'), say(3, 'zebra')]);
      await edited(store, edit(4, 1, 'giraffe'));
      await levelled(store, 2);
      await appended(store, [say(5, 'zebra'), deletion(6, 5), deletion(7, 3)], {
        effects: [
          { kind: 'erased', targetSeq: 5 },
          { kind: 'erased', targetSeq: 3 },
        ],
      });
      await deleted(store, 8, 1);
      await levelled(store, 2);
      expect(await withWords(store, 'zebra giraffe')).toEqual([]);
      expect(await withWords(store, 'lion')).toEqual([2]);
    });

    test('an edit of a deleted message brings nothing back', async () => {
      const { store } = subject;
      await made(store, [say(1, 'zebra')]);
      await deleted(store, 2, 1);
      await edited(store, edit(3, 1, 'giraffe'));
      await levelled(store);
      expect(await withWords(store, 'zebra giraffe')).toEqual([]);
    });

    test('a deletion while it goes level leaves nothing behind', async () => {
      const { store } = subject;
      await made(store, [say(1, 'zebra'), ...messages(2, 60)]);
      await Promise.all([
        store.index.level(ONE, 10),
        store.index.level(ONE, 100),
        deleted(store, 61, 1),
        store.index.level(ONE, 100),
        store.index.level(ONE, 1),
      ]);
      expect(await withWords(store, 'zebra')).toEqual([]);
      await levelled(store);
      expect(await withWords(store, 'zebra')).toEqual([]);
      expect(await withWords(store, '60')).toEqual([60]);
    });

    test('loses what was trimmed at once, and begins where the log does', async () => {
      const { store } = subject;
      await made(store, [say(1, 'zebra'), say(2, 'zebra'), say(3, 'zebra'), say(4, 'lion')]);
      await edited(store, edit(5, 1, 'zebra giraffe'));
      await levelled(store);
      await trimmedTo(store, 3, 5);
      expect(await withWords(store, 'zebra giraffe lion')).toHaveLength(2);
      expect((await withWords(store, 'zebra giraffe lion')).sort()).toEqual([3, 4]);
      await levelled(store);
      expect((await withWords(store, 'zebra giraffe lion')).sort()).toEqual([3, 4]);
      await trimmedTo(store, 6, 5);
      expect(await withWords(store, 'zebra giraffe lion')).toEqual([]);
      expect(granted(await store.index.level(ONE, 1))).toBe(true);
      await appended(store, [say(6, 'zebra')]);
      await levelled(store);
      expect(await withWords(store, 'zebra giraffe lion')).toEqual([6]);
    });

    test('goes level on a log that was trimmed beyond its mark', async () => {
      const { store } = subject;
      await made(store, messages(1, 20));
      granted(await store.index.level(ONE, 2));
      await trimmedTo(store, 11, 20);
      expect(await withWords(store, 'message')).toEqual([]);
      expect(await levelled(store, 5)).toBe(2);
      expect(await withWords(store, 'message')).toHaveLength(10);
      await trimmedTo(store, 21, 20);
      await edited(store, edit(21, 15, 'zebra'));
      await levelled(store);
      expect(await withWords(store, 'message zebra')).toEqual([]);
    });

    test('of a conversation that was removed is gone, and its next life has its own', async () => {
      const { store } = subject;
      await made(store, [say(1, 'zebra'), say(2, 'giraffe')]);
      await levelled(store);
      granted(await store.remove(ONE));
      expect(await withWords(store, 'zebra giraffe')).toEqual([]);
      expect(granted(await store.index.level(ONE, 9))).toBe(true);
      await made(store, [say(1, 'lion'), say(2, 'ant')], { epoch: 'e_second' });
      expect(await withWords(store, 'zebra giraffe lion ant')).toEqual([]);
      await levelled(store);
      expect(await withWords(store, 'zebra giraffe')).toEqual([]);
      expect(await withWords(store, 'lion')).toEqual([1]);
    });
  });
}
