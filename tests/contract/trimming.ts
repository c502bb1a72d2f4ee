import { describe, expect, test } from 'vitest';
import type { Effect, Store } from '../../storage/store.ts';
import {
  ann,
  append,
  appended,
  bob,
  edit,
  granted,
  headOf,
  keyOf,
  made,
  message,
  messages,
  NOW,
  ONE,
  refusal,
  seqs,
  state,
  wholeLog,
} from './fixtures.ts';
import { deleted, edited, trimmedTo } from './message-index.ts';
import type { Subject } from './store.ts';

const SECRET = 'the secret';

export function trimming(subject: Subject): void {
  /** The log as every read tells it: where it begins, its seqs, its messages. */
  const told = async (store: Store = subject.store) => {
    const loaded = granted(await store.load(ONE))?.conversation;
    const [listed] = granted(await store.listConversations(ann.id, { limit: 1 }));
    const head = granted(await store.heads([ONE])).get(ONE);
    const edges = [loaded, listed, head].map((one) => [one?.firstSeq, one?.headSeq]);
    const log = seqs(await wholeLog(store));
    const forwards = granted(await store.readMessages(ONE, { limit: 1_000 }));
    const newest = granted(await store.readMessages(ONE, { beforeSeq: 9_999, limit: 1_000 }));
    const [first = 0, last = 0] = edges[0] ?? [];
    expect(edges).toEqual(edges.map(() => [first, last]));
    expect(log).toEqual(Array.from({ length: last - first + 1 }, (_, at) => first + at));
    expect(newest).toEqual(forwards);
    expect(forwards.every(({ event }) => event.seq >= first)).toBe(true);
    return { first, last };
  };

  describe('trimming', () => {
    test('moves the beginning of the log, and every read begins there', async () => {
      const { store } = subject;
      await made(store, messages(1, 10));
      await appended(store, messages(11, 20));
      expect(await told()).toEqual({ first: 1, last: 20 });
      await trimmedTo(store, 8, 20);
      expect(await told()).toEqual({ first: 8, last: 20 });
      expect(await wholeLog(store)).toEqual(messages(8, 20));
      const page = async (afterSeq: number, limit: number) =>
        seqs(granted(await store.readEvents(ONE, { afterSeq, limit })));
      expect(await page(0, 3)).toEqual([8, 9, 10]);
      expect(await page(5, 3)).toEqual([8, 9, 10]);
      expect(await page(7, 3)).toEqual([8, 9, 10]);
      expect(await page(8, 3)).toEqual([9, 10, 11]);
      expect(granted(await store.readEvents(ONE, { afterSeq: 0, limit: 9, maxChars: 1 }))).toEqual(
        messages(8, 8),
      );
      const found = async (given: { afterSeq?: number; beforeSeq?: number; limit: number }) =>
        granted(await store.readMessages(ONE, given)).map(({ event }) => event.seq);
      expect(await found({ limit: 2 })).toEqual([8, 9]);
      expect(await found({ afterSeq: 3, limit: 2 })).toEqual([8, 9]);
      expect(await found({ beforeSeq: 10, limit: 5 })).toEqual([8, 9]);
      expect(await found({ beforeSeq: 8, limit: 5 })).toEqual([]);
      expect(await found({ beforeSeq: 3, limit: 5 })).toEqual([]);
    });

    test('again and again, between appends, and together with them', async () => {
      const { store } = subject;
      await made(store, messages(1, 5));
      await trimmedTo(store, 3, 5);
      await appended(store, messages(6, 30));
      await trimmedTo(store, 4, 30);
      expect(await told()).toEqual({ first: 4, last: 30 });
      const effects = [{ kind: 'trimmed', firstSeq: 29 }] as const;
      await appended(store, messages(31, 33), { effects });
      expect(await told()).toEqual({ first: 29, last: 33 });
      await appended(store, messages(34, 35), { effects: [{ kind: 'trimmed', firstSeq: 35 }] });
      expect(await told()).toEqual({ first: 35, last: 35 });
      await appended(store, messages(36, 40));
      expect(await wholeLog(store)).toEqual(messages(35, 40));
    });

    test('to where the log begins already, or before it, changes nothing', async () => {
      const { store } = subject;
      await made(store, messages(1, 9));
      await trimmedTo(store, 5, 9);
      for (const firstSeq of [5, 4, 1, 0]) {
        await trimmedTo(store, firstSeq, 9);
        expect(await told()).toEqual({ first: 5, last: 9 });
      }
    });

    test('may leave an empty log, which goes on after its head', async () => {
      const { store } = subject;
      await made(store, messages(1, 7));
      await trimmedTo(store, 8, 7);
      expect(await told()).toEqual({ first: 8, last: 7 });
      if (subject.backend.persists) await subject.reopen();
      expect(await told()).toEqual({ first: 8, last: 7 });
      expect(refusal(await append(subject.store, { events: messages(1, 1) })).reason).toBe(
        'head_conflict',
      );
      await appended(subject.store, messages(8, 9));
      expect(await told()).toEqual({ first: 8, last: 9 });
      expect(await wholeLog(subject.store)).toEqual(messages(8, 9));
    });

    test('only on the expected head, and with all else of its batch, or not at all', async () => {
      const { store } = subject;
      await made(store, [message(1, { key: 'k' }), ...messages(2, 5)]);
      const effects = [{ kind: 'trimmed', firstSeq: 4 }] as const;
      expect(refusal(await append(store, { expectedHead: 4, effects })).reason).toBe(
        'head_conflict',
      );
      const twin = [message(6, { key: 'k' })];
      expect(refusal(await append(store, { events: twin, effects })).reason).toBe('keys_taken');
      expect(await told()).toEqual({ first: 1, last: 5 });
    });

    test('rejects to trim beyond the head: a bug of the caller', async () => {
      const { store } = subject;
      await made(store, messages(1, 5));
      const effects = [{ kind: 'trimmed', firstSeq: 8 }] as const;
      await expect(append(store, { events: messages(6, 6), effects })).rejects.toThrow();
      expect(await told()).toEqual({ first: 1, last: 5 });
    });

    test('leaves keys taken: they are found with their old seqs, and refused', async () => {
      const { store } = subject;
      await made(store, [message(1, { key: 'a' }), message(2, { key: 'b', from: bob })]);
      await appended(store, [message(3, { key: 'c' }), ...messages(4, 6)]);
      await trimmedTo(store, 6, 6);
      const check = async (of: Store) => {
        expect(await keyOf(of, ann.id, 'a')).toBe(1);
        expect(await keyOf(of, bob.id, 'b')).toBe(2);
        expect(await keyOf(of, ann.id, 'c')).toBe(3);
        expect(await keyOf(of, ann.id, 'b')).toBeUndefined();
        const head = (await headOf(of)) ?? 0;
        const events = [
          message(head + 1, { key: 'c' }),
          message(head + 2, { key: 'b' }),
          message(head + 3, { key: 'a' }),
          message(head + 4, { key: 'b', from: bob }),
        ];
        expect(refusal(await append(of, { events }))).toEqual({
          reason: 'keys_taken',
          taken: [
            { index: 0, seq: 3 },
            { index: 2, seq: 1 },
            { index: 3, seq: 2 },
          ],
        });
      };
      await check(store);
      await trimmedTo(store, 7, 6);
      await check(store);
      await appended(store, messages(7, 9));
      await check(store);
      if (!subject.backend.persists) return;
      await check(await subject.reopen());
    });

    test('far into a long log leaves what is left as it was, after a start, too', async () => {
      const { store } = subject;
      await made(store, [message(1, { key: 'first' })]);
      for (let from = 2; from < 900; from += 100) await appended(store, messages(from, from + 99));
      const head = (await headOf(store)) ?? 0;
      await trimmedTo(store, 850, head);
      await appended(store, messages(head + 1, head + 3));
      const left = messages(850, head + 3);
      expect(await wholeLog(store)).toEqual(left);
      expect(await wholeLog(store, ONE, 7)).toEqual(left);
      const opened = await subject.reopen();
      if (!subject.backend.persists) return;
      expect(await told()).toEqual({ first: 850, last: head + 3 });
      expect(await wholeLog(opened, ONE, 7)).toEqual(left);
      expect(await keyOf(opened, ann.id, 'first')).toBe(1);
    });

    test('leaves other conversations, members, settings and turns alone', async () => {
      const { store } = subject;
      const other = await made(store, messages(1, 9), { id: 'c_other' });
      await made(store, messages(1, 9));
      await trimmedTo(store, 7, 9);
      expect(await wholeLog(store, other)).toEqual(messages(1, 9));
      const { conversation, members } = state({ headSeq: 9 });
      expect(granted(await store.load(ONE))).toEqual({
        conversation: { ...conversation, firstSeq: 7 },
        members,
      });
    });

    test('a removed conversation may live again from 1, its old keys free', async () => {
      const { store } = subject;
      await made(store, [message(1, { key: 'k' }), ...messages(2, 9)]);
      await trimmedTo(store, 5, 9);
      granted(await store.remove(ONE));
      expect(await wholeLog(store)).toEqual([]);
      expect(await keyOf(store, ann.id, 'k')).toBeUndefined();
      await made(store, [message(1), message(2, { key: 'k' })], { epoch: 'e_second' });
      expect(await told()).toEqual({ first: 1, last: 2 });
      expect(await keyOf(store, ann.id, 'k')).toBe(2);
    });

    test('readers beside a writer that trims never see a gap', async () => {
      const { store } = subject;
      await made(store, messages(1, 2));
      let isWriting = true;
      const write = async () => {
        for (let from = 3; from <= 61; from += 2) {
          const effects: Effect[] = [{ kind: 'trimmed', firstSeq: from - 5 }];
          await appended(store, messages(from, from + 1), { effects });
        }
        isWriting = false;
      };
      const read = async () => {
        while (isWriting) {
          const page = granted(await store.readEvents(ONE, { afterSeq: 0, limit: 1_000 }));
          const [first] = page;
          expect(seqs(page)).toEqual(page.map((_, at) => (first?.seq ?? 0) + at));
          await new Promise(setImmediate);
        }
      };
      await Promise.all([write(), read(), read()]);
      expect(await told()).toEqual({ first: 56, last: 62 });
    });
  });

  describe('messages of a trimmed log', () => {
    test('stand as they stood: edited, deleted, and not', async () => {
      const { store } = subject;
      await made(store, messages(1, 8));
      await edited(store, edit(9, 2, 'edited 2'));
      await edited(store, edit(10, 5, 'edited 5'));
      await edited(store, edit(11, 5, 'edited 5 again'));
      await deleted(store, 12, 6);
      const stand = async () => granted(await subject.store.readMessages(ONE, { limit: 100 }));
      const before = await stand();
      await trimmedTo(store, 5, 12);
      expect(await stand()).toEqual(before.filter(({ event: { seq } }) => seq >= 5));
      expect((await stand())[0]).toMatchObject({
        event: { seq: 5 },
        body: { content: 'edited 5 again' },
        editedAt: NOW + 11,
      });
      await edited(store, edit(13, 7, 'edited 7'));
      await deleted(store, 14, 8);
      expect((await stand()).map(({ body: { content } }) => content)).toEqual([
        'edited 5 again',
        undefined,
        'edited 7',
        undefined,
      ]);
      await subject.reopen();
      if (subject.backend.persists) expect(await stand()).toHaveLength(4);
    });

    test('an edit of a message that was trimmed is an event, and brings nothing back', async () => {
      const { store } = subject;
      await made(store, messages(1, 6));
      await trimmedTo(store, 4, 6);
      await edited(store, edit(7, 2, 'too late'));
      expect(await told()).toEqual({ first: 4, last: 7 });
      expect((await wholeLog(store)).at(-1)).toEqual(edit(7, 2, 'too late'));
      const found = granted(await store.readMessages(ONE, { limit: 100 }));
      expect(found.map(({ event: { seq } }) => seq)).toEqual([4, 5, 6]);
    });

    test('erasing what was trimmed is harmless, and erases the edits that are left of it', async () => {
      const { store } = subject;
      await made(store, [...messages(1, 3), message(4, { content: SECRET })]);
      await edited(store, edit(5, 4, `${SECRET}, edited`));
      await edited(store, edit(6, 4, `${SECRET}, edited again`));
      await appended(store, messages(7, 8));
      await trimmedTo(store, 6, 8);
      await deleted(store, 9, 2);
      expect(await told()).toEqual({ first: 6, last: 9 });
      expect((await wholeLog(store))[0]).toEqual(edit(6, 4, `${SECRET}, edited again`));
      await deleted(store, 10, 4);
      const log = await wholeLog(store);
      expect(seqs(log)).toEqual([6, 7, 8, 9, 10]);
      expect(JSON.stringify(log)).not.toContain(SECRET);
      expect(log[1]).toEqual(message(7));
    });
  });

  describe('a log that begins later', () => {
    test('is created so, and goes on', async () => {
      const { store } = subject;
      const { conversation, members } = state({ headSeq: 12 });
      const given = { conversation: { ...conversation, firstSeq: 11 }, members };
      granted(await store.create(given, messages(11, 12)));
      expect(granted(await store.load(ONE))).toEqual(given);
      expect(await told()).toEqual({ first: 11, last: 12 });
      await appended(store, [message(13, { key: 'k' })]);
      expect(await keyOf(store, ann.id, 'k')).toBe(13);
      expect(await told()).toEqual({ first: 11, last: 13 });
      await trimmedTo(store, 13, 13);
      expect(await told()).toEqual({ first: 13, last: 13 });
    });

    test('is created so without events', async () => {
      const { store } = subject;
      const { conversation, members } = state({ headSeq: 12 });
      granted(await store.create({ conversation: { ...conversation, firstSeq: 13 }, members }, []));
      expect(await told()).toEqual({ first: 13, last: 12 });
      await appended(store, messages(13, 14));
      expect(await told()).toEqual({ first: 13, last: 14 });
    });
  });
}
