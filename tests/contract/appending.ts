import { describe, expect, test } from 'vitest';
import { conversationId } from '../../src/domain/ids.ts';
import { submit } from '../../storage/submit.ts';
import { until } from '../support/until.ts';
import {
  ann,
  append,
  appended,
  bob,
  event,
  granted,
  headOf,
  made,
  member,
  message,
  messages,
  NOW,
  ONE,
  refusal,
  seqs,
  state,
  turn,
  wholeLog,
} from './fixtures.ts';
import type { Subject } from './store.ts';

export function appending(subject: Subject): void {
  describe('appending', () => {
    test('continues the log without a gap, batch after batch', async () => {
      const { store } = subject;
      await made(store, messages(1, 1));
      for (const [from, to] of [
        [2, 2],
        [3, 10],
        [11, 11],
        [12, 40],
      ] as const) {
        await appended(store, messages(from, to));
        expect(await headOf(store)).toBe(to);
      }
      expect(await wholeLog(store, ONE, 7)).toEqual(messages(1, 40));
    });

    test('is the same without a promise: one answer, and none before the call has returned', async () => {
      const { store } = subject;
      await made(store, messages(1, 1));
      const told: string[] = [];
      const tell = (from: number, to = from): void => {
        let hasReturned = false;
        const say = (word: string) => told.push(hasReturned ? word : `${word} too early`);
        const batch = { id: ONE, expectedHead: 1, events: messages(from, to), effects: [] };
        submit(store, batch, {
          answered: (result) => say(result.ok ? 'ok' : result.failure.reason),
          broke: () => say('broke'),
        });
        hasReturned = true;
      };
      tell(2, 3);
      await until(() => told.length === 1);
      tell(2);
      await until(() => told.length === 2);
      tell(5);
      await until(() => told.length === 3);
      expect(told).toEqual(['ok', 'head_conflict', 'broke']);
      expect(await wholeLog(store, ONE, 7)).toEqual(messages(1, 3));
    });

    test('keeps every field of every kind of event', async () => {
      const { store } = subject;
      const participant = member(bob);
      const events = [
        message(1, { key: 'a key', from: bob }),
        event(2, 'message.edited', { body: { target_seq: 1, content: 'new' } }),
        event(3, 'message.deleted', { body: { target_seq: 1 } }),
        event(4, 'participant.joined', { body: { participant } }),
        event(5, 'participant.left', { body: { participant } }),
        event(6, 'participant.role_changed', {
          body: { participant_id: bob.id, role: 'observer' },
        }),
        event(7, 'conversation.updated', { body: { changes: { title: 'T' } } }),
        message(8, { from: { id: bob.id, name: 'Robot', kind: 'agent' } }),
        event(9, 'turn.decided', {
          body: { turn_id: turn('a').id, call_id: 'c1', decision: 'reject', reason: 'No 🙂' },
          from: bob,
          key: 'decided once',
        }),
      ];
      await made(store);
      await appended(store, events);
      expect(await wholeLog(store)).toEqual(events);
    });

    test.for([-1, 1])('refuses a batch numbered on another head (%i off)', async (off) => {
      const { store } = subject;
      await made(store, messages(1, 3));
      const from = 4 + off;
      const refused = await append(store, {
        events: messages(from, from),
        effects: [{ kind: 'member', member: member(bob) }],
      });
      expect(refusal(refused)).toEqual({ reason: 'head_conflict' });
      expect(await wholeLog(store)).toEqual(messages(1, 3));
      expect(granted(await store.load(ONE))).toEqual(state({ headSeq: 3 }));
    });

    test('refuses a batch for a conversation that is not there', async () => {
      expect(refusal(await append(subject.store, { events: messages(1, 1) }))).toEqual({
        reason: 'head_conflict',
      });
    });

    test('of two writers on one head, one succeeds and the other has written nothing', async () => {
      const { store } = subject;
      await made(store);
      const one = message(1, { content: 'one', key: 'one' });
      const two = message(1, { content: 'two', key: 'two' });
      const results = await Promise.all([
        append(store, { events: [one] }),
        append(store, { events: [two] }),
      ]);
      expect(results.filter(({ ok }) => ok)).toHaveLength(1);
      const winner = results[0]?.ok ? one : two;
      expect(await wholeLog(store)).toEqual([winner]);
      expect(
        granted(await store.findKey(ONE, ann.id, winner === one ? 'two' : 'one')),
      ).toBeUndefined();
    });

    test('a chain of appends sent at once is all stored, in order', async () => {
      const { store } = subject;
      await made(store);
      const batches = Array.from({ length: 20 }, (_, index) =>
        messages(index * 3 + 1, index * 3 + 3),
      );
      const results = await Promise.all(batches.map((events) => append(store, { events })));
      expect(results.every(({ ok }) => ok)).toBe(true);
      expect(await wholeLog(store)).toEqual(messages(1, 60));
    });

    test('one conversation that fails its check does not hold up the others', async () => {
      const { store } = subject;
      const ids = ['c_a', 'c_b', 'c_c', 'c_d'];
      for (const id of ids) await made(store, [message(1, { key: 'first' })], { id });
      const [a, b, c, d] = await Promise.all(
        ids.map((id, index) =>
          append(store, {
            id: conversationId(id),
            ...(index === 1 ? { events: messages(9, 9) } : {}),
            ...(index === 2 ? { events: [message(2, { key: 'first' })] } : {}),
            ...(index === 0 || index === 3 ? { events: messages(2, 4) } : {}),
          }),
        ),
      );
      expect([a?.ok, d?.ok]).toEqual([true, true]);
      expect(b).toMatchObject({ failure: { reason: 'head_conflict' } });
      expect(c).toMatchObject({ failure: { reason: 'keys_taken' } });
      const heads = await Promise.all(ids.map((id) => headOf(store, conversationId(id))));
      expect(heads).toEqual([4, 1, 1, 4]);
    });

    test('many conversations at once keep their logs apart', async () => {
      const { store } = subject;
      const ids = Array.from({ length: 30 }, (_, index) => conversationId(`c_${index}`));
      await Promise.all(ids.map((id) => made(store, [], { id })));
      for (const from of [1, 3, 5]) {
        await Promise.all(ids.map((id) => appended(store, messages(from, from + 1), { id })));
      }
      for (const id of ids) expect(seqs(await wholeLog(store, id))).toEqual([1, 2, 3, 4, 5, 6]);
    });

    test('rejects a batch with a hole in its numbers: that is a bug of the caller', async () => {
      const { store } = subject;
      await made(store);
      await expect(append(store, { events: [message(1), message(3)] })).rejects.toThrow(RangeError);
      expect(await headOf(store)).toBe(0);
    });
  });

  describe('effects', () => {
    test('a member joins last, changes in place, and leaves', async () => {
      const { store } = subject;
      await made(store, messages(1, 1));
      const membersAfter = async (seq: number, effect: Parameters<typeof appended>[2]) => {
        await appended(store, [message(seq)], effect);
        return granted(await store.load(ONE))?.members;
      };
      expect(await membersAfter(2, { effects: [{ kind: 'member', member: member(bob) }] })).toEqual(
        [member(ann, 'owner'), member(bob)],
      );
      const renamed = member({ ...ann, name: 'Anna', kind: 'agent' }, 'observer');
      expect(await membersAfter(3, { effects: [{ kind: 'member', member: renamed }] })).toEqual([
        renamed,
        member(bob),
      ]);
      const gone = [{ kind: 'member_gone', participantId: ann.id }] as const;
      expect(await membersAfter(4, { effects: gone })).toEqual([member(bob)]);
      expect(await membersAfter(5, { effects: [{ kind: 'member', member: member(ann) }] })).toEqual(
        [member(bob), member(ann)],
      );
    });

    test('settings replace title, visibility, agent, metadata and the time, and nothing else', async () => {
      const { store } = subject;
      await made(store, messages(1, 1));
      const conversation = {
        ...state({ id: 'c_ignored', epoch: 'e_ignored' }).conversation,
        title: null,
        visibility: 'invite',
        agent: null,
        metadata: { new: true },
        updatedAt: NOW + 9,
        headSeq: 99,
      } as const;
      await appended(store, [message(2)], { effects: [{ kind: 'settings', conversation }] });
      const { title, visibility, agent, metadata, updatedAt } = conversation;
      expect(granted(await store.load(ONE))?.conversation).toEqual({
        ...state({ headSeq: 2 }).conversation,
        ...{ title, visibility, agent, metadata, updatedAt },
      });
    });

    test('settings bring further agents, and take them away again', async () => {
      const { store } = subject;
      await made(store, messages(1, 1));
      const { agents: _, ...alone } = state().conversation;
      const another = { speaks: 'mention', whileBusy: 'reject' } as const;
      const agents = [{ id: bob.id, name: 'Critic', ...another }];
      const set = (conversation: typeof alone & { agents?: typeof agents }) =>
        appended(store, [], { expectedHead: 1, effects: [{ kind: 'settings', conversation }] });
      await set({ ...alone, agents });
      expect(granted(await store.load(ONE))?.conversation.agents).toEqual(agents);
      await set(alone);
      expect(granted(await store.load(ONE))?.conversation).not.toHaveProperty('agents');
    });

    test('come without events, too, and only on the expected head', async () => {
      const { store } = subject;
      await made(store, messages(1, 2));
      const effects = [{ kind: 'member', member: member(bob) }] as const;
      expect(refusal(await append(store, { expectedHead: 1, effects })).reason).toBe(
        'head_conflict',
      );
      expect(granted(await store.load(ONE))?.members).toHaveLength(1);
      await appended(store, [], { expectedHead: 2, effects });
      expect(granted(await store.load(ONE))?.members).toHaveLength(2);
      expect(await headOf(store)).toBe(2);
    });

    test('apply in the order given', async () => {
      const { store } = subject;
      await made(store, messages(1, 1));
      await appended(store, [], {
        expectedHead: 1,
        effects: [
          { kind: 'member', member: member(bob) },
          { kind: 'member_gone', participantId: bob.id },
          { kind: 'member', member: member(bob, 'observer') },
        ],
      });
      expect(granted(await store.load(ONE))?.members.at(-1)).toEqual(member(bob, 'observer'));
    });
  });
}
