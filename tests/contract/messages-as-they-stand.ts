import { describe, expect, test } from 'vitest';
import type { Message } from '../../src/domain/message.ts';
import type { MessagePage } from '../../storage/store.ts';
import {
  appended,
  bob,
  edit,
  event,
  granted,
  made,
  member,
  message,
  NOW,
  ONE,
} from './fixtures.ts';
import type { Subject } from './store.ts';

export function messagesAsTheyStand(subject: Subject): void {
  const page = async (given: MessagePage): Promise<readonly Message[]> =>
    granted(await subject.store.readMessages(ONE, given));
  const seqsOf = (found: readonly Message[]) => found.map(({ event: { seq } }) => seq);

  /** Messages at 1, 3, 5, 7, 9; people come between. */
  const makeMixed = async () => {
    const { store } = subject;
    const joined = (seq: number) =>
      event(seq, 'participant.joined', { body: { participant: member(bob) } });
    await made(store, [message(1), joined(2), message(3)]);
    await appended(store, [joined(4), message(5), joined(6), message(7)]);
    await appended(store, [joined(8), message(9), joined(10)]);
  };

  describe('reading messages', () => {
    test('gives messages only, the oldest after a seq or the newest before one, always ascending', async () => {
      await makeMixed();
      expect(seqsOf(await page({ limit: 2 }))).toEqual([1, 3]);
      expect(seqsOf(await page({ limit: 100 }))).toEqual([1, 3, 5, 7, 9]);
      expect(seqsOf(await page({ afterSeq: 3, limit: 2 }))).toEqual([5, 7]);
      expect(seqsOf(await page({ beforeSeq: 100, limit: 2 }))).toEqual([7, 9]);
      expect(seqsOf(await page({ beforeSeq: 7, limit: 2 }))).toEqual([3, 5]);
      expect(seqsOf(await page({ beforeSeq: 4, limit: 5 }))).toEqual([1, 3]);
      expect(seqsOf(await page({ afterSeq: 1, beforeSeq: 9, limit: 2 }))).toEqual([5, 7]);
      expect(seqsOf(await page({ afterSeq: 3, beforeSeq: 6, limit: 9 }))).toEqual([5]);
      expect(seqsOf(await page({ beforeSeq: 1, limit: 9 }))).toEqual([]);
      expect(seqsOf(await page({ afterSeq: 10, limit: 9 }))).toEqual([]);
    });

    test('shows the newest edit in place of the content, and the log as it was written', async () => {
      const { store } = subject;
      await makeMixed();
      await appended(store, [edit(11, 3, 'second')], {
        effects: [{ kind: 'edited', targetSeq: 3, seq: 11 }],
      });
      await appended(store, [edit(12, 3, 'third'), edit(13, 9, 'other')], {
        effects: [
          { kind: 'edited', targetSeq: 3, seq: 12 },
          { kind: 'edited', targetSeq: 9, seq: 13 },
        ],
      });
      const found = await page({ limit: 100 });
      expect(found.map(({ body }) => body.content)).toEqual([
        'message 1',
        'third',
        'message 5',
        'message 7',
        'other',
      ]);
      expect(found.map(({ editedAt }) => editedAt)).toEqual([null, NOW + 12, null, null, NOW + 13]);
      expect(found[1]?.event).toEqual(message(3));
      expect(await page({ beforeSeq: 5, limit: 1 })).toEqual([found[1]]);
    });
  });
}
