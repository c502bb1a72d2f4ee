import { describe, expect, test } from 'vitest';
import { CommitTick } from '../../actors/commit-tick.ts';

/** A tick whose turns of the event loop and milliseconds pass when the test says so. */
function simulated() {
  const due: Array<() => void> = [];
  const time = { now: 0 };
  const written: string[] = [];
  const tick = new CommitTick(
    (run) => due.push(run),
    () => time.now,
  );
  return {
    tick,
    time,
    written,
    ask: (name: string) => tick.request(() => written.push(name)),
    turn: () => {
      for (const run of due.splice(0)) run();
      return written.splice(0);
    },
  };
}

describe('a commit tick', () => {
  test('writes after the first turn that brings nothing more, all together and in their order', () => {
    const { ask, turn } = simulated();
    ask('a');
    expect(turn()).toEqual([]);
    ask('b');
    expect(turn()).toEqual([]);
    ask('c');
    expect(turn()).toEqual([]);
    expect(turn()).toEqual(['a', 'b', 'c']);
    expect(turn()).toEqual([]);
  });

  test('waits for those who have asked and get more', () => {
    const { tick, ask, turn } = simulated();
    ask('a');
    expect(turn()).toEqual([]);
    for (let more = 0; more < 5; more += 1) {
      tick.gotMore();
      expect(turn()).toEqual([]);
    }
    expect(turn()).toEqual(['a']);
  });

  test('writes after a millisecond, whatever still comes in', () => {
    const { ask, turn, time } = simulated();
    ask('a');
    expect(turn()).toEqual([]);
    ask('b');
    time.now = 0.99;
    expect(turn()).toEqual([]);
    ask('c');
    time.now = 1;
    expect(turn()).toEqual(['a', 'b', 'c']);
    ask('d');
    time.now = 1.5;
    expect(turn()).toEqual([]);
    expect(turn()).toEqual(['d']);
  });

  test('leaves what is asked for while it writes to the next one', () => {
    const { tick, turn, written } = simulated();
    const again = () => {
      written.push('a');
      if (written.length < 2) tick.request(again);
    };
    tick.request(again);
    expect(turn()).toEqual([]);
    expect(turn()).toEqual(['a']);
    written.push('before');
    expect(turn()).toEqual(['before']);
    expect(turn()).toEqual(['a']);
  });
});
