import { describe, expect, it } from 'vitest';
import { Mailbox } from '../../actors/mailbox.ts';
import { fc } from '../support/properties.ts';

describe('a mailbox', () => {
  it('takes as many as it holds, refuses the next, and takes again once it was emptied', () => {
    const mailbox = new Mailbox<number>(3);
    expect([1, 2, 3, 4].map((item) => mailbox.offer(item))).toEqual([true, true, true, false]);
    expect(mailbox.size).toBe(3);
    expect(mailbox.takeAll()).toEqual([1, 2, 3]);
    expect(mailbox.offer(5)).toBe(true);
    expect(mailbox.takeAll()).toEqual([5]);
    expect(mailbox.takeAll()).toEqual([]);
  });

  it('puts back in front, over the capacity, and takes no new one until there is room', () => {
    const mailbox = new Mailbox<string>(2);
    mailbox.offer('a');
    mailbox.offer('b');
    const taken = mailbox.takeAll();
    mailbox.offer('c');
    mailbox.putBack(taken);
    expect(mailbox.offer('d')).toBe(false);
    expect(mailbox.takeAll()).toEqual(['a', 'b', 'c']);
  });

  it('gives out what it took, in that order, each once, whatever the interleaving', () => {
    const step = fc.constantFrom('offer' as const, 'take' as const, 'return' as const);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.array(step, { maxLength: 60 }),
        (size, steps) => {
          const mailbox = new Mailbox<number>(size);
          const accepted: number[] = [];
          const out: number[] = [];
          let hand: number[] = [];
          steps.forEach((kind, item) => {
            if (kind === 'offer') {
              const fits = mailbox.size < size;
              expect(mailbox.offer(item)).toBe(fits);
              if (fits) accepted.push(item);
            } else if (kind === 'take') {
              out.push(...hand);
              hand = mailbox.takeAll();
            } else {
              mailbox.putBack(hand);
              hand = [];
            }
          });
          expect([...out, ...hand, ...mailbox.takeAll()]).toEqual(accepted);
        },
      ),
    );
  });

  describe('told to say when to come back', () => {
    it('says a short while before it knows how fast it drains', () => {
      expect(new Mailbox(1).retryAfterMs()).toBe(20);
    });

    it('says how long what waits will take at the rate it drains', () => {
      const mailbox = new Mailbox<number>(1_000);
      for (let item = 0; item < 500; item += 1) mailbox.offer(item);
      mailbox.drained(100, 50);
      expect(mailbox.retryAfterMs()).toBe(250);
    });

    it('believes a handful of batches, not one', () => {
      const mailbox = new Mailbox<number>(1_000);
      for (let item = 0; item < 1_000; item += 1) mailbox.offer(item);
      mailbox.drained(100, 100);
      mailbox.drained(1, 100);
      const afterOne = mailbox.retryAfterMs();
      for (let batch = 0; batch < 20; batch += 1) mailbox.drained(1, 100);
      expect(afterOne).toBeLessThan(1_300);
      expect(mailbox.retryAfterMs()).toBe(10_000);
    });

    it('stays between 20 ms and 10 s', () => {
      const mailbox = new Mailbox<number>(10);
      mailbox.offer(1);
      mailbox.drained(1_000_000, 0);
      expect(mailbox.retryAfterMs()).toBe(20);
      for (let batch = 0; batch < 200; batch += 1) mailbox.drained(1, 1_000_000);
      expect(mailbox.retryAfterMs()).toBe(10_000);
    });
  });
});
