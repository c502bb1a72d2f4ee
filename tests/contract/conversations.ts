import { describe, expect, test } from 'vitest';
import { conversationId } from '../../src/domain/ids.ts';
import {
  ann,
  append,
  appended,
  bob,
  granted,
  headOf,
  made,
  member,
  message,
  messages,
  ONE,
  refusal,
  state,
  wholeLog,
} from './fixtures.ts';
import type { Subject } from './store.ts';

export function conversations(subject: Subject): void {
  describe('conversations', () => {
    test('gives back what was created: settings, members, head', async () => {
      const { store } = subject;
      const given = state({ members: [member(ann, 'owner'), member(bob, 'observer')], headSeq: 2 });
      granted(await store.create(given, messages(1, 2)));
      expect(granted(await store.load(ONE))).toEqual(given);
      expect(await wholeLog(store)).toEqual(messages(1, 2));
    });

    test('makes a conversation without events', async () => {
      const { store } = subject;
      await made(store);
      expect(await headOf(store)).toBe(0);
      expect(await wholeLog(store)).toEqual([]);
      await appended(store, messages(1, 1));
      expect(await headOf(store)).toBe(1);
    });

    test('keeps a conversation without title, agent or creation key', async () => {
      const { store } = subject;
      const { conversation, members } = state();
      const bare = { ...conversation, title: null, agent: null, createdKey: null, metadata: {} };
      granted(await store.create({ conversation: bare, members }, []));
      expect(granted(await store.load(ONE))).toEqual({ conversation: bare, members });
    });

    test('refuses an id that is taken, and changes nothing', async () => {
      const { store } = subject;
      await made(store, messages(1, 3));
      const again = await store.create(state({ epoch: 'e_other', members: [] }), []);
      expect(refusal(again)).toEqual({ reason: 'already_exists' });
      expect(granted(await store.load(ONE))).toEqual(state({ headSeq: 3 }));
    });

    test('of two that create the same id at the same time, one succeeds', async () => {
      const { store } = subject;
      const results = await Promise.all([store.create(state(), []), store.create(state(), [])]);
      expect(results.filter(({ ok }) => ok)).toHaveLength(1);
    });

    test('says undefined, and empty pages, of a conversation that is not there', async () => {
      const { store } = subject;
      expect(granted(await store.load(ONE))).toBeUndefined();
      expect(await wholeLog(store)).toEqual([]);
      expect(granted(await store.readMessages(ONE, { limit: 5 }))).toEqual([]);
      expect(granted(await store.findKey(ONE, ann.id, 'k'))).toBeUndefined();
      expect(granted(await store.readOpenTurns(ONE))).toEqual([]);
      expect(granted(await store.remove(ONE))).toBe(false);
    });

    test('finds a conversation right after it said that there is none', async () => {
      const { store } = subject;
      expect(granted(await store.load(ONE))).toBeUndefined();
      await made(store, messages(1, 1));
      expect(await headOf(store)).toBe(1);
    });

    test('lists the conversations of a member by id, in pages', async () => {
      const { store } = subject;
      for (const id of ['c_b', 'c_d', 'c_a', 'c_c']) await made(store, messages(1, 1), { id });
      await made(store, [], { id: 'c_bobs', members: [member(bob, 'owner')] });
      const first = granted(await store.listConversations(ann.id, { limit: 3 }));
      expect(first.map(({ id }) => id)).toEqual(['c_a', 'c_b', 'c_c']);
      expect(first[0]).toEqual(state({ id: 'c_a', headSeq: 1 }).conversation);
      const afterId = conversationId('c_c');
      const rest = granted(await store.listConversations(ann.id, { afterId, limit: 3 }));
      expect(rest.map(({ id }) => id)).toEqual(['c_d']);
    });

    test('lists with the head as it is now, and without conversations that one left', async () => {
      const { store } = subject;
      const id = await made(store, messages(1, 1));
      await appended(store, messages(2, 4));
      const listed = async () => granted(await store.listConversations(ann.id, { limit: 9 }));
      expect((await listed()).map(({ headSeq }) => headSeq)).toEqual([4]);
      const effects = [{ kind: 'member_gone', participantId: ann.id }] as const;
      await appended(store, [message(5)], { id, effects });
      expect(await listed()).toEqual([]);
    });
  });

  describe('removing', () => {
    test('erases events, keys, members, messages and turns', async () => {
      const { store } = subject;
      await made(store, [message(1, { key: 'k' }), message(2)]);
      expect(granted(await store.remove(ONE))).toBe(true);
      expect(granted(await store.load(ONE))).toBeUndefined();
      expect(await wholeLog(store)).toEqual([]);
      expect(granted(await store.readMessages(ONE, { limit: 5 }))).toEqual([]);
      expect(granted(await store.findKey(ONE, ann.id, 'k'))).toBeUndefined();
      expect(granted(await store.listConversations(ann.id, { limit: 5 }))).toEqual([]);
      expect(granted(await store.remove(ONE))).toBe(false);
    });

    test('lets the id be used again, for a log that starts at 1 and knows nothing of the first', async () => {
      const { store } = subject;
      await made(store, [message(1, { key: 'k' }), ...messages(2, 5)]);
      granted(await store.remove(ONE));
      const second = [message(1, { content: 'another life', key: 'k' })];
      await made(store, second, { epoch: 'e_second' });
      expect(granted(await store.load(ONE))?.conversation).toMatchObject({
        epoch: 'e_second',
        headSeq: 1,
      });
      expect(await wholeLog(store)).toEqual(second);
      expect(granted(await store.findKey(ONE, ann.id, 'k'))).toBe(1);
      await appended(store, messages(2, 3));
      expect(await wholeLog(store)).toEqual([...second, ...messages(2, 3)]);
    });

    test('refuses an append to what was removed', async () => {
      const { store } = subject;
      await made(store, messages(1, 2));
      granted(await store.remove(ONE));
      expect(refusal(await append(store, { events: messages(3, 3) })).reason).toBe('head_conflict');
    });

    test('leaves other conversations as they are', async () => {
      const { store } = subject;
      await made(store, messages(1, 3), { id: 'c_kept' });
      await made(store, messages(1, 3));
      granted(await store.remove(ONE));
      expect(await wholeLog(store, conversationId('c_kept'))).toEqual(messages(1, 3));
    });
  });
}
