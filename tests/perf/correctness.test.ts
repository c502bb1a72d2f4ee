import { describe, expect, it } from 'vitest';
import { Follower } from '../../perf/k6/lib/follower.ts';
import { Outbox } from '../../perf/k6/lib/outbox.ts';
import { TurnFollower } from '../../perf/k6/lib/turn.ts';

describe('a follower', () => {
  function joined(headSeq: number, afterSeq?: number): Follower {
    const follower = new Follower();
    follower.joins(afterSeq);
    follower.joined(headSeq);
    return follower;
  }

  it('takes the seqs after its position, in order, for what they are', () => {
    const follower = joined(7);
    expect([8, 9, 10].map((seq) => follower.event(seq).place)).toEqual(['next', 'next', 'next']);
    expect(follower.position).toBe(10);
  });

  it('counts a loss once, with its size, and goes on behind it', () => {
    const follower = joined(7);
    expect(follower.event(11)).toEqual({ place: 'gap', missing: 3 });
    expect(follower.event(12)).toEqual({ place: 'next', missing: 0 });
  });

  it('sees an event that comes again, and stays where it is', () => {
    const follower = joined(7);
    follower.event(8);
    expect(follower.event(8).place).toBe('duplicate');
    expect(follower.event(3).place).toBe('duplicate');
    expect(follower.position).toBe(8);
  });

  it('expects a replay from the position that was asked for, without a seam', () => {
    const follower = new Follower();
    follower.joins(4);
    expect(follower.joined(6)).toBe(2);
    expect(follower.event(5).place).toBe('next');
    expect(follower.event(7)).toEqual({ place: 'gap', missing: 1 });
  });

  it('misses nothing that came between asking again and the answer', () => {
    const follower = joined(7);
    follower.joins(7);
    follower.event(8);
    expect(follower.joined(8)).toBe(0);
    expect(follower.event(8).place).toBe('next');
    follower.joins(8);
    expect(follower.joined(10)).toBe(2);
  });

  it('has no position before it has joined', () => {
    expect(new Follower().position).toBeUndefined();
  });
});

describe('an outbox', () => {
  const send = (outbox: Outbox, key: string) => outbox.add({ key, content: 'text', dueAt: 1 });

  it.for([['ack first'], ['event first']] as const)('is settled by both, %s', ([order]) => {
    const outbox = new Outbox();
    send(outbox, 'a');
    const answers = [() => outbox.acked('a', 5), () => outbox.seen('a', 5)];
    for (const answer of order === 'ack first' ? answers : answers.reverse()) answer();
    expect(outbox.size).toBe(0);
    expect(outbox.mismatches).toBe(0);
  });

  it('tells a send without an ack from one whose event never came', () => {
    const outbox = new Outbox();
    for (const key of ['a', 'b', 'c']) send(outbox, key);
    outbox.acked('b', 5);
    outbox.seen('c', 6);
    expect(outbox.unacked().map(({ key }) => key)).toEqual(['a', 'c']);
    expect(outbox.unseen().map(({ key }) => key)).toEqual(['b']);
  });

  it('sees an ack and an event that name different seqs', () => {
    const outbox = new Outbox();
    send(outbox, 'a');
    outbox.acked('a', 5);
    outbox.seen('a', 6);
    expect(outbox.mismatches).toBe(1);
  });

  it('sees a message that is stored twice, also behind the answers to the first', () => {
    const outbox = new Outbox();
    send(outbox, 'a');
    outbox.acked('a', 5);
    outbox.seen('a', 5);
    outbox.seen('a', 9);
    outbox.acked('a', 9);
    expect(outbox.mismatches).toBe(2);
  });

  it('takes the ack of a send that went out twice for the one it is', () => {
    const outbox = new Outbox();
    const pending = send(outbox, 'a');
    expect(outbox.acked('a', 5)).toBe(pending);
    expect(outbox.acked('a', 5)).toBeUndefined();
    expect(outbox.mismatches).toBe(0);
  });

  it('expects nothing more of what was refused for good', () => {
    const outbox = new Outbox();
    send(outbox, 'a');
    outbox.giveUp('a');
    expect(outbox.size).toBe(0);
  });
});

describe('a turn that is followed', () => {
  function deltas(attempt: number, ...texts: string[]): TurnFollower {
    const turn = new TurnFollower();
    texts.forEach((text, index) => {
      turn.delta({ attempt, index, text }, 100 + index);
    });
    return turn;
  }

  it('is right when its deltas are its message, and says when they came', () => {
    const turn = deltas(1, 'a ', 'b');
    turn.message('a b');
    expect(turn.ended('completed')).toEqual({
      state: 'completed',
      firstAt: 100,
      lastAt: 101,
      deltas: 2,
      isWrong: false,
    });
  });

  it('is wrong when they are not, and when there is no message', () => {
    const other = deltas(1, 'a ', 'b');
    other.message('a c');
    expect(other.ended('completed').isWrong).toBe(true);
    expect(deltas(1, 'a').ended('completed').isWrong).toBe(true);
  });

  it('compares the deltas of the last attempt alone', () => {
    const turn = deltas(1, 'lost ');
    turn.delta({ attempt: 2, index: 0, text: 'kept' }, 200);
    turn.message('kept');
    expect(turn.ended('completed').isWrong).toBe(false);
  });

  it('compares nothing when deltas were left out', () => {
    const turn = deltas(1, 'a ');
    turn.delta({ attempt: 1, index: 3, text: 'd' }, 200);
    turn.message('a b c d');
    expect(turn.ended('completed').isWrong).toBe(false);
  });

  it('goes on from a snapshot', () => {
    const turn = new TurnFollower();
    turn.snapshot({ attempt: 1, text: 'a b', next_index: 2 });
    turn.delta({ attempt: 1, index: 2, text: ' c' }, 200);
    turn.message('a b c');
    expect(turn.ended('completed').isWrong).toBe(false);
  });
});
