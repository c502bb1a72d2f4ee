import { describe, expect, test } from 'vitest';
import {
  ann,
  append,
  appended,
  granted,
  headOf,
  made,
  member,
  message,
  messages,
  ONE,
  seqs,
} from './fixtures.ts';
import type { Subject } from './store.ts';

export function reading(subject: Subject): void {
  describe('reading events', () => {
    test('gives what comes after a seq, ascending, up to the limit', async () => {
      const { store } = subject;
      await made(store, messages(1, 4));
      await appended(store, messages(5, 10));
      const page = async (afterSeq: number, limit: number) =>
        seqs(granted(await store.readEvents(ONE, { afterSeq, limit })));
      expect(await page(0, 3)).toEqual([1, 2, 3]);
      expect(await page(3, 3)).toEqual([4, 5, 6]);
      expect(await page(8, 100)).toEqual([9, 10]);
      expect(await page(9, 1)).toEqual([10]);
      expect(await page(10, 1)).toEqual([]);
      expect(await page(99, 1)).toEqual([]);
    });

    test('bounds a page by characters, with at least one event in it', async () => {
      const { store } = subject;
      const { length } = message(1).body;
      await made(store, messages(1, 5));
      await appended(store, messages(6, 9));
      const page = async (afterSeq: number, maxChars: number) =>
        seqs(granted(await store.readEvents(ONE, { afterSeq, limit: 100, maxChars })));
      expect(await page(0, 1)).toEqual([1]);
      expect(await page(0, 2 * length)).toEqual([1, 2]);
      expect(await page(4, 3 * length - 1)).toEqual([5, 6]);
      expect(await page(4, 3 * length)).toEqual([5, 6, 7]);
      expect(await page(8, 1_000_000)).toEqual([9]);
    });

    test('pages of any size join without a seam', async () => {
      const { store } = subject;
      await made(store, messages(1, 10));
      for (let from = 11; from <= 290; from += 40) await appended(store, messages(from, from + 39));
      for (const limit of [1, 7, 64, 256, 1_000]) {
        const all: number[] = [];
        for (;;) {
          const page = granted(await store.readEvents(ONE, { afterSeq: all.at(-1) ?? 0, limit }));
          if (page.length === 0) break;
          expect(page.length).toBeLessThanOrEqual(limit);
          all.push(...seqs(page));
        }
        expect(all).toEqual(seqs(messages(1, 290)));
      }
    });

    test('readers beside a writer never see a gap, and see what was answered before they asked', async () => {
      const { store } = subject;
      await made(store);
      let answered = 0;
      let isWriting = true;
      const write = async () => {
        for (let from = 1; from <= 40; from += 2) {
          await appended(store, messages(from, from + 1));
          answered = from + 1;
        }
        isWriting = false;
      };
      const read = async () => {
        while (isWriting) {
          const known = answered;
          const page = seqs(granted(await store.readEvents(ONE, { afterSeq: 0, limit: 1_000 })));
          expect(page).toEqual(page.map((_, index) => index + 1));
          expect(page.length).toBeGreaterThanOrEqual(known);
          expect(await headOf(store)).toBeGreaterThanOrEqual(page.length);
          await new Promise(setImmediate);
        }
      };
      await Promise.all([write(), read(), read()]);
    });

    test('a head that was read is the one the next append is compared with', async () => {
      const { store } = subject;
      await made(store, messages(1, 2));
      for (let round = 0; round < 10; round += 1) {
        const head = (await headOf(store)) ?? 0;
        const effects = [
          { kind: 'member', member: member({ ...ann, name: `n${round}` }) },
        ] as const;
        const result = await append(store, { events: messages(head + 1, head + 2), effects });
        expect(result.ok).toBe(true);
      }
      expect(await headOf(store)).toBe(22);
    });
  });
}
