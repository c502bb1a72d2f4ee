import { describe, it } from 'vitest';
import type { Fate, Operation } from '../support/controlled-store.ts';
import { fc, runs } from '../support/properties.ts';
import { settled } from '../support/simulated-clock.ts';
import { Harness, PEOPLE, type Setup } from './harness.ts';
import { holdsInTheEnd, holdsSoFar } from './promises.ts';

const who = fc.constantFrom(...PEOPLE);
const key = fc.option(fc.constantFrom('k1', 'k2', 'k3'), { freq: 2 });
const fate = fc.constantFrom<Fate>('ok', 'ok', 'none', 'lost', 'stored', 'late');
const held = fc.constantFrom<Operation>('append', 'readEvents', 'load', 'findKey', 'readMessages');

/** One thing that happens. */
type Step = (harness: Harness) => unknown;

function step<T extends object>(
  weight: number,
  fields: { [K in keyof T]: fc.Arbitrary<T[K]> },
  act: (given: T) => Step,
): { weight: number; arbitrary: fc.Arbitrary<Named> } {
  const arbitrary = fc.record(fields).map((given) => ({
    given: given as object,
    act: act(given as T),
  }));
  return { weight, arbitrary };
}

/** With its values, so that a counterexample can be read. */
interface Named {
  readonly given: object;
  readonly act: Step;
}

const STEPS = fc.oneof(
  step(
    12,
    { who, key, variant: fc.constantFrom(0, 0, 0, 1), say: fc.constant(true) },
    (given) => (on) => on.say(given.who, given.key, given.variant),
  ),
  step(
    2,
    { come: who },
    ({ come }) =>
      (on) =>
        on.come(come),
  ),
  step(
    1,
    { go: who },
    ({ go }) =>
      (on) =>
        on.go(go),
  ),
  step(
    2,
    { editor: who, key, seq: fc.integer({ min: 1, max: 12 }) },
    (given) => (on) =>
      on.amend(given.editor, given.seq, {
        key: given.key && `e${given.key}`,
        content: `edit ${given.seq}`,
      }),
  ),
  step(
    2,
    { deleter: who, key, seq: fc.integer({ min: 1, max: 12 }) },
    (given) => (on) => on.amend(given.deleter, given.seq, { key: given.key && `d${given.key}` }),
  ),
  step(
    4,
    { follow: who, from: fc.nat(20) },
    ({ follow, from }) =>
      (on) =>
        on.follow(follow, from),
  ),
  step(
    1,
    { unfollow: fc.nat(9) },
    ({ unfollow }) =>
      (on) =>
        on.unfollow(unfollow),
  ),
  step(
    2,
    { pause: fc.nat(9) },
    ({ pause }) =>
      (on) =>
        on.follower(pause)?.reader.outlet.pause(),
  ),
  step(
    2,
    { read: fc.nat(9) },
    ({ read }) =>
      (on) =>
        on.follower(read)?.reader.outlet.resume(),
  ),
  step(8, { tick: fc.constant(true) }, () => (on) => on.tick()),
  step(6, { turns: fc.nat(6) }, ({ turns }) => async () => {
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
  }),
  step(6, { settled: fc.constant(true) }, () => () => settled()),
  step(
    3,
    { hold: held },
    ({ hold }) =>
      (on) =>
        on.store.hold(hold),
  ),
  step(
    2,
    { holdAnswers: held },
    ({ holdAnswers }) =>
      (on) =>
        on.store.holdAnswers(holdAnswers),
  ),
  step(
    6,
    { release: fate, at: fc.nat(5) },
    ({ release, at }) =>
      (on) =>
        on.release(release, at),
  ),
  step(2, { land: fc.constant(true) }, () => (on) => on.store.land()),
  step(2, { letGo: fc.constant(true) }, () => (on) => on.store.letGo()),
  step(
    2,
    { doom: held, fate },
    ({ doom, fate: next }) =>
      (on) =>
        on.doom(doom, next),
  ),
  step(
    2,
    { foreign: fc.integer({ min: 1, max: 3 }) },
    ({ foreign }) =>
      (on) =>
        on.foreign(foreign),
  ),
  step(
    2,
    { trim: fc.integer({ min: 1, max: 12 }), isForeign: fc.boolean() },
    ({ trim, isForeign }) =>
      (on) =>
        on.trim(trim, isForeign),
  ),
  step(2, { evict: fc.constant(true) }, () => (on) => on.evict()),
  step(
    3,
    { pass: fc.constantFrom(10, 200, 1_500, 12_000) },
    ({ pass }) =>
      (on) =>
        on.pass(pass),
  ),
  step(1, { passivate: fc.constant(true) }, () => (on) => on.passivate()),
  step(1, { restart: fc.constant(true) }, () => (on) => on.restart()),
  step(1, { crash: fc.constant(true) }, () => (on) => on.actor.crashed(new Error('broken'))),
);

async function live(setup: Setup, steps: readonly Named[]): Promise<void> {
  const harness = new Harness(setup);
  await harness.open();
  for (const { act } of steps) {
    await act(harness);
    harness.tidy();
    await holdsSoFar(harness);
  }
  await harness.calmDown();
  await holdsSoFar(harness);
  await holdsInTheEnd(harness);
  await harness.leaveAll();
}

const numRuns = runs(150);
describe('a conversation keeps its promises under senders, readers, failures and restarts in any order', () => {
  it.each([
    ['on a store', { isCached: false, hasAgent: false }],
    ['on a cache of one conversation', { isCached: true, hasAgent: false }],
    ['with an agent', { isCached: false, hasAgent: true }],
    ['with an agent, on a cache of one conversation', { isCached: true, hasAgent: true }],
  ])('%s', async (_, fixed) => {
    const setup = fc.record({
      isCached: fc.constant(fixed.isCached),
      hasAgent: fc.constant(fixed.hasAgent),
      mailboxCapacity: fc.constantFrom(1, 3, 100),
      outboundBytes: fc.constantFrom(300, 2_000, 1e6),
    });
    // A failure tells its seed and path, and the shortest life that shows it.
    await fc.assert(
      fc.asyncProperty(
        setup,
        fc.array(STEPS, { minLength: 20, maxLength: 100, size: 'max' }),
        live,
      ),
      { numRuns },
    );
  });
});
