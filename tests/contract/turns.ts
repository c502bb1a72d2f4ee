import { describe, expect, test } from 'vitest';
import { conversationId } from '../../src/domain/ids.ts';
import type { Turn } from '../../src/domain/turn.ts';
import {
  appended,
  granted,
  made,
  message,
  messages,
  NOW,
  ONE,
  turn,
  turnWithTools,
} from './fixtures.ts';
import type { Subject } from './store.ts';

export function turns(subject: Subject): void {
  const put = (given: Turn, expectedHead = 1) =>
    appended(subject.store, [], { expectedHead, effects: [{ kind: 'turn', turn: given }] });
  const openTurns = async () => granted(await subject.store.readOpenTurns(ONE));
  const read = async (given: Turn, id = ONE) => granted(await subject.store.readTurn(id, given.id));

  describe('turns', () => {
    test('a turn is stored with the message that asks for it, replaced as it goes on, and read by id', async () => {
      const { store } = subject;
      await made(store);
      const queued = turn('a');
      await appended(store, [message(1)], { effects: [{ kind: 'turn', turn: queued }] });
      expect(await read(queued)).toEqual(queued);
      const ended: Turn = {
        ...queued,
        state: 'failed',
        attempt: 2,
        startedAt: NOW + 1,
        endedAt: NOW + 2,
        usage: { input_tokens: 3, output_tokens: 4 },
        error: { code: 503, reason: 'agent_unavailable', message: 'No \ud83d\ude00' },
        messageSeq: 7,
      };
      await put(ended);
      expect(await read(ended)).toEqual(ended);
    });

    test('a turn keeps what it asked of tools, whatever is in that, and who asked for it', async () => {
      await made(subject.store, messages(1, 1));
      await put(turn('a'));
      const whole = turnWithTools('a');
      await put(whole);
      expect(await read(whole)).toEqual(whole);
      expect(granted(await subject.store.readTurns(ONE, { limit: 9 }))).toEqual([whole]);
      expect(await openTurns()).toEqual([whole]);
    });

    test('a turn that has ended is not opened again by a write that comes late', async () => {
      await made(subject.store, messages(1, 1));
      await put(turn('a', { state: 'streaming', attempt: 1 }));
      const ended = turn('a', { state: 'completed', attempt: 1, endedAt: NOW });
      await put(ended);
      await put(turn('a', { state: 'streaming', attempt: 1 }));
      expect(await read(ended)).toEqual(ended);
      expect(await openTurns()).toEqual([]);
      const cancelled = { ...ended, state: 'cancelled' } as const;
      await put(cancelled);
      expect(await read(ended)).toEqual(cancelled);
    });

    test('a turn that ends and goes on in one batch has ended', async () => {
      await made(subject.store, messages(1, 1));
      const ended = turn('a', { state: 'completed', attempt: 1, endedAt: NOW });
      const late = turn('a', { state: 'streaming', attempt: 1 });
      const effects = [ended, late].map((given) => ({ kind: 'turn', turn: given }) as const);
      await appended(subject.store, [], { expectedHead: 1, effects });
      expect(await read(ended)).toEqual(ended);
      expect(await openTurns()).toEqual([]);
    });

    test('open turns come in the order they were first stored, without those that ended', async () => {
      await made(subject.store, messages(1, 1));
      for (const name of ['z', 'm', 'a', 'k']) await put(turn(name));
      await put(turn('z', { state: 'streaming', attempt: 1 }));
      await put(turn('m', { state: 'completed' }));
      expect((await openTurns()).map(({ id }) => id)).toEqual(['t_z', 't_a', 't_k']);
      expect((await openTurns())[0]?.state).toBe('streaming');
    });

    test('a turn belongs to its conversation', async () => {
      const { store } = subject;
      await made(store, messages(1, 1));
      await made(store, messages(1, 1), { id: 'c_other' });
      await put(turn('a'));
      expect(await read(turn('a'), conversationId('c_other'))).toBeUndefined();
      expect(await read(turn('b'))).toBeUndefined();
    });

    test('lists the conversations with a turn that has not ended', async () => {
      const { store } = subject;
      for (const id of ['c_one', 'c_two', 'c_three', 'c_four'])
        await made(store, messages(1, 1), { id });
      const putIn = (id: string, given: Turn) =>
        appended(store, [], {
          id: conversationId(id),
          expectedHead: 1,
          effects: [{ kind: 'turn', turn: { ...given, conversationId: conversationId(id) } }],
        });
      await putIn('c_one', turn('a'));
      await putIn('c_one', turn('b'));
      await putIn('c_two', turn('a', { state: 'cancelled' }));
      await putIn('c_three', turn('c', { state: 'awaiting_approval' }));
      const listed = granted(await store.listConversationsWithOpenTurns());
      expect([...listed].sort()).toEqual(['c_one', 'c_three']);
    });

    test('a removed conversation takes its turns along', async () => {
      const { store } = subject;
      await made(store, messages(1, 1));
      await put(turn('a'));
      granted(await store.remove(ONE));
      expect(granted(await store.listConversationsWithOpenTurns())).toEqual([]);
      expect(await read(turn('a'))).toBeUndefined();
      await made(store, messages(1, 1), { epoch: 'e_second' });
      expect(await openTurns()).toEqual([]);
    });
  });
}
