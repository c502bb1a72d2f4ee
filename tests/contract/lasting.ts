import { describe, expect, test } from 'vitest';
import { axis, document, idOfDocument, SPACE } from './document-fixtures.ts';
import {
  ann,
  append,
  appended,
  bob,
  deletion,
  edit,
  granted,
  headOf,
  keyOf,
  made,
  member,
  message,
  messages,
  ONE,
  refusal,
  state,
  turn,
  wholeLog,
} from './fixtures.ts';
import type { Subject } from './store.ts';

export function lasting(subject: Subject): void {
  describe('secrets', () => {
    test('are made once and stay the same', async () => {
      const { store } = subject;
      const first = granted(await store.secret('tokens', () => Uint8Array.of(1, 2, 0, 255)));
      expect([...first]).toEqual([1, 2, 0, 255]);
      first.fill(9);
      const again = granted(await store.secret('tokens', () => Uint8Array.of(7)));
      expect([...again]).toEqual([1, 2, 0, 255]);
      const other = granted(await store.secret('other', () => Uint8Array.of(7)));
      expect([...other]).toEqual([7]);
    });

    test('asked for twice at once, both get the same', async () => {
      const { store } = subject;
      const [a, b] = await Promise.all([
        store.secret('s', () => Uint8Array.of(1)),
        store.secret('s', () => Uint8Array.of(2)),
      ]);
      expect(granted(a)).toEqual(granted(b));
    });
  });

  describe('the end', () => {
    test('a probe answers while the store is open', async () => {
      expect(await subject.store.probe()).toEqual({ ok: true, value: undefined });
    });

    test('what was accepted before the close is stored and answered', async () => {
      const { store } = subject;
      await made(store);
      const last = append(store, { events: messages(1, 5) });
      await store.close();
      expect((await last).ok).toBe(true);
      if (subject.backend.persists) {
        expect(await wholeLog(await subject.reopen())).toEqual(messages(1, 5));
      }
    });

    test('a closed store answers storage_unavailable to everything, and closes twice', async () => {
      const { store } = subject;
      await made(store, messages(1, 1));
      await store.close();
      await store.close();
      const answers = await Promise.all([
        store.create(state({ id: 'c_new' }), []),
        store.load(ONE),
        append(store, { events: messages(2, 2) }),
        store.readEvents(ONE, { afterSeq: 0, limit: 1 }),
        store.readMessages(ONE, { limit: 1 }),
        store.findKey(ONE, ann.id, 'k'),
        store.listConversations(ann.id, { limit: 1 }),
        store.listAll({ limit: 1 }),
        store.heads([ONE]),
        store.remove(ONE),
        store.readTurns(ONE, { limit: 1 }),
        store.readTurn(ONE, turn('a').id),
        store.readOpenTurns(ONE),
        store.listConversationsWithOpenTurns(),
        store.secret('s', () => Uint8Array.of(1)),
        store.probe(),
        store.documents.add(document('a'), []),
        store.documents.read(idOfDocument('a')),
        store.documents.list({ limit: 1 }),
        store.documents.countOwned(ann.id),
        store.documents.readChunks(idOfDocument('a'), { limit: 1 }),
        store.documents.remove(idOfDocument('a')),
        store.documents.byTerms({ seenBy: ann.id, limit: 1, terms: ['word'] }),
        store.documents.byVector({ seenBy: ann.id, limit: 1, space: SPACE, vector: axis(0) }),
        store.documents.withoutVectors(SPACE, { limit: 1 }),
        store.documents.putVectors(SPACE, idOfDocument('a'), []),
        store.index.level(ONE, 1),
        store.index.byTerms(ONE, { terms: ['word'], limit: 1 }),
        store.index.byVector(ONE, { space: SPACE, vector: axis(0), limit: 1 }),
        store.index.withoutVector(ONE, SPACE, 1),
        store.index.putVectors(ONE, SPACE, []),
        store.spaces.list(),
        store.spaces.add(SPACE),
        store.spaces.use(SPACE),
      ]);
      for (const answer of answers) {
        expect(answer).toMatchObject({
          failure: { reason: 'storage_unavailable', outcome: 'none' },
        });
      }
    });
  });

  if (!subject.backend.persists) return;

  describe('opened again', () => {
    test('everything is there: log, keys, members, settings, edits, turns, secrets', async () => {
      const { store } = subject;
      await made(store, [message(1, { key: 'a' }), message(2)]);
      await appended(store, [edit(3, 1, 'better'), message(4, { key: 'b', from: bob })], {
        effects: [
          { kind: 'edited', targetSeq: 1, seq: 3 },
          { kind: 'member', member: member(bob) },
          { kind: 'turn', turn: turn('t') },
        ],
      });
      await appended(store, [deletion(5, 2)], { effects: [{ kind: 'erased', targetSeq: 2 }] });
      granted(await store.secret('s', () => Uint8Array.of(5)));
      const before = {
        state: granted(await store.load(ONE)),
        log: await wholeLog(store),
        messages: granted(await store.readMessages(ONE, { limit: 9 })),
      };

      const opened = await subject.reopen();
      expect(granted(await opened.load(ONE))).toEqual(before.state);
      expect(await wholeLog(opened)).toEqual(before.log);
      expect(granted(await opened.readMessages(ONE, { limit: 9 }))).toEqual(before.messages);
      expect(await keyOf(opened, bob.id, 'b')).toBe(4);
      expect(granted(await opened.readOpenTurns(ONE))).toEqual([turn('t')]);
      expect(granted(await opened.secret('s', () => Uint8Array.of(6)))).toEqual(Uint8Array.of(5));
      expect(granted(await opened.listConversations(bob.id, { limit: 5 }))).toHaveLength(1);
    });

    test('the log goes on where it was, and old keys are still taken', async () => {
      await made(subject.store, [message(1, { key: 'first' })]);
      for (const [from, to] of [
        [2, 5],
        [6, 6],
        [7, 30],
      ] as const) {
        await appended(subject.store, messages(from, to));
        const opened = await subject.reopen();
        expect(await headOf(opened)).toBe(to);
        const stale = await append(opened, { events: messages(to, to) });
        expect(refusal(stale).reason).toBe('head_conflict');
        const taken = await append(opened, { events: [message(to + 1, { key: 'first' })] });
        expect(refusal(taken).reason).toBe('keys_taken');
      }
      expect(await wholeLog(subject.store)).toEqual([
        message(1, { key: 'first' }),
        ...messages(2, 30),
      ]);
    });

    test('a removed conversation stays removed, and its id may be used again', async () => {
      await made(subject.store, messages(1, 9));
      granted(await subject.store.remove(ONE));
      const opened = await subject.reopen();
      expect(granted(await opened.load(ONE))).toBeUndefined();
      await made(opened, messages(1, 2), { epoch: 'e_second' });
      const again = await subject.reopen();
      expect(await wholeLog(again)).toEqual(messages(1, 2));
    });
  });
}
