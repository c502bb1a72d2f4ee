import { describe, expect, test } from 'vitest';
import type { Summary } from '../../src/domain/summary.ts';
import type { Effect } from '../../storage/store.ts';
import {
  append,
  appended,
  granted,
  made,
  message,
  messages,
  NOW,
  ONE,
  refusal,
} from './fixtures.ts';
import type { Subject } from './store.ts';

const SUMMARY: Summary = {
  fromSeq: 1,
  toSeq: 3,
  text: "What it was about: $' \ud83d\ude00 \u0000 \ud800",
  createdAt: NOW,
};

export function summaries(subject: Subject): void {
  const put = (summary: Summary, expectedHead = 5) =>
    append(subject.store, { events: [], expectedHead, effects: [{ kind: 'summary', summary }] });
  const kept = async () => granted(await subject.store.readSummary(ONE));
  const withSummary = async () => {
    await made(subject.store, messages(1, 5));
    granted(await put(SUMMARY));
  };
  const effect = (given: Effect) => appended(subject.store, [message(6)], { effects: [given] });

  describe('summaries', () => {
    test('a summary is kept as it was given, and replaced by the next one', async () => {
      const { store } = subject;
      await made(store, messages(1, 5));
      expect(await kept()).toBeUndefined();
      granted(await put(SUMMARY));
      expect(await kept()).toEqual(SUMMARY);
      granted(await put({ ...SUMMARY, toSeq: 4, text: 'More.' }));
      expect(await kept()).toEqual({ ...SUMMARY, toSeq: 4, text: 'More.' });
      if (!subject.backend.persists) return;
      const again = await subject.reopen();
      expect(granted(await again.readSummary(ONE))).toMatchObject({ text: 'More.' });
    });

    test('one that was made for another head is refused, and changes nothing', async () => {
      await withSummary();
      expect(refusal(await put({ ...SUMMARY, text: 'stale' }, 4))).toEqual({
        reason: 'head_conflict',
      });
      expect(await kept()).toEqual(SUMMARY);
    });

    test('an edit or a deletion of what it covers lets go of it; of what it does not cover, not', async () => {
      await withSummary();
      await effect({ kind: 'edited', targetSeq: 4, seq: 6 });
      await appended(subject.store, [message(7)], {
        expectedHead: 6,
        effects: [{ kind: 'erased', targetSeq: 5 }],
      });
      expect(await kept()).toEqual(SUMMARY);
      await appended(subject.store, [message(8)], {
        expectedHead: 7,
        effects: [{ kind: 'edited', targetSeq: 3, seq: 8 }],
      });
      expect(await kept()).toBeUndefined();
      granted(await put(SUMMARY, 8));
      await appended(subject.store, [message(9)], {
        expectedHead: 8,
        effects: [{ kind: 'erased', targetSeq: 1 }],
      });
      expect(await kept()).toBeUndefined();
    });

    test('so does a trim', async () => {
      await withSummary();
      await effect({ kind: 'trimmed', firstSeq: 2 });
      expect(await kept()).toBeUndefined();
    });

    test('a removed conversation takes its summary along', async () => {
      await withSummary();
      granted(await subject.store.remove(ONE));
      expect(await kept()).toBeUndefined();
      await made(subject.store, messages(1, 1), { epoch: 'e_second' });
      expect(await kept()).toBeUndefined();
    });
  });
}
