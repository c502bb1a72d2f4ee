import { expect, test } from 'vitest';
import { Metronome } from '../../src/agent/metronome.ts';
import { fc, runs } from '../support/properties.ts';
import { ManualClock } from './manual-clock.ts';

test('wakes each sleeper at its time or within a beat after it, never before', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.double({ min: 0, max: 400, noNaN: true }), { maxLength: 40 }),
      async (times) => {
        const clock = new ManualClock();
        const metronome = new Metronome(clock);
        const woken = times.map((atMs) =>
          metronome
            .sleeper()
            .until(atMs)
            .then(() => clock.now() - atMs),
        );
        await clock.advance(500);
        for (const lateMs of await Promise.all(woken)) {
          expect(lateMs).toBeGreaterThanOrEqual(0);
          expect(lateMs).toBeLessThan(8);
        }
        expect(clock.waiting).toBe(0);
      },
    ),
    { numRuns: runs(50) },
  );
});

test('has one timer for a thousand sleepers, and none when nobody sleeps', async () => {
  const clock = new ManualClock();
  const metronome = new Metronome(clock);
  const sleeps = Array.from({ length: 1_000 }, (_, i) => metronome.sleeper().until(i));
  expect(clock.waiting).toBe(1);
  await clock.advance(1_100);
  await Promise.all(sleeps);
  expect(clock.waiting).toBe(0);
});

test('a sleeper that was woken sleeps its next sleep in full', async () => {
  const clock = new ManualClock();
  const sleeper = new Metronome(clock).sleeper();
  const first = sleeper.until(20);
  sleeper.wake();
  await first;
  let isAwake = false;
  const second = sleeper.until(100).then(() => {
    isAwake = true;
  });
  await clock.advance(50);
  expect(isAwake).toBe(false);
  await clock.advance(60);
  await second;
});
